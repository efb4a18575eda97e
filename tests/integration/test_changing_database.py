"""A database that changes under its proxy: a standby that is promoted, settings that are altered while all servers are busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.pg import DATABASE, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy, start_proxy
from support.wire import PATIENCE, connect

psycopg = pytest.importorskip("psycopg")


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    """A server that nothing but this file's tests uses."""
    server = Postgres(max_connections=20)
    yield server
    server.close()


@pytest.fixture
def standby(own: Postgres) -> Postgres:
    """It is in hot standby, and has nobody to follow."""
    own.stop()
    (own.folder / "data" / "standby.signal").touch()
    own.start()
    return own


def _connect(proxy: Proxy, target: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        f"host=127.0.0.1 port={proxy.port} user={TRUST_USER} dbname={DATABASE} sslmode=disable "
        f"target_session_attrs={target}", autocommit=True)


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_promoted_standby_takes_writes_at_once(standby: Postgres, tmp_path: Path, mode: str) -> None:
    """Through servers that were idle then, too; clients of before hear of it."""
    with start_proxy(standby, tmp_path, poolMode=mode, serverConnections=6) as proxy:
        of_before = [connect(proxy.port, TRUST_USER, DATABASE) for _ in range(3)]
        for client in of_before:
            assert client.parameters["in_hot_standby"] == "on"
            assert client.value("show transaction_read_only") == "on"
        _connect(proxy, "standby").close()
        with pytest.raises(psycopg.OperationalError):
            _connect(proxy, "read-write")
        assert standby.execute("select pg_promote()") == [[b"t"]]
        for number in range(4):
            with _connect(proxy, "read-write") as writes:
                writes.execute(f"create table {mode}_{number} (a int)")
        _connect(proxy, "primary").close()
        with pytest.raises(psycopg.OperationalError):
            _connect(proxy, "standby")
        for client in of_before:
            assert client.value("show transaction_read_only") == "off"
            assert client.parameters["in_hot_standby"] == "off"
            client.close()


def _alter(postgres: Postgres, value: str) -> None:
    postgres.execute(f"alter database {DATABASE} set datestyle = '{value}'")


def _told(proxy: Proxy) -> str:
    with connect(proxy.port, TRUST_USER, DATABASE) as client:
        return client.parameters["DateStyle"]


@pytest.fixture
def altered(postgres: Postgres) -> Iterator[Callable[[str], None]]:
    """Alters the database's DateStyle until the test's end."""
    yield lambda value: _alter(postgres, value)
    postgres.execute(f"alter database {DATABASE} reset all")


def test_server_is_opened_to_look_while_all_are_busy(
    start: Callable[..., Proxy], altered: Callable[[str], None]
) -> None:
    """However long they are; where none can be, a login is told what was seen last rather than kept waiting."""
    proxy = start(serverConnections=3)
    holders = [connect(proxy.port, TRUST_USER, DATABASE) for _ in range(3)]
    for holder in holders[:2]:
        holder.run("begin")
    altered("German, YMD")
    assert _told(proxy) == "German, YMD"
    holders[2].run("begin")
    altered("SQL, DMY")
    assert _told(proxy) == "German, YMD"
    for holder in holders:
        holder.run("commit")
    assert _told(proxy) == "SQL, DMY"
    for holder in holders:
        holder.close()


def test_login_looks_though_transactions_wait(start: Callable[..., Proxy], altered: Callable[[str], None]) -> None:
    """No server is ever idle: one that comes free looks first for a login that has waited longer."""
    proxy = start(serverConnections=2)
    ends = threading.Event()

    def work() -> None:
        with connect(proxy.port, TRUST_USER, DATABASE) as client:
            while not ends.is_set():
                client.run("select pg_sleep(0.01)")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        wait_for("transactions wait", lambda: proxy.waiting() >= 4, PATIENCE)
        for value in ("German, YMD", "SQL, DMY", "ISO, DMY"):
            altered(value)
            assert _told(proxy) == value
    finally:
        ends.set()
        for thread in threads:
            thread.join(PATIENCE)
