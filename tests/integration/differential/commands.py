"""SQL's commands on statements that the protocol prepared: EXECUTE, DEALLOCATE, PREPARE, DISCARD ALL."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import Errors, scenario
from .stage import Player, Stage


def _query(client: Player, *texts: str) -> None:
    client.send(*(p.query(text) for text in texts))
    client.until_ready(len(texts))


@scenario(Errors.TEXT)
def deallocate_of_a_protocol_name(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("S 2", "select 2"))
    _query(client, "deallocate s1")
    batch(client, p.bind("", "s1"), p.execute())
    _query(client, "deallocate s1")
    _query(client, 'DEALLOCATE prepare "S 2";')
    batch(client, p.parse("s1", "select 'new'"), p.bind("", "s1"), p.execute())
    _query(client, "begin", "deallocate s1", "rollback")
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def deallocate_in_a_failed_transaction(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    _query(client, "begin; select 1/0", "deallocate s1", "execute s1", "prepare s1 as select 1", "rollback")
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def deallocate_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("", "deallocate s1"), p.bind(), p.execute(), p.parse("s1", "select 2"), p.bind("", "s1"),
          p.execute())
    batch(client, p.parse("", "deallocate s1"), p.bind(), p.execute())
    batch(client, p.bind(), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.parse("s1", "select 3"), p.parse("", "deallocate s1"), p.bind("nobody", "nobody"), p.bind(),
          p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def execute_of_a_protocol_name(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("s2", "select $1::int + $2::int"))
    _query(client, "execute s1", "EXECUTE s2(3, 4);", "execute s2(1)", "execute s2(1, nothing)")
    _query(client, "begin", "execute s1", "execute s2(1, 1/0)", "execute s1", "rollback", "execute s1")


@scenario(Errors.WHOLE)
def several_executes_in_one_text(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 'one', $1::int"), p.parse("S 2", "select 'two', $1::text"), p.parse("s3", "select 3"))
    _query(client, "begin; execute s1(1); EXECUTE \"S 2\"('a;b'); commit", "execute s1(1); execute s1(2); execute s3")
    _query(client, "select 'execute s1'; execute s3; execute S3 -- ; execute s1\n; execute nobody; execute s3")
    _query(client, "execute s1(1); execute s1(1, 2)", "execute s3; execute s1(1, nothing)", "execute s3; execute s1(")
    _query(client, "select $$;execute s1$$; execute s3", "select E'\\';execute s1'; /* ; /* ; */ execute s1; */ execute s3")
    _query(client, "select '\\'; execute s3; select ''", "set standard_conforming_strings to off")
    _query(client, "select '\\'; execute s3; select ''", "select '\\'';'; execute s3")


@scenario(Errors.WHOLE)
def deallocate_and_execute_in_one_text(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("s2", "select 2"), p.parse("s3", "select 3"))
    _query(client, "execute s1; deallocate s1; execute s2; execute s1")
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s2"), p.execute())
    _query(client, "deallocate s2; deallocate s3; select 1/0")
    _query(client, "execute s2", "execute s3")
    batch(client, p.parse("s1", "select 1"), p.parse("s2", "select 2"), p.parse("s3", "select 3"))
    _query(client, "begin; prepare s2 as select 22; commit", "rollback", "execute s2; deallocate all; execute s2")
    batch(client, p.bind("", "s3"), p.execute())
    batch(client, p.parse("s1", "select 1"))
    _query(client, "begin", "deallocate s1; prepare s1 as select 'of sql'; execute s1; deallocate s1; deallocate s1", "rollback")


@scenario(Errors.WHOLE)
def execute_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 'one', $1::int"), p.parse("s2", "select 2"))
    for value in ("1", "2"):
        batch(client, p.parse("", f"execute s1({value})"), p.describe_statement(), p.bind(), p.describe_portal(), p.execute())
    batch(client, p.parse("x", "/* named */ EXECUTE s2"))
    for _ in range(3):
        batch(client, p.bind("", "x"), p.describe_portal(), p.execute())
    batch(client, p.describe_statement("x"))
    batch(client, p.close_statement("s2"))
    batch(client, p.bind("", "x"), p.execute())
    batch(client, p.parse("s2", "select 'anew'"))
    batch(client, p.bind("", "x"), p.execute())
    batch(client, p.bind("portal", "x"), p.bind("", "x"), p.execute("portal"), p.execute(""))
    batch(client, p.bind("portal", "x"), p.close_statement("s2"), p.execute("portal"))
    batch(client, p.parse("", "execute s1(1, 2)"), p.bind(), p.execute())
    batch(client, p.parse("", "execute s1(nothing)"), p.bind(), p.execute())
    batch(client, p.parse("", "execute s1("), p.bind(), p.execute())
    batch(client, p.parse("", "execute nobody"), p.bind(), p.execute())
    batch(client, p.parse("later", "execute afterwards"))
    batch(client, p.parse("afterwards", "select 'there'"))
    batch(client, p.bind("", "later"), p.execute())


@scenario(Errors.WHOLE)
def deallocate_by_a_named_statement_and_by_a_portal(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("d", "deallocate s1"), p.parse("all", "deallocate all"))
    batch(client, p.bind("", "d"), p.execute())
    batch(client, p.bind("", "d"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.parse("s1", "select 'anew'"), p.bind("", "s1"), p.execute())
    batch(client, p.bind("portal", "d"), p.bind("", "s1"), p.execute("portal"), p.execute())
    batch(client, p.parse("s1", "select 'third'"))
    batch(client, p.bind("portal", "d"), p.close_statement("s1"), p.execute("portal"))
    batch(client, p.parse("s1", "select 'fourth'"))
    _query(client, "begin", "select 1/0")
    batch(client, p.bind("", "d"), p.execute())
    _query(client, "rollback")
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "all"), p.execute())
    batch(client, p.bind("", "all"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.parse("all", "deallocate all"), p.bind("", "all"), p.execute(), p.bind("", "all"), p.execute())
    batch(client, p.parse("all", "deallocate all"), p.bind("", "all", [b"one too many"]), p.execute())
    batch(client, p.parse("", "prepare s1 as select 'sql'"), p.parse("s1", "select 1"), p.bind(), p.execute())
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.parse("p", "prepare s1 as select nothing"), p.bind("", "p"), p.execute())


@scenario(Errors.WHOLE)
def explain_and_create_by_execute(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select $1::int as a"), p.parse("s2", "select 7 as a"))
    _query(client, "explain (costs off) execute s1(1)", "explain (costs off, verbose) /* ( */ EXECUTE s2")
    _query(client, "explain verbose execute s1(1, 2)", "explain analyze verbose execute nobody")
    _query(client, "create table scratch.made as execute s1(5)", "create unlogged table if not exists scratch.more (x) as execute S2")
    _query(client, "select * from scratch.made, scratch.more", "create table scratch.third as execute nobody")
    batch(client, p.parse("", "explain (costs off) execute s1(1)"), p.describe_statement(), p.bind(), p.execute())
    batch(client, p.parse("c", "create temp table kept on commit drop as execute s1(8) with no data"), p.bind("", "c"), p.execute())


@scenario(Errors.WHOLE)
def statements_that_execute_are_each_clients_own(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    for client, text in ((one, "select 'of one'"), (two, "select 'of two'")):
        batch(client, p.parse("s1", text), p.parse("x", "execute s1"))
    for client in (one, two, two, one):
        batch(client, p.bind("", "x"), p.execute())
        batch(client, p.parse("", "execute s1"), p.bind(), p.execute())
        _query(client, "execute s1; execute s1")


@scenario(Errors.TEXT)
def execute_of_a_name_whose_table_is_gone(stage: Stage) -> None:
    client = stage.client()
    _query(client, "create table scratch.gone (a int)")
    batch(client, p.parse("s1", "select a from scratch.gone"))
    _query(client, "drop table scratch.gone")
    _query(client, "execute s1")
    _query(client, "select 1")


@scenario(Errors.WHOLE)
def prepare_of_a_protocol_name(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    _query(client, "prepare s1 as select 2", "prepare s1 as select nothing", "prepare s1 (int) as selct")
    batch(client, p.bind("", "s1"), p.execute())


@scenario(Errors.TEXT)
def deallocate_all_and_what_follows_in_one_send(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.parse("s2", "select 2"))
    client.send(p.query("deallocate all"), p.parse("s1", "select 'new'"), p.bind("", "s1"), p.execute(), p.sync())
    client.until_ready(2)
    batch(client, p.bind("", "s1"), p.execute(), p.bind("", "s2"))
    batch(client, p.parse("s2", "select 2"))
    client.send(p.query("discard all"), p.bind("", "nobody"), p.close_statement("s2"), p.sync())
    client.until_ready(2)
    batch(client, p.bind("", "s2"), p.execute())
    batch(client, p.parse("s2", "select 'again'"), p.bind("", "s2"), p.execute())


@scenario(Errors.TEXT)
def deallocation_hidden_in_a_block(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    for client in (one, two):
        batch(client, p.parse("s1", "select 1"))
    _query(one, "do $$ begin execute 'deallocate all'; end $$")
    batch(two, p.bind("", "s1"), p.execute())
    batch(one, p.bind("", "s1"), p.execute())
    batch(one, p.parse("s1", "select 2"), p.bind("", "s1"), p.execute())
    batch(two, p.bind("", "s1"), p.execute())


@scenario(hops=False)
def a_name_prepared_by_sql_is_not_left_to_others(stage: Stage) -> None:
    for name in ("one", "two"):
        _query(stage.client(name), "prepare mine as select 1")


@scenario(Errors.WHOLE)
def deallocate_all_in_the_middle_of_a_batch(stage: Stage) -> None:
    client = stage.client()
    names = ("s1", "s2", "s3")
    batch(client, *(p.parse(name, f"select '{name}'") for name in names))
    batch(client, p.bind("", "s1"), p.execute(), p.parse("", "deallocate all"), p.bind(), p.execute(),
          *(p.parse(name, f"select 'new {name}'") for name in names[:2]), p.bind("", "s1"), p.execute(), p.bind("", "s2"), p.execute())
    batch(client, p.bind("", "s3"), p.execute())
    batch(client, p.parse("s3", "select 3"), p.parse("", "deallocate all"), p.bind(), p.execute(), p.parse("s1", "select 1/0"),
          p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s3"), p.execute())
    batch(client, p.parse("s3", "select 3"))
    batch(client, p.bind("", "nobody"), p.parse("", "deallocate all"), p.bind(), p.execute())
    _query(client, "begin")
    batch(client, p.parse("", "discard all"), p.bind(), p.execute(), p.parse("s3", "select 4"))
    _query(client, "rollback")
    batch(client, p.bind("", "s3"), p.execute())
