"""The extended protocol: statements, portals, descriptions, sizes."""

from __future__ import annotations

import struct

from support import protocol as p

from .scenario import scenario
from .stage import Player, Stage


def batch(client: Player, *messages: bytes) -> None:
    """The messages and a Sync, awaited."""
    client.send(*messages, p.sync())
    client.until_ready()


@scenario()
def unnamed_statement(stage: Stage) -> None:
    batch(stage.client(), p.parse("", "select $1::int + 1"), p.bind(values=["41"]), p.execute())


@scenario()
def named_statement_used_in_many_transactions(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select $1::int + 1"))
    for value in ("1", "2", None, "3"):
        batch(client, p.bind("", "s1", [value]), p.describe_portal(), p.execute())


@scenario()
def description_of_a_statement_and_of_its_portal(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select $1::int as a, $2::text as b"), p.describe_statement("s1"))
    batch(client, p.describe_statement("s1"))
    batch(client, p.bind("", "s1", ["1", "x"], results=[1, 0]), p.describe_portal(), p.execute())


@scenario()
def commands_without_rows_are_described_by_no_data(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "create table scratch.t (a int)"), p.describe_statement("s1"), p.bind("", "s1"),
          p.describe_portal(), p.execute())
    batch(client, p.parse("", "insert into scratch.t values ($1)"), p.describe_statement(),
          p.bind(values=["7"]), p.describe_portal(), p.execute())


@scenario()
def insert_returning(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "create table scratch.t (a int)"), p.bind(), p.execute())
    batch(client, p.parse("i", "insert into scratch.t values ($1), ($2) returning a"), p.describe_statement("i"),
          p.bind("", "i", ["1", "2"]), p.execute())


@scenario()
def binary_values_and_results(stage: Stage) -> None:
    client = stage.client()
    value = struct.pack("!i", 1_000_000)
    batch(client, p.parse("", "select $1::int4, $2::text", [23, 25]),
          p.bind(values=[value, b"bytes"], formats=[1, 1], results=[1, 1]), p.execute())
    batch(client, p.parse("", "select $1::int4"), p.bind(values=[b"\x01"], formats=[1]), p.execute())


@scenario()
def sixty_five_thousand_parameters(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("many", "select $1, $65535", [25] * 65535), p.describe_statement("many"))
    batch(client, p.bind("", "many", [str(i) for i in range(65535)]), p.execute())


@scenario()
def too_few_and_too_many_parameters(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select $1::int"))
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1", ["1", "2"]), p.execute())
    batch(client, p.bind("", "s1", ["1"]), p.execute())


@scenario()
def a_bind_of_one_megabyte(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select length($1)"))
    for size in (1_000_000, 3, 1_000_000):
        batch(client, p.bind("", "s1", ["v" * size]), p.execute())


@scenario()
def a_parse_of_one_megabyte(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", f"select length('{'w' * 1_000_000}')"), p.describe_statement("s1"))
    batch(client, p.bind("", "s1"), p.execute())
    batch(client, p.bind("", "s1"), p.execute())


@scenario()
def large_parse_and_bind_behind_a_changed_parameter(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "set timezone to 'Europe/Paris'"), p.bind(), p.execute())
    batch(client, p.parse("s1", f"select '{'u' * 100_000}' || $1 || current_setting('timezone')"),
          p.bind("", "s1", ["v" * 300_000]), p.execute())
    batch(client, p.bind("", "s1", ["v" * 300_000]), p.execute())


@scenario()
def a_statement_name_of_nine_thousand_letters(stage: Stage) -> None:
    client, name = stage.client(), "n" * 9_000
    batch(client, p.parse(name, "select 1"))
    batch(client, p.bind("", name), p.describe_statement(name), p.execute())
    batch(client, p.close_statement(name))
    batch(client, p.bind("", name))


@scenario()
def suspended_portal_is_resumed(stage: Stage) -> None:
    batch(stage.client(), p.parse("", "select generate_series(1, 10)"), p.bind(), p.execute(rows_max=4),
          p.execute(rows_max=4), p.execute(rows_max=4))


@scenario()
def suspended_portal_dies_at_sync(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select generate_series(1, 10)"), p.bind("open"), p.execute("open", 4))
    batch(client, p.execute("open", 4))
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario()
def suspended_portal_lives_in_a_transaction(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "begin"), p.bind(), p.execute())
    batch(client, p.parse("", "select generate_series(1, 10)"), p.bind("open"), p.execute("open", 4))
    batch(client, p.execute("open", 4))
    batch(client, p.parse("", "select 'between'"), p.bind(), p.execute())
    batch(client, p.execute("open", 4), p.close_portal("open"))
    batch(client, p.parse("", "commit"), p.bind(), p.execute())
    batch(client, p.execute("open", 4))


@scenario()
def portal_lives_over_flush(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("", "select generate_series(1, 6)"), p.bind("open"), p.execute("open", 2), p.flush())
    client.until("s")
    client.send(p.execute("open", 2), p.flush())
    client.until("s")
    batch(client, p.execute("open"))


@scenario()
def portal_name_in_use(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"), p.bind("twice", "s1"), p.bind("twice", "s1"), p.execute("twice"))
    batch(client, p.bind("", "s1"), p.bind("", "s1"), p.execute())


@scenario()
def portal_executed_again_after_its_end(stage: Stage) -> None:
    batch(stage.client(), p.parse("", "select 1"), p.bind(), p.execute(), p.execute())


@scenario()
def unknown_portal(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.execute("nowhere"), p.execute("skipped"))
    batch(client, p.describe_portal("nowhere"))
    batch(client, p.close_portal("nowhere"))


@scenario()
def empty_query_of_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("e", ""), p.describe_statement("e"), p.bind("", "e"), p.describe_portal(), p.execute())
    batch(client, p.bind("", "e"), p.execute())


@scenario()
def several_statements_in_one_parse(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1; select 2"), p.bind("", "s1"), p.execute())
    batch(client, p.parse("s1", "select 3"), p.bind("", "s1"), p.execute())


@scenario()
def transaction_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    for text in ("begin", "select 1", "select 1/0", "select 2", "rollback", "select 3"):
        batch(client, p.parse("", text), p.bind(), p.execute())


@scenario()
def closed_portal_cannot_be_executed(stage: Stage) -> None:
    batch(stage.client(), p.parse("", "select 1"), p.bind("x"), p.close_portal("x"), p.execute("x"), p.execute("x"))


@scenario()
def closing_a_statement_closes_its_portals(stage: Stage) -> None:
    batch(stage.client(), p.parse("s1", "select 1"), p.bind("x", "s1"), p.close_statement("s1"), p.execute("x"))


@scenario()
def explicit_types_that_do_not_exist(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select $1", [4_000_000]), p.bind("", "s1", ["1"]), p.execute())
    batch(client, p.parse("s1", "select $1", [23]), p.bind("", "s1", ["1"]), p.execute())


@scenario()
def two_results_formats_for_one_column(stage: Stage) -> None:
    batch(stage.client(), p.parse("", "select 1"), p.bind(results=[0, 1]), p.execute())
