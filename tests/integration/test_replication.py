"""Replication connections in pool mode Session: passed through as they are, one walsender for each client."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import protocol as p
from support.pg import ADMIN, DATABASE, Postgres, program
from support.process import wait_for
from support.proxy import Proxy, start_proxy
from support.wire import PATIENCE, Client, ServerError, connect


@pytest.fixture(scope="module")
def logical_postgres() -> Iterator[Postgres]:
    """A server that decodes its WAL."""
    server = Postgres(wal_level="logical", max_wal_senders="10")
    yield server
    server.close()


@pytest.fixture
def proxy(logical_postgres: Postgres, tmp_path: Path) -> Iterator[Proxy]:
    """In mode Session."""
    with start_proxy(logical_postgres, tmp_path, poolMode="Session") as running:
        yield running


def _walsenders(server: Postgres) -> int:
    with server.admin() as admin:
        return int(admin.value("select count(*) from pg_stat_activity where backend_type = 'walsender'"))


def _logical(proxy: Proxy) -> Client:
    return connect(proxy.port, ADMIN, DATABASE, replication="database", application_name="reader")


@pytest.mark.parametrize("leaves_by", ["Terminate", "closing"])
def test_walsender_ends_with_its_client(logical_postgres: Postgres, proxy: Proxy, leaves_by: str) -> None:
    """A temporary slot would outlive its client in a walsender that is used again."""
    for _ in range(2):  # the second client could not create a slot that is still there
        with _logical(proxy) as client:
            client.run('CREATE_REPLICATION_SLOT "passing" TEMPORARY LOGICAL test_decoding')
            name = "select application_name from pg_stat_activity where pid = pg_backend_pid()"
            assert client.value(name) == "reader"
            if leaves_by == "Terminate":
                client.send(p.terminate())
                client.until_closed()
        wait_for("the walsender has ended", lambda: _walsenders(logical_postgres) == 0, PATIENCE)
        assert logical_postgres.execute("select * from pg_replication_slots") == []


def test_identify_system(logical_postgres: Postgres, proxy: Proxy) -> None:
    """A physical walsender knows no SQL, so nothing of the proxy's may reach it."""
    for _ in range(2):
        with connect(proxy.port, ADMIN, "replication", replication="true", DateStyle="German",
                     application_name="standby") as client, logical_postgres.admin() as direct:
            system = direct.value("select system_identifier from pg_control_system()")
            assert client.run("IDENTIFY_SYSTEM")[0][0] == system.encode()
            assert client.parameters["DateStyle"].startswith("German")
            with pytest.raises(ServerError):
                client.run("select 1")


def test_base_backup(proxy: Proxy, tmp_path: Path) -> None:
    """pg_basebackup, with its second connection for the WAL."""
    target = tmp_path / "backup"
    subprocess.run(
        [program("pg_basebackup"), "-h", "127.0.0.1", "-p", str(proxy.port), "-U", ADMIN, "-D", str(target),
         "-c", "fast", "-X", "stream", "--no-sync"],
        check=True, capture_output=True, timeout=PATIENCE * 4,
    )
    assert (target / "PG_VERSION").exists() and (target / "backup_manifest").exists()


def test_logical_stream(logical_postgres: Postgres, proxy: Proxy, tmp_path: Path) -> None:
    """pg_recvlogical gets what is written while it listens; Ctrl-C ends it in order."""
    tool = [program("pg_recvlogical"), "-h", "127.0.0.1", "-p", str(proxy.port), "-U", ADMIN, "-d", DATABASE,
            "--slot", "tool"]
    subprocess.run([*tool, "--create-slot", "-P", "test_decoding"], check=True, capture_output=True, timeout=PATIENCE)
    logical_postgres.execute("create table decoded (line text)")
    output = tmp_path / "decoded.txt"
    child = subprocess.Popen([*tool, "--start", "-f", str(output), "-s", "1", "-F", "0"])
    try:
        logical_postgres.execute("insert into decoded values ('hello')")
        wait_for("the row arrives", lambda: output.exists() and "hello" in output.read_text("utf-8"), PATIENCE)
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 0
        wait_for("the walsender has ended", lambda: _walsenders(logical_postgres) == 0, PATIENCE)
        subprocess.run([*tool, "--drop-slot"], check=True, capture_output=True, timeout=PATIENCE)
    finally:
        child.kill()
        logical_postgres.execute("drop table decoded")
