"""Clients that go away, in every way and at every place: what they sent whole is done, and nothing else is."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable

import pytest
from support import protocol as p
from support.pg import ADMIN, DATABASE, POOLED, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy
from support.wire import PATIENCE, Client, connect

Start = Callable[..., Proxy]
_COPY = "copy public.left_rows from stdin"


def _client(proxy: Proxy) -> Client:
    return connect(proxy.port, TRUST_USER, DATABASE)


def _insert(row: str) -> bytes:
    return p.query(f"insert into public.left_rows values ('{row}')")


def _execute(sql: str, name: str = "") -> bytes:
    return p.parse(name, sql) + p.bind("", name) + p.execute()


def _batch(row: str, name: str = "") -> bytes:
    return _execute(f"insert into public.left_rows values ('{row}')", name)


# What a client says before it leaves; `r` begins its rows.
_SAID: dict[str, Callable[[str], bytes]] = {
    "batch": lambda r: _batch(r),
    "named": lambda r: _batch(r, "named"),
    "flushed": lambda r: _batch(r) + p.flush(),
    "query, batch": lambda r: _insert(f"{r} 1") + _batch(f"{r} 2"),
    "synced, batch": lambda r: _batch(f"{r} 1") + p.sync() + _batch(f"{r} 2"),
    "batch, query": lambda r: _batch(f"{r} 1") + _insert(f"{r} 2"),
    "batch, query, batch": lambda r: _batch(f"{r} 1") + _insert(f"{r} 2") + _batch(f"{r} 3"),
    "begin in batch": lambda r: _execute("begin") + _batch(r),
    "commit in batch": lambda r: _batch(f"{r} 1") + _execute("commit") + _batch(f"{r} 2"),
    "begin, batch": lambda r: p.query("begin") + _batch(r),
    "begin, batch with commit": lambda r: p.query("begin") + _batch(f"{r} 1") + _execute("commit") + _batch(f"{r} 2"),
    "copy in batch": lambda r: _execute(_COPY) + p.copy_data(f"{r}\n"),
    "copy in batch, done": lambda r: _batch(f"{r} 1") + _execute(_COPY) + p.copy_data(f"{r} 2\n") + p.copy_done(),
    "copy, sync, data": lambda r: _execute(_COPY) + p.sync() + p.copy_data(f"{r}\n"),
    "copy": lambda r: p.query(_COPY) + p.copy_data(f"{r}\n"),
    "copy, done": lambda r: p.query(_COPY) + p.copy_data(f"{r}\n") + p.copy_done(),
    "failed batch": lambda r: _batch(f"{r} 1") + p.parse("", "selekt") + _batch(f"{r} 2"),
    "failed, sync, batch": lambda r: p.parse("", "selekt") + p.sync() + _batch(r),
    "queries": lambda r: _insert(f"{r} 1") + _insert(f"{r} 2") + _insert(f"{r} 3"),
    "slow, query": lambda r: p.query("select pg_sleep(0.02)") + _insert(r),
}

# How it leaves: its last bytes, and whether it still reads what comes.
_ENDS = {
    "closes": (b"", False),
    "half-closes": (b"", True),
    "goodbye": (p.terminate(), False),
    "goodbye, more": (p.terminate() + _insert("behind the goodbye"), True),
    "unknown type": (p.message("!", b"what"), True),
    "bad length": (b"Q\0\0\0\3", True),
    "half a query": (b"Q\0\0\1\0insert into", False),
    "half a query, half-closes": (b"Q\0\0\1\0insert into", True),
    "half a parse": (b"P\0\0\1\0name\0insert into", True),
    "half a bind": (b"B\0\0\1\0\0\0", True),
    "half a header": (b"S\0\0", True),
}


def _leave(port: int, sent: bytes, half_closes: bool) -> None:
    with connect(port, TRUST_USER, DATABASE) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.send(sent)
        if half_closes:
            with contextlib.suppress(OSError):
                client.socket.shutdown(socket.SHUT_WR)
            with contextlib.suppress(EOFError):
                client.until_closed()


def _reset(client: Client) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _make_table(postgres: Postgres) -> None:
    postgres.execute(
        "create table if not exists public.left_rows (who text); truncate public.left_rows;"
        " grant all on public.left_rows to public"
    )


def _rows(postgres: Postgres) -> list[str]:
    return sorted((row[0] or b"").decode() for row in postgres.execute("select who from public.left_rows"))


def _is_at_work(postgres: Postgres, is_direct: bool) -> bool:
    busy = f"select count(*) from pg_stat_activity where {POOLED} and (state <> 'idle' or {is_direct})"
    return postgres.execute(busy) != [[b"0"]]


def _rows_of_all_who_left(postgres: Postgres, port: int, is_gone: Callable[[], bool], all_read: bool) -> list[str]:
    _make_table(postgres)
    for end, (last, reads) in _ENDS.items():
        for said, messages in _SAID.items():
            _leave(port, messages(f"{said}; {end};") + last, reads or all_read)
    wait_for("all are gone", is_gone, PATIENCE)
    return _rows(postgres)


@pytest.fixture(scope="module")
def expected(postgres: Postgres) -> list[str]:
    """What PostgreSQL itself commits. It stops at a reply that cannot be sent, so here all clients read."""
    return _rows_of_all_who_left(postgres, postgres.port, lambda: not _is_at_work(postgres, True), True)


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_what_is_committed_is_what_postgresql_commits(
    start: Start, postgres: Postgres, expected: list[str], mode: str
) -> None:
    """Whole requests are done, an unsynced batch is not."""
    proxy = start(poolMode=mode, serverConnections=3)

    def is_gone() -> bool:
        return proxy.clients() == 0 and not _is_at_work(postgres, False)

    assert _rows_of_all_who_left(postgres, proxy.port, is_gone, False) == expected


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_reset_commits_no_unsynced_batch(start: Start, postgres: Postgres, mode: str) -> None:
    """PostgreSQL has begun with it, and then the connection breaks."""
    proxy = start(poolMode=mode, serverConnections=1)
    _make_table(postgres)
    for number in range(5):
        for sent in (_batch(f"{number}"), p.query("begin") + _batch(f"{number}"), _execute(_COPY) + p.copy_data("c\n")):
            client = _client(proxy)
            client.send(sent + p.flush())
            client.until("C", "G")
            _reset(client)
    with _client(proxy) as other:
        assert other.value("select count(*) from public.left_rows") == "0"


def test_burst_of_unsynced_clients_takes_no_server_away(start: Start) -> None:
    """Each gives its server back in a round trip, however it goes."""
    proxy = start(serverConnections=2)
    began = time.monotonic()
    for number in range(60):
        client = _client(proxy)
        client.send(p.parse("", "select 1"))
        if number % 3 == 0:
            _reset(client)
        client.close()
    with _client(proxy) as other:
        assert other.value("select 1") == "1"
    assert time.monotonic() - began < PATIENCE / 5


@pytest.mark.parametrize("goodbye", [b"", p.terminate()], ids=["half-closed", "goodbye"])
def test_waiting_client_that_ended_its_stream_is_served(start: Start, postgres: Postgres, goodbye: bytes) -> None:
    """All of its queries, and it reads all replies."""
    proxy = start(serverConnections=1)
    _make_table(postgres)
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        waiting.send(_insert("1"), _batch("2"), p.sync(), _insert("3"), goodbye)
        waiting.socket.shutdown(socket.SHUT_WR)
        wait_for("it waits", lambda: proxy.waiting() == 1, PATIENCE)
        holder.run("commit")
        assert "".join(r.kind for r in waiting.until_closed()) == "CZ12CZCZ"
    assert _rows(postgres) == ["1", "2", "3"]


def test_waiting_client_that_is_gone_behind_its_end_is_served(start: Start, postgres: Postgres) -> None:
    """A process that ends while it waits: a reset follows the end of its stream, and PostgreSQL does what it sent."""
    proxy = start(serverConnections=1)
    _make_table(postgres)
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        waiting.send(_insert("1"), _batch("2"), p.sync())
        waiting.socket.shutdown(socket.SHUT_WR)
        wait_for("it waits", lambda: proxy.waiting() == 1, PATIENCE)
        waiting.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        waiting.close()
        assert proxy.get("/healthz")[0] == 200
        holder.run("commit")
        wait_for("what it sent is done", lambda: _rows(postgres) == ["1", "2"], PATIENCE)
    wait_for("nobody is left", lambda: proxy.clients() == 0, PATIENCE)


def test_waiting_client_that_ended_its_stream_hears_the_refusal(start: Start) -> None:
    """As one does that has not."""
    proxy = start(serverConnections=1, timeouts={"queryWaitSeconds": 1})
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        waiting.send(p.query("select 1"))
        waiting.socket.shutdown(socket.SHUT_WR)
        assert [r.kind for r in waiting.until_closed()] == ["E", "Z"]


def test_login_query_and_goodbye_in_one_packet(start: Start, postgres: Postgres) -> None:
    """With servers and without one, with start-up values that are known and with others."""
    proxy = start()
    for parameters in ({}, {}, {"DateStyle": "German"}):
        with Client("127.0.0.1", proxy.port) as client:
            start_up = p.startup({"user": TRUST_USER, "database": DATABASE, **parameters})
            client.send(start_up, p.query("select 'reply'"), p.terminate())
            client.socket.shutdown(socket.SHUT_WR)
            assert "".join(r.kind for r in client.until_closed()).replace("S", "") == "RKZTDCZ"


def test_replication_slot_is_free_as_soon_as_its_client_is_gone(start: Start, postgres: Postgres) -> None:
    """COPY both ends with the client's goodbye, half-close or reset, at once."""
    proxy = start(poolMode="Session")
    postgres.execute("select pg_create_physical_replication_slot('left_slot')")
    try:
        for end in ("goodbye", "half-close", "reset"):
            client = connect(proxy.port, ADMIN, DATABASE, replication="database")
            client.send(p.query("START_REPLICATION SLOT left_slot PHYSICAL 0/0"))
            client.until("W", "E")
            if end == "reset":
                _reset(client)
            else:
                client.send(p.terminate() if end == "goodbye" else b"")
                client.socket.shutdown(socket.SHUT_WR)
                client.until_closed()
            slot = "select active from pg_replication_slots where slot_name = 'left_slot'"
            wait_for("the slot is free", lambda: postgres.execute(slot) == [[b"f"]], PATIENCE / 5)
            client.close()
    finally:
        postgres.execute("select pg_drop_replication_slot('left_slot')")
