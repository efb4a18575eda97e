"""Simple Query: texts, several statements, transactions, notices, sizes, FunctionCall."""

from __future__ import annotations

from support import protocol as p

from .scenario import scenario
from .stage import Stage


def _play(stage: Stage, *texts: str | bytes) -> None:
    """Each text as one Query, each awaited."""
    client = stage.client()
    for text in texts:
        client.send(p.query(text))
        client.until_ready()


@scenario()
def one_row(stage: Stage) -> None:
    _play(stage, "select 1")


@scenario()
def several_columns_types_and_nulls(stage: Stage) -> None:
    _play(stage, "select 1, null::text, 'x'::bpchar, 1.50::numeric, array[1,2], '{\"a\": 1}'::jsonb, ''")


@scenario()
def empty_query(stage: Stage) -> None:
    _play(stage, "", "select 1", "")


@scenario()
def only_blanks_and_comments(stage: Stage) -> None:
    _play(stage, "  \n -- nothing\n", "/* a /* nested */ comment */", ";;")


@scenario()
def several_statements(stage: Stage) -> None:
    _play(stage, "select 1; select 2; select 3")


@scenario()
def error_in_the_middle_of_several_statements(stage: Stage) -> None:
    _play(stage, "select 1; select 1/0; select 3", "select 4")


@scenario()
def begin_and_commit_inside_one_text(stage: Stage) -> None:
    _play(stage, "begin; select 1; commit; select 2", "select 3; begin; select 4", "select 5", "commit; select 6")


@scenario()
def implicit_transaction_of_several_statements_rolls_back(stage: Stage) -> None:
    _play(stage, "create table scratch.t (a int)", "insert into scratch.t values (1); select 1/0",
          "select count(*) from scratch.t")


@scenario()
def commit_inside_one_text_survives_a_later_error(stage: Stage) -> None:
    _play(stage, "create table scratch.t (a int)",
          "begin; insert into scratch.t values (1); commit; insert into scratch.t values (2); select 1/0",
          "select a from scratch.t")


@scenario()
def failed_transaction_refuses_until_rollback(stage: Stage) -> None:
    _play(stage, "begin", "select 1/0", "select 1", "commit", "select 2")


@scenario()
def rollback_and_chain(stage: Stage) -> None:
    _play(stage, "begin isolation level repeatable read", "select 1", "rollback and chain",
          "show transaction_isolation", "commit and chain", "select 1/0", "rollback", "select 2")


@scenario()
def savepoints(stage: Stage) -> None:
    _play(stage, "begin", "savepoint one", "select nonsense", "rollback to one", "select 1", "release one",
          "rollback to one", "rollback")


@scenario()
def commands_and_their_tags(stage: Stage) -> None:
    _play(stage, "create table scratch.t (a int primary key, b text)",
          "insert into scratch.t select g, 'x' from generate_series(1, 10) g", "update scratch.t set b = 'y' where a < 4",
          "delete from scratch.t where a > 8 returning a", "insert into scratch.t values (1, 'again')",
          "truncate scratch.t", "drop table scratch.t")


@scenario()
def notices_and_warnings(stage: Stage) -> None:
    _play(stage, "do $$ begin raise notice 'one'; raise warning 'two' using hint = 'h', detail = 'd'; end $$",
          "commit", "drop table if exists scratch.missing", "begin", "begin", "rollback")


@scenario()
def error_with_every_field(stage: Stage) -> None:
    _play(stage, "do $$ begin raise exception 'm' using errcode = 'P4242', detail = 'd', hint = 'h', schema = 's',"
          " table = 't', column = 'c', datatype = 'y', constraint = 'k'; end $$")


@scenario()
def syntax_error_has_its_position(stage: Stage) -> None:
    _play(stage, "select 'ä', frm nowhere at all", "selct 1", "select 1 from")


@scenario()
def text_that_is_not_utf8(stage: Stage) -> None:
    _play(stage, b"select '\xff\xfe'", "select 1")


@scenario()
def a_row_of_three_megabytes(stage: Stage) -> None:
    _play(stage, "select repeat('x', 3000000)", "select 1")


@scenario()
def twenty_thousand_rows(stage: Stage) -> None:
    _play(stage, "select g, repeat('y', 20) from generate_series(1, 20000) g")


@scenario()
def error_after_many_rows(stage: Stage) -> None:
    _play(stage, "select 1000 / (1000 - g) from generate_series(1, 2000) g", "select 1")


@scenario()
def a_text_of_one_megabyte(stage: Stage) -> None:
    _play(stage, f"select length('{'z' * 1_000_000}')", "select 1")


@scenario()
def queries_sent_without_waiting(stage: Stage) -> None:
    client = stage.client()
    client.send(*(p.query(f"select {i}") for i in range(20)))
    client.until_ready(20)


@scenario()
def queries_with_errors_sent_without_waiting(stage: Stage) -> None:
    client = stage.client()
    client.send(*(p.query(f"select 12 / {i}") for i in (1, 0, 2, 0, 0, 3)))
    client.until_ready(6)


@scenario()
def a_transaction_sent_without_waiting(stage: Stage) -> None:
    client = stage.client()
    client.send(*map(p.query, ("begin", "select 1", "select 1/0", "select 2", "rollback", "select 3")))
    client.until_ready(6)


@scenario()
def cursors_live_in_their_transaction(stage: Stage) -> None:
    _play(stage, "begin", "declare c scroll cursor for select generate_series(1, 10)", "fetch 3 from c",
          "move 2 in c", "fetch backward 1 from c", "close c", "fetch 1 from c", "rollback")


@scenario(session_state=True)
def cursor_with_hold_lives_on(stage: Stage) -> None:
    _play(stage, "declare c cursor with hold for select generate_series(1, 3)", "fetch 1 from c", "fetch all from c",
          "close c")


@scenario(session_state=True)
def temporary_table_lives_on(stage: Stage) -> None:
    _play(stage, "create temporary table mine (a int)", "insert into mine values (1)", "select * from mine",
          "discard temp", "select * from mine")


@scenario()
def temporary_table_dropped_at_commit(stage: Stage) -> None:
    _play(stage, "begin", "create temporary table mine (a int) on commit drop", "insert into mine values (1)",
          "select * from mine", "commit")


@scenario()
def statement_timeout_of_a_transaction(stage: Stage) -> None:
    _play(stage, "begin", "set local statement_timeout = 20", "select pg_sleep(10)", "rollback", "select 1")


@scenario()
def not_allowed_in_a_transaction_block(stage: Stage) -> None:
    _play(stage, "begin", "vacuum", "rollback", "vacuum pg_catalog.pg_class; select 1", "select 2")


@scenario()
def prepared_transactions_are_disabled(stage: Stage) -> None:
    _play(stage, "begin", "prepare transaction 'x'", "select 1")


@scenario()
def notify_without_a_listener(stage: Stage) -> None:
    _play(stage, "notify channel, 'payload'", "begin", "notify channel", "commit")


@scenario(session_state=True)
def listener_hears_itself(stage: Stage) -> None:
    _play(stage, "listen channel", "notify channel, 'payload'", "unlisten channel", "notify channel, 'unheard'")


@scenario()
def function_calls(stage: Stage) -> None:
    client = stage.client()
    client.send(p.function_call(177, [b"20", b"22"]))  # int4pl
    client.until_ready()
    client.send(p.function_call(177, [b"20", None]), p.function_call(177, [b"1", b"2"]))
    client.until_ready(2)


@scenario()
def function_call_faults(stage: Stage) -> None:
    client = stage.client()
    for call in (p.function_call(4_000_000, []), p.function_call(177, [b"one", b"2"]), p.function_call(177, [b"1"])):
        client.send(call)
        client.until_ready()
    client.send(p.query("begin; select 1/0"), p.function_call(177, [b"1", b"2"]), p.query("rollback"))
    client.until_ready(3)


@scenario()
def function_call_inside_a_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin"), p.function_call(177, [b"20", b"22"]), p.query("commit"))
    client.until_ready(3)
