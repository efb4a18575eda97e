"""Names of prepared statements: what PostgreSQL remembers, over transactions that run on different servers."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import Errors, scenario
from .stage import Player, Stage


@scenario()
def unnamed_statement_is_bound_in_a_later_transaction(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select 'mine', $1::int"))
    batch(client, p.bind(values=["1"]), p.execute())
    batch(client, p.describe_statement(), p.bind(values=["2"]), p.describe_portal(), p.execute())


@scenario()
def unnamed_statement_is_replaced_by_the_next(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select 1"), p.parse("", "select 2"), p.bind(), p.execute())
    batch(client, p.parse("", "select 3"))
    batch(client, p.bind(), p.execute())


@scenario(Errors.TEXT)
def simple_query_ends_the_unnamed_statement(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select 1"))
    client.send(p.query("select 2"))
    client.until_ready()
    batch(client, p.bind(), p.execute())


@scenario(Errors.TEXT)
def failed_unnamed_parse_ends_the_unnamed_statement(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select 1"))
    batch(client, p.parse("", "selct 2"))
    batch(client, p.bind(), p.execute())


@scenario(Errors.TEXT)
def unnamed_statement_before_any_parse(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.bind(), p.execute())
    batch(client, p.describe_statement())
    batch(client, p.close_statement())


@scenario(Errors.TEXT)
def closed_unnamed_statement(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select 1"), p.close_statement())
    batch(client, p.bind(), p.execute())


@scenario(Errors.TEXT)
def name_in_use(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("s1", "select 2"), p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def name_in_use_with_the_same_text(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def name_in_use_inside_one_batch(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("s1", "select 2"), p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def name_in_use_inside_a_transaction(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("begin"))
    client.until_ready()
    batch(client, p.parse("s1", "select 2"))
    batch(client, p.bind("", "s1"), p.execute())
    client.send(p.query("rollback"))
    client.until_ready()
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def unknown_name(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.bind("", "nobody"), p.execute(), p.bind("", "skipped"))
    batch(client, p.describe_statement("nobody"), p.parse("skipped", "select 1"))
    batch(client, p.bind("", "skipped"), p.execute())
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario(Errors.TEXT)
def unknown_name_fails_a_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin"))
    client.until_ready()
    batch(client, p.bind("", "nobody"), p.execute())
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())
    client.send(p.query("rollback"))
    client.until_ready()


@scenario()
def closing_an_unknown_name_succeeds(stage: Stage) -> None:
    batch(stage.client(), p.close_statement("nobody"), p.close_portal("nobody"), p.close_statement("nobody"))


@scenario()
def close_and_parse_of_one_name_in_one_batch(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.close_statement("s1"), p.parse("s1", "select 2"), p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.close_statement("s1"), p.parse("s1", "select 3"), p.close_statement("s1"),
          p.parse("s1", "select 4"))
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def closed_name_is_unknown(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.bind("", "s1"), p.execute())
    batch(client, p.close_statement("s1"))
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def close_skipped_by_an_error_closes_nothing(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("", "selct"), p.close_statement("s1"), p.parse("s2", "select 2"))
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s2"), p.execute())


@scenario(Errors.TEXT)
def failed_parse_leaves_its_name_free(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "selct 1"), p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.parse("s1", "select 1"), p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def parse_in_a_failed_transaction_registers_nothing(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin; select 1/0"))
    client.until_ready()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("rollback"))
    client.until_ready()
    batch(client, p.bind("", "s1"), p.execute())


@scenario()
def statement_outlives_the_rollback_of_its_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin"))
    client.until_ready()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("rollback"))
    client.until_ready()
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def deallocate_all_by_simple_query(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("s2", "select 2"))
    client.send(p.query("deallocate all"))
    client.until_ready()
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.parse("s2", "select 'fresh'"), p.bind("", "s2"), p.execute())


@scenario(Errors.TEXT)
def deallocate_all_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("", "deallocate all"), p.bind(), p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def discard_all_by_simple_query(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("set timezone to 'Europe/Paris'"), p.query("discard all"), p.query("show timezone"))
    client.until_ready(3)
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def discard_all_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("", "discard all"), p.bind(), p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario()
def discard_all_is_refused_in_a_transaction(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("begin"), p.query("discard all"), p.query("rollback"))
    client.until_ready(3)
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def deallocate_of_a_name_from_the_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    client.send(p.query("execute s1"), p.query("deallocate s1"))
    client.until_ready(2)
    batch(client, p.bind("", "s1"), p.execute())


@scenario()
def sql_prepare_inside_one_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin; prepare mine(int) as select $1 + 1; execute mine(1); deallocate mine; commit"))
    client.until_ready()


@scenario(session_state=True)
def sql_prepare_is_bound_by_the_protocol(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("prepare mine(int) as select $1 + 1"))
    client.until_ready()
    batch(client, p.bind("", "mine", ["1"]), p.execute())
    client.send(p.query("deallocate mine"))
    client.until_ready()


@scenario()
def one_name_two_clients_two_texts(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    batch(one, p.parse("s1", "select 'of one', $1::int"), p.parse("", "select 'unnamed of one'"))
    batch(two, p.parse("s1", "select 'of two', $1::text"), p.parse("", "select 'unnamed of two'"))
    for value in ("1", "2"):
        batch(one, p.bind("", "s1", [value]), p.describe_portal(), p.execute())
        batch(two, p.bind("", "s1", [value]), p.describe_portal(), p.execute())
        batch(one, p.bind(), p.execute())
        batch(two, p.bind(), p.execute())


@scenario()
def three_hundred_names(stage: Stage) -> None:
    client = stage.client()
    names = [f"n{i}" for i in range(300)]
    batch(client, *(p.parse(name, f"select {name[1:]}") for name in names))
    batch(client, *(m for name in names for m in (p.bind("", name), p.execute())))
    for name in names[::60]:
        batch(client, p.bind("", name), p.execute())


@scenario(Errors.TEXT)
def names_do_not_outlive_the_client(stage: Stage) -> None:
    batch(stage.client("first"), p.parse("s1", "select 1"), p.parse("", "select 2"))
    second = stage.client("second")
    batch(second, p.bind("", "s1"), p.execute())
    batch(second, p.bind(), p.execute())


def _query(client: Player, *texts: str) -> None:
    client.send(*(p.query(text) for text in texts))
    client.until_ready(len(texts))


_DATE = "select '01/02/2020'::date, '2020-01-01 00:00'::timestamptz, '1 2:03'::interval"


@scenario()
def a_text_is_another_statement_under_other_settings(stage: Stage) -> None:
    one, two = stage.client("one", DateStyle="ISO, MDY"), stage.client("two", DateStyle="ISO, DMY", TimeZone="Asia/Tokyo")
    for client in (one, two):
        batch(client, p.parse("s1", _DATE), p.parse("", _DATE))
        batch(client, p.bind("", "s1"), p.execute(), p.bind(), p.execute())
    for client in (two, one):
        batch(client, p.bind("", "s1"), p.execute())
        batch(client, p.bind(), p.execute())


@scenario()
def literals_stay_those_of_the_parse(stage: Stage) -> None:
    client = stage.client(DateStyle="ISO, MDY")
    batch(client, p.parse("s1", _DATE), p.parse("s2", r"select 'a\\b'"))
    _query(client, "set datestyle to 'ISO, DMY'")
    _query(client, "set timezone to 'Europe/Paris'")
    _query(client, "set standard_conforming_strings to off")
    for _ in range(3):
        batch(client, p.bind("", "s1"), p.describe_portal(), p.execute(), p.bind("", "s2"), p.execute())
        _query(client, "show datestyle", "show timezone")
    batch(client, p.parse("s3", _DATE), p.bind("", "s3"), p.execute())
    batch(client, p.parse("", _DATE))
    _query(client, "set datestyle to 'ISO, YMD'", "begin")
    batch(client, p.bind("", "s1"), p.execute(), p.bind("", "s3"), p.execute())
    _query(client, "show datestyle", "commit", "show datestyle")


@scenario()
def setting_and_parse_in_one_send(stage: Stage) -> None:
    client = stage.client(DateStyle="ISO, MDY")
    batch(client, p.parse("s1", _DATE))
    client.send(p.query("set datestyle to 'ISO, DMY'"), p.parse("s2", _DATE), p.bind("", "s2"), p.execute(),
                p.bind("", "s1"), p.execute(), p.sync())
    client.until_ready(2)
    batch(client, p.bind("", "s2"), p.execute(), p.bind("", "s1"), p.execute())


@scenario()
def statement_of_an_altered_transaction_is_nobody_elses(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    _query(one, "create schema if not exists scratch")
    _query(one, "create table scratch.t (a int, b int)", "create table scratch.u (a text)")
    text = "select '\\x41'::bytea::text, array['1']::text[]"
    _query(one, "begin", "set local bytea_output to 'escape'")
    batch(one, p.parse("s1", text), p.bind("", "s1"), p.execute())
    _query(one, "commit")
    batch(two, p.parse("s1", text), p.bind("", "s1"), p.execute())
    batch(two, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def changed_result_type_fails_only_who_prepared_before(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    _query(one, "create table scratch.t (a int)", "insert into scratch.t values (1)")
    batch(one, p.parse("s1", "select * from scratch.t"), p.bind("", "s1"), p.execute())
    _query(one, "alter table scratch.t alter a type text")
    batch(two, p.parse("s1", "select * from scratch.t"), p.bind("", "s1"), p.execute())
    _query(two, "begin")
    batch(two, p.parse("s2", "insert into scratch.t values ($1)"), p.bind("", "s2", ["x"]), p.execute())
    _query(two, "commit")


@scenario(Errors.TEXT, hops=False)  # another server has no plan that could be stale
def stale_plan_is_prepared_again_behind_a_savepoint(stage: Stage) -> None:
    client = stage.client()
    _query(client, "create table scratch.t (a int)")
    batch(client, p.parse("s1", "select * from scratch.t"), p.bind("", "s1"), p.execute())
    _query(client, "begin", "alter table scratch.t add b int", "savepoint a")
    batch(client, p.bind("", "s1"), p.execute())
    _query(client, "rollback to a")
    batch(client, p.close_statement("s1"), p.parse("s2", "select * from scratch.t"), p.bind("", "s2"), p.execute())
    _query(client, "commit")
    batch(client, p.bind("", "s2"), p.execute())


@scenario(Errors.TEXT)
def unnamed_statement_outlives_what_an_error_discarded(stage: Stage) -> None:
    client = stage.client()
    for discarded in (p.parse("", "select 2"), p.close_statement(), p.query("select 3")):
        batch(client, p.parse("", "select 'mine'"))
        batch(client, p.bind("", "nobody"), discarded)
        batch(client, p.bind(), p.execute())
    batch(client, p.parse("", "select 4"), p.bind(), p.execute(), p.bind("", "nobody"), p.parse("", "select 5"))
    batch(client, p.bind(), p.execute())


@scenario(Errors.TEXT)
def errors_name_what_the_client_named(stage: Stage) -> None:
    client = stage.client()
    _query(client, 'create table scratch.penstock_1 (a int)')
    batch(client, p.parse("s1", "select $1::int"), p.parse("s2", "select $1::int"))
    batch(client, p.bind("", "s2"))
    batch(client, p.bind("", "s1", ["1", "2"]))
    batch(client, p.bind("", "s1", ["penstock_1"]))
    batch(client, p.parse("s3", "select b from scratch.penstock_1"))
    batch(client, p.parse("s1", "select b from scratch.penstock_2"))


@scenario()
def close_and_a_notice_keep_their_places(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("n", "do $$ begin raise notice 'seen'; end $$"))
    batch(client, p.bind("", "n"), p.close_statement("s1"), p.execute(), p.close_statement("nobody"))
