"""COPY in both directions and protocols, and what is in flight when it fails."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import Errors, scenario
from .stage import Player, Stage

_IN = "copy scratch.t from stdin"


def _with_table(stage: Stage) -> Player:
    client = stage.client()
    client.send(p.query("create table scratch.t (a int)"))
    client.until_ready()
    return client


def _count(client: Player) -> None:
    client.send(p.query("select count(*), sum(a) from scratch.t"))
    client.until_ready()


@scenario()
def out_by_simple_query(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("copy (select g, null from generate_series(1, 3) g) to stdout"))
    client.until_ready()


@scenario()
def out_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "copy (select 1) to stdout (format binary)"), p.bind(), p.describe_portal(), p.execute())


@scenario()
def out_of_many_rows(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("copy (select g, repeat('c', 50) from generate_series(1, 20000) g) to stdout"))
    client.until_ready()


@scenario()
def out_that_fails_in_the_middle(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("copy (select 1000 / (1000 - g) from generate_series(1, 2000) g) to stdout"))
    client.until_ready()
    client.send(p.query("select 1"))
    client.until_ready()


@scenario()
def in_by_simple_query(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN))
    client.until("G")
    client.send(p.copy_data("1\n2"), p.copy_data("0\n"), p.copy_data("300\n"), p.copy_done())
    client.until_ready()
    _count(client)


@scenario()
def in_sent_without_waiting(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("1\n"), p.copy_done(), p.query("select 'behind'"))
    client.until_ready(2)
    _count(client)


@scenario()
def in_by_the_extended_protocol(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.parse("", _IN), p.bind(), p.execute(), p.flush())
    client.until("G")
    client.send(p.copy_data("1\n"), p.copy_done(), p.sync())
    client.until_ready()
    _count(client)


@scenario()
def in_by_the_extended_protocol_with_an_early_sync(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.parse("", _IN), p.bind(), p.execute(), p.sync())
    client.until("G")
    client.send(p.copy_data("1\n"), p.copy_done(), p.sync())
    client.until_ready()
    _count(client)


@scenario()
def in_by_a_named_statement_twice(stage: Stage) -> None:
    client = _with_table(stage)
    batch(client, p.parse("c", _IN))
    for _ in range(2):
        client.send(p.bind("", "c"), p.execute(), p.copy_data("7\n"), p.copy_done(), p.sync())
        client.until_ready()
    _count(client)


@scenario()
def in_of_many_rows(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN))
    client.until("G")
    rows = "".join(f"{i}\n" for i in range(50_000)).encode()
    client.send(*(p.copy_data(rows[at : at + 30_000]) for at in range(0, len(rows), 30_000)), p.copy_done())
    client.until_ready()
    _count(client)


@scenario()
def in_with_a_wrong_row(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN))
    client.until("G")
    client.send(p.copy_data("1\n"), p.copy_data("one\n"), p.copy_data("2\n"), p.copy_done())
    client.until_ready()
    _count(client)


@scenario()
def in_with_a_wrong_row_and_queries_behind(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("one\n"), p.copy_data("2\n"), p.copy_done(), p.query("select 'behind'"))
    client.until_ready(2)
    _count(client)


@scenario()
def in_with_a_wrong_row_then_copy_done_and_sync(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.parse("", _IN), p.bind(), p.execute(), p.copy_data("one\n"), p.copy_data("2\n"), p.copy_done(),
                p.sync(), p.query("select 'behind'"))
    client.until_ready(2)
    _count(client)


@scenario()
def in_with_late_data_after_the_error(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("one\n"))
    client.until_ready()
    client.send(p.copy_data("2\n"), p.copy_data("3\n"), p.copy_done(), p.query("select 'behind'"))
    client.until_ready()
    _count(client)


@scenario()
def in_given_up_by_the_client(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("1\n"), p.copy_fail("no more"))
    client.until_ready()
    client.send(p.parse("", _IN), p.bind(), p.execute(), p.copy_fail("none at all"), p.sync())
    client.until_ready()
    _count(client)


@scenario()
def in_to_a_table_that_does_not_exist(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("copy scratch.missing from stdin"), p.copy_data("1\n"), p.copy_done(), p.query("select 1"))
    client.until_ready(2)


@scenario()
def in_inside_a_transaction_that_rolls_back(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query("begin"), p.query(_IN), p.copy_data("1\n"), p.copy_done(), p.query("rollback"))
    client.until_ready(3)
    _count(client)


@scenario()
def in_among_several_statements(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(f"select 'before'; {_IN}; select 'between'; {_IN}; select 'after'"))
    client.send(p.copy_data("1\n"), p.copy_done(), p.copy_data("2\n"), p.copy_done())
    client.until_ready()
    _count(client)


@scenario()
def in_with_flush_and_sync_in_between(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("1\n"), p.flush(), p.sync(), p.copy_data("2\n"), p.sync(), p.copy_done())
    client.until_ready()
    _count(client)


@scenario()
def in_with_no_rows(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_done(), p.query(_IN), p.copy_data(""), p.copy_done())
    client.until_ready(2)


@scenario()
def data_without_any_copy(stage: Stage) -> None:
    client = stage.client()
    client.send(p.copy_data("1\n"), p.copy_done(), p.copy_fail("why"), p.query("select 1"))
    client.until_ready()
    client.send(p.copy_data("1\n"), p.parse("", "select 2"), p.bind(), p.copy_done(), p.execute(), p.sync())
    client.until_ready()


@scenario()
def query_while_the_server_wants_data(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN))
    client.until("G")
    client.send(p.query("select 'wrong'"))
    client.until_closed()


@scenario()
def both_directions_in_turn(stage: Stage) -> None:
    client = _with_table(stage)
    client.send(p.query(_IN), p.copy_data("5\n"), p.copy_done(), p.query("copy scratch.t to stdout"),
                p.query("delete from scratch.t"))
    client.until_ready(3)


@scenario()
def piece_of_data_of_two_megabytes(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("create table scratch.t (a text)"), p.query(_IN), p.copy_data("d" * 2_000_000 + "\n"),
                p.copy_done(), p.query("select length(a) from scratch.t"))
    client.until_ready(3)


@scenario(Errors.CODE)
def messages_behind_a_copy_of_a_named_statement(stage: Stage) -> None:
    """What comes behind the Sync that a COPY IN ignores breaks the protocol."""
    client = stage.client()
    client.send(p.query("create table scratch.t (a int)"))
    client.until_ready()
    client.send(p.parse("c", "copy scratch.t from stdin"), p.bind("", "c"), p.execute(), p.sync(),
                p.bind("", "c"), p.execute(), p.sync())
    client.until_closed()


@scenario(Errors.CODE)
def parse_of_the_same_name_behind_a_copy(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("create table scratch.t (a int)"))
    client.until_ready()
    client.send(p.parse("c", "copy scratch.t from stdin"), p.sync(), p.bind("", "c"), p.execute(), p.sync(),
                p.parse("c", "select 1"), p.bind("", "c"), p.execute(), p.sync())
    client.until_closed()


@scenario(Errors.CODE)
def batch_behind_a_copy_of_the_unnamed_statement(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("create table scratch.t (a int)"))
    client.until_ready()
    client.send(p.parse("", "copy scratch.t from stdin"), p.bind(), p.execute(), p.sync(),
                p.parse("", "select 1"), p.bind(), p.execute(), p.sync())
    client.until_closed()
