"""What strangers and crowds may cost: nobody else's service, and no memory without end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from support import protocol as p
from support.pg import DATABASE, SCRAM_USER, TRUST_USER, password_of
from support.process import wait_for
from support.proxy import Proxy, write_users
from support.wire import PATIENCE, Client, connect

Start = Callable[..., Proxy]


def _client(proxy: Proxy, user: str = TRUST_USER, database: str = DATABASE) -> Client:
    return connect(proxy.port, user, database, password_of(user))


def test_silent_connections_do_not_block_the_admin_port(start: Start) -> None:
    """300 of them: health is answered at once all the same."""
    proxy = start()
    silent = [socket.create_connection(("127.0.0.1", proxy.admin_port)) for _ in range(300)]
    for half in silent[::2]:
        half.sendall(b"GET /heal")
    began = time.monotonic()
    assert proxy.get("/healthz")[0] == 200
    assert time.monotonic() - began < 3
    for each in silent:
        each.close()


def test_passwords_in_clear_cost_a_reload_nothing(start: Start, tmp_path: Path) -> None:
    """Keys are derived when their user logs in first, and kept while the password is the same."""
    users = tmp_path / "users"
    write_users(users, {f"user{i}": f"password {i}" for i in range(1500)} | {SCRAM_USER: password_of(SCRAM_USER)})
    proxy = start(clients={"authentication": "ScramSha256", "usersFile": str(users)})
    for _ in range(2):
        with _client(proxy, SCRAM_USER) as client:
            assert client.value("select 1") == "1"
        proxy.reload(generation=proxy.config.get("generation", 0) + 1)
        began = time.monotonic()
        assert proxy.get("/healthz")[0] == 200
        assert time.monotonic() - began < 1


def _refusal(client: Client) -> str:
    reply = client.until("E")[-1]
    return reply.fields()["C"] if reply.kind == "E" else "no error"


def test_parse_that_needs_too_much_memory_is_refused(start: Start) -> None:
    """54000 at its beginning, alone, in a transaction too; the connection stays. Other messages may be longer."""
    proxy = start(limits={"maxClientBytes": 65_536})
    large = p.parse("", f"select '{'x' * 100_000}'")
    with _client(proxy) as client:
        client.send(large[:1000])
        assert _refusal(client) == "54000"
        client.send(large[1000:], p.bind(), p.execute(), p.sync())
        assert [r.kind for r in client.until_ready()] == ["Z"]
        assert client.value(f"select length('{'x' * 100_000}')") == "100000"
        client.run("begin; savepoint before")
        client.send(large)
        assert _refusal(client) == "54000"
        client.send(p.bind(), p.execute(), p.sync())
        assert [r.kind for r in client.until_ready()] == ["Z"] and client.status == "E"
        client.run("rollback to before")
        assert client.value("select 1") == "1" and client.status == "T"
        client.run("commit")


HELD = 'penstock_proxy_held_bytes{pool="test/pool"}'


# AddressSanitizer keeps what was freed for a while, to know who uses it.
IS_FREED_AT_ONCE = "asan" not in os.environ.get("PENSTOCK_BUILD", "")


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096


def test_unnamed_statement_is_freed_when_it_ends(start: Start) -> None:
    """It counts as long as it may be bound again; what replaces or ends it gives its memory back."""
    proxy = start()
    clients = [_client(proxy) for _ in range(15)]
    at_first = _resident_bytes(proxy.pid)
    for size, end in ((1_000_000, p.query("select 1")), (1_000_000, p.parse("", "select 1") + p.sync())):
        for client in clients:
            client.send(p.parse("", f"select length('{'x' * size}')"), p.bind(), p.execute(), p.sync())
            client.until_ready()
        assert 15_000_000 < proxy.metrics()[HELD] < 16_000_000
        for client in clients:
            client.send(end)
            client.until_ready()
        assert proxy.metrics()[HELD] < 100_000
        if IS_FREED_AT_ONCE:
            assert _resident_bytes(proxy.pid) - at_first < 8_000_000
    for client in clients:
        client.close()


def test_replies_that_nobody_reads_count(start: Start) -> None:
    """What waits for slow readers shows among the bytes that are held."""
    proxy = start()
    with _client(proxy) as slow:
        slow.send(p.query("select repeat('x', 1000) from generate_series(1, 30000)"))
        wait_for("it shows", lambda: proxy.metrics()[HELD] > 0, PATIENCE)
        slow.until_ready()
        wait_for("it is gone", lambda: proxy.metrics()[HELD] == 0, PATIENCE)


def test_memory_of_all_clients_is_bounded(start: Start) -> None:
    """Over limits.maxMemoryBytes whoever wants more is refused; who was there first is served, and it shows."""
    proxy = start(limits={"maxMemoryBytes": 1_048_576})
    large = p.parse("", f"select length('{'x' * 700_000}')")
    with _client(proxy) as first, _client(proxy) as second:
        first.send(large[:650_000])
        wait_for("it is held", lambda: proxy.metrics()[HELD] >= 650_000, PATIENCE)
        second.send(large)
        assert _refusal(second) == "53200"
        first.send(large[650_000:], p.bind(), p.execute(), p.sync())
        assert [r.kind for r in first.until_ready()] == ["1", "2", "D", "C", "Z"]
        first.run("select 1")  # ends the unnamed statement
        wait_for("nothing is held", lambda: proxy.metrics()[HELD] == 0, PATIENCE)


def test_silent_logins_keep_nobody_out(start: Start) -> None:
    """A crowd that says nothing holds 64 connections at most, and others log in beside it."""
    proxy = start(workers=1, limits={"maxClientConnections": 5})
    silent = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(300)]
    logging_in = 'penstock_proxy_clients{pool="test/pool",state="logging_in"}'
    wait_for("the rest is dropped", lambda: proxy.metrics()[logging_in] == 64, PATIENCE)
    with _client(proxy) as client:
        assert client.value("select 1") == "1"
    for each in silent:
        each.close()
