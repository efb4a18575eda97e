"""Messages that break the protocol after login, and cancels of what runs."""

from __future__ import annotations

import socket
import struct

from support import protocol as p

from .extended import batch
from .scenario import Errors, scenario
from .stage import Stage


def _break(stage: Stage, *data: bytes) -> None:
    """Bytes that PostgreSQL ends a session for."""
    client = stage.client()
    client.send(*data)
    client.until_closed()


@scenario(Errors.CODE)
def unknown_message_type(stage: Stage) -> None:
    _break(stage, p.message("!", b"what"))


@scenario(Errors.CODE)
def backend_message_from_a_client(stage: Stage) -> None:
    _break(stage, p.message("Z", b"I"))


@scenario(Errors.FAREWELL)
def length_below_four(stage: Stage) -> None:
    _break(stage, b"Q" + struct.pack("!i", 3))


@scenario(Errors.FAREWELL)
def negative_length(stage: Stage) -> None:
    _break(stage, b"Q" + struct.pack("!i", -5))


@scenario(Errors.FAREWELL)
def length_of_two_gigabytes(stage: Stage) -> None:
    _break(stage, b"Q" + struct.pack("!i", 0x7FFFFFFF))


@scenario(Errors.FAREWELL)
def sync_with_a_large_body(stage: Stage) -> None:
    _break(stage, b"S" + struct.pack("!i", 100_000))


@scenario(Errors.CODE)
def unknown_message_type_in_a_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin"))
    client.until_ready()
    client.send(p.message("!", b"what"))
    client.until_closed()


@scenario(Errors.CODE)
def query_without_its_zero_byte(stage: Stage) -> None:
    client = stage.client()
    client.send(p.message("Q", b"select 1"))
    client.until_ready()
    client.send(p.query("select 2"))
    client.until_ready()


@scenario(Errors.CODE)
def bind_cut_short(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "select $1::int"), p.message("B", b"\0\0\0\0\0\x01\0\0"), p.execute())
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario(Errors.CODE)
def parse_cut_short(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.message("P", b"s1\0select 1"))
    batch(client, p.parse("s1", "select 1"), p.bind("", "s1"), p.execute())


@scenario(Errors.CODE)
def describe_of_neither_kind(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.message("D", b"X\0"))
    batch(client, p.message("C", b"X\0"))
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario(Errors.CODE)
def bytes_behind_the_last_field(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.message("E", p.text("") + struct.pack("!i", 0) + b"more"))
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario(Errors.CODE)
def password_message_after_login(stage: Stage) -> None:
    _break(stage, p.message("p", b"secret\0"))


_SAY_AND_SLEEP = "do $$ begin raise notice 'running'; end $$; select pg_sleep(60)"
_SAY = "do $$ begin raise notice 'running'; end $$"


@scenario()
def cancel_of_a_running_query(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query(_SAY_AND_SLEEP))
    client.until("N")
    stage.cancel_sleep(client)
    client.until_ready()
    client.send(p.query("select 1"))
    client.until_ready()


@scenario()
def cancel_of_a_running_batch(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("", _SAY), p.bind(), p.execute(), p.parse("", "select pg_sleep(60)"), p.bind(), p.execute())
    client.until("N")
    stage.cancel_sleep(client)
    client.send(p.parse("", "select 'skipped'"), p.sync())
    client.until_ready()
    batch(client, p.parse("", "select 1"), p.bind(), p.execute())


@scenario()
def cancel_inside_a_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin"), p.query(_SAY_AND_SLEEP))
    client.until_ready()
    client.until("N")
    stage.cancel_sleep(client)
    client.until_ready()
    client.send(p.query("select 1"), p.query("rollback"), p.query("select 2"))
    client.until_ready(3)


@scenario()
def cancel_between_queries_does_nothing(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("select 1"))
    client.until_ready()
    stage.cancel(client)
    client.send(p.query("select 2"))
    client.until_ready()


@scenario(hops=False)
def two_transactions_at_once(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    one.send(p.query("create table scratch.t (a int)"), p.query("begin; insert into scratch.t values (1)"))
    one.until_ready(2)
    two.send(p.query("begin isolation level repeatable read; select count(*) from scratch.t"))
    two.until_ready()
    one.send(p.query("commit"))
    one.until_ready()
    two.send(p.query("select count(*) from scratch.t"), p.query("commit"), p.query("select count(*) from scratch.t"))
    two.until_ready(3)


@scenario(hops=False)
def one_waits_for_the_lock_of_the_other(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    one.send(p.query("create table scratch.t (a int)"), p.query("begin; lock table scratch.t"))
    one.until_ready(2)
    two.send(p.query("insert into scratch.t values (2)"))
    one.send(p.query("insert into scratch.t values (1)"), p.query("commit"))
    one.until_ready(2)
    two.until_ready()
    two.send(p.query("select a from scratch.t order by a"))
    two.until_ready()


@scenario(hops=False)
def serialization_failure(stage: Stage) -> None:
    one, two = stage.client("one"), stage.client("two")
    one.send(p.query("create table scratch.t (a int); insert into scratch.t values (0)"))
    one.until_ready()
    for client in (one, two):
        client.send(p.query("begin isolation level repeatable read; select a from scratch.t"))
        client.until_ready()
    for client in (one, two):
        client.send(p.query("update scratch.t set a = a + 1"))
        client.until_ready()
        client.send(p.query("commit"))
        client.until_ready()


def _end(stage: Stage, *data: bytes) -> None:
    """All that the client says, and it still reads."""
    client = stage.client()
    client.send(*data)
    client.socket.shutdown(socket.SHUT_WR)
    client.until_closed()


_RUN = p.parse("", "select 'run'") + p.bind() + p.execute()


@scenario()
def end_behind_queries(stage: Stage) -> None:
    _end(stage, p.query("select pg_sleep(0.01)"), p.query("select 2"), _RUN, p.sync(), p.query("select 3"))


@scenario()
def end_behind_an_unsynced_batch(stage: Stage) -> None:
    _end(stage, p.query("select 1"), _RUN)


@scenario()
def end_behind_a_flushed_batch(stage: Stage) -> None:
    _end(stage, _RUN, p.flush(), p.parse("", "select 2"))


@scenario()
def end_behind_a_batch_that_failed(stage: Stage) -> None:
    _end(stage, _RUN, p.parse("", "selekt"), _RUN, p.query("select 'skipped'"))


@scenario()
def end_behind_a_batch_with_a_notice(stage: Stage) -> None:
    _end(stage, _RUN, p.parse("", _SAY), p.bind(), p.execute(), _RUN)


@scenario()
def end_in_a_transaction(stage: Stage) -> None:
    _end(stage, p.query("begin"), _RUN, p.sync(), _RUN)


@scenario()
def end_in_mid_message(stage: Stage) -> None:
    _end(stage, p.query("select 1"), _RUN, p.sync(), p.query("select 2")[:-3])


@scenario(Errors.CODE)
def unknown_message_type_behind_queries(stage: Stage) -> None:
    _break(stage, p.query("select pg_sleep(0.01)"), p.query("select 2"), _RUN, p.message("!", b"what"))


@scenario(Errors.FAREWELL)
def negative_length_behind_queries(stage: Stage) -> None:
    _break(stage, p.query("select pg_sleep(0.01)"), p.query("select 2"), b"Q" + struct.pack("!i", -5))
