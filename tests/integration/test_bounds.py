"""What strangers and crowds may cost: nobody else's service, and no memory without end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from support.pg import DATABASE, SCRAM_USER, TRUST_USER, password_of
from support.proxy import Proxy, write_users
from support.wire import Client, connect

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
