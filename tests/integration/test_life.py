"""A proxy's life: start, configuration and its faults, reload, drain, admin port."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import protocol as p
from support.pg import DATABASE, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy, proxy_program, standard_config
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]

CROWD = 234  # clients of a real application, of which most were told nothing


def _client(proxy: Proxy) -> Client:
    return connect(proxy.port, TRUST_USER, DATABASE)


def _accepts(proxy: Proxy) -> bool:
    try:
        _client(proxy).close()
    except (ConnectionError, EOFError, ServerError):
        return False
    return True


def test_admin_port(start: Start) -> None:
    """Health, readiness and Prometheus' text with the four histograms."""
    proxy = start()
    with _client(proxy) as client:
        client.run("select 1")
    assert proxy.get("/healthz")[0] == 200
    assert proxy.get("/readyz")[0] == 200
    status, text = proxy.get("/metrics")
    assert status == 200 and "# TYPE" in text
    for histogram in ("wait", "query", "transaction", "login"):
        assert f"{histogram}" in text and "_bucket{" in text
    assert proxy.get("/nowhere")[0] == 404


def test_sigterm_waits_for_the_end_of_transactions(start: Start) -> None:
    """Idle clients hear 57P01, one in a transaction finishes it first, new ones are not taken."""
    proxy = start(drain={"timeoutSeconds": 60})
    with _client(proxy) as idle, _client(proxy) as busy:
        busy.run("begin")
        proxy.signal(signal.SIGTERM)
        last = idle.until_closed()
        assert last and last[-1].fields()["C"] == "57P01"
        wait_for("the proxy says that it is not ready", lambda: proxy.get("/readyz")[0] == 503, PATIENCE)
        assert busy.value("select 1") == "1"
        busy.send(p.query("commit"))
        replies = busy.until_closed()
        assert [r.kind for r in replies][:2] == ["C", "Z"]
        assert not _accepts(proxy)
    assert proxy.wait() == 0


def test_sigterm_lets_a_running_query_finish(start: Start) -> None:
    """The reply is whole, then the connection ends."""
    proxy = start(drain={"timeoutSeconds": 60})
    with _client(proxy) as client:
        client.send(p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(0.5), 'whole'"))
        client.until("N")
        proxy.signal(signal.SIGTERM)
        kinds = [r.kind for r in client.until_closed()]
        assert kinds[:4] == ["C", "T", "D", "C"] and kinds[4] == "Z"
    assert proxy.wait() == 0


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_whoever_is_here_at_the_end_of_a_drain_hears_57p01(start: Start, mode: str) -> None:
    """In each state of a client, mid-query and in an unsynced batch too, which end no earlier."""
    proxy = start(poolMode=mode, serverConnections=6, drain={"timeoutSeconds": 1})
    batch = [p.parse("", "select 1"), p.bind(), p.execute()]
    states: dict[str, list[bytes]] = {
        "idle": [p.query("select 1")],
        "in a transaction": [p.query("begin")],
        "query running": [p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(60)")],
        "batch flushed": [*batch, p.flush()],
        "batch not flushed": [p.query("select 1"), *batch],
        "copying": [p.query("create temporary table c (a int); copy c from stdin")],
    }
    clients = {state: _client(proxy) for state in states}
    for state, messages in states.items():
        clients[state].send(*messages)
        clients[state].until("Z", "N", "C", "G")
    with Client("127.0.0.1", proxy.port) as logging_in:
        logging_in.send(p.startup({"user": TRUST_USER, "database": DATABASE})[:20])
        proxy.signal(signal.SIGTERM)
        for state, client in clients.items():
            errors = [r.fields()["C"] for r in client.until_closed() if r.kind == "E"]
            assert errors[-1:] == ["57P01"], state
            client.close()
        logging_in.until_closed()
    assert proxy.wait() == 0


def test_busy_clients_of_libpq_hear_why_they_are_sent_away(start: Start) -> None:
    """libpq takes an error behind ReadyForQuery for a notice, so it must be the answer to the next message or login."""
    psycopg = pytest.importorskip("psycopg")
    proxy = start(serverConnections=4, drain={"timeoutSeconds": 30})
    address = f"host=127.0.0.1 port={proxy.port} user={TRUST_USER} dbname={DATABASE} sslmode=disable"
    heard: list[str] = []

    def work() -> None:
        try:
            with psycopg.connect(address, autocommit=True) as client:
                while True:
                    client.execute("select pg_sleep(0.005)")
        except psycopg.Error as error:
            heard.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    # Of some the login is still under way then.
    wait_for("all are here", lambda: proxy.clients() == len(threads), PATIENCE)
    proxy.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(PATIENCE)
    reasons = ("terminating connection due to administrator command", "the proxy is shutting down")
    assert [words for words in heard if not any(reason in words for reason in reasons)] == []
    assert len(heard) == len(threads)
    assert proxy.wait() == 0


def test_drain_has_an_end(start: Start) -> None:
    """drain.timeoutSeconds after SIGTERM the last clients are cut off."""
    proxy = start(drain={"timeoutSeconds": 1})
    with _client(proxy) as client:
        client.run("begin")
        proxy.signal(signal.SIGTERM)
        client.until_closed()
    assert proxy.wait() == 0


def test_reload_by_sighup(start: Start) -> None:
    """A smaller limit holds from then on; clients stay."""
    proxy = start()
    with _client(proxy) as client, _client(proxy):
        proxy.reload(limits={"maxClientConnections": 2})

        def refuses() -> bool:
            try:
                _client(proxy).close()
            except ServerError as refused:
                return refused.sqlstate == "53300"
            return False

        wait_for("a third client is refused", refuses, PATIENCE)
        assert client.value("select 1") == "1"


def test_changed_file_is_read_without_a_signal(start: Start) -> None:
    """As a mounted ConfigMap changes: by a rename in the folder."""
    proxy = start(limits={"maxClientConnections": 1})
    with _client(proxy):
        assert not _accepts(proxy)
        proxy.write_config({**proxy.config, "limits": {"maxClientConnections": 10}})
        wait_for("a second client is taken", lambda: _accepts(proxy), PATIENCE)


def test_pool_that_shrinks_keeps_its_clients(start: Start, postgres: Postgres) -> None:
    """Servers above the new size are closed when they come free; no client hears of it."""
    proxy = start(serverConnections=6)
    clients = [_client(proxy) for _ in range(6)]
    for client in clients:
        client.run("begin")
    assert postgres.pooled() == 6
    proxy.reload(serverConnections=2)
    for client in clients:
        client.run("commit")
    wait_for("two servers are left", lambda: postgres.pooled() <= 2, PATIENCE)
    for client in clients:
        assert client.value("select 1") == "1"
        client.close()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"serverConnections": -1}, "serverConnections"),
        ({"poolMode": "Sometimes"}, "poolMode"),
        ({"timeouts": {"querySeconds": "soon"}}, "timeouts.querySeconds"),
        ({"database": {"port": 99999}}, "database.port"),
        ({"clients": {"authentication": "ScramSha256", "usersFile": "/nowhere/users"}}, "clients.usersFile"),
    ],
)
def test_wrong_reload_keeps_the_old_configuration(start: Start, changes: dict[str, Any], path: str) -> None:
    """The fault is logged with its path, and the proxy serves on as before."""
    proxy = start()
    with _client(proxy) as client:
        proxy.reload(**changes)
        wait_for("the fault is in the log", lambda: path in proxy.log(), PATIENCE)
        assert client.value("select 1") == "1"
        assert _accepts(proxy)


def test_broken_yaml_keeps_the_old_configuration(start: Start) -> None:
    """Not even a document."""
    proxy = start()
    before = proxy.log()
    proxy.config_file.write_text("listen: [", encoding="utf-8")
    proxy.signal(signal.SIGHUP)
    wait_for("the fault is in the log", lambda: proxy.log() != before, PATIENCE)
    assert _accepts(proxy)


def test_wrong_configuration_at_the_start_names_every_fault(tmp_path: Path, postgres: Postgres) -> None:
    """Exit code above zero, and all paths at once."""
    config = standard_config(tmp_path, postgres.port, serverConnections=0, poolMode="Sometimes",
                             limits={"maxClientConnections": "many"}, database={"port": 0})
    config["unheardOf"] = 1
    file = tmp_path / "wrong.yaml"
    file.write_text(str(config).replace("'", '"').replace("None", "null"), encoding="utf-8")
    ended = subprocess.run([str(proxy_program()), "--config", str(file)], capture_output=True, text=True,
                           timeout=PATIENCE, check=False)
    assert ended.returncode not in (0, -signal.SIGABRT, -signal.SIGSEGV)
    said = ended.stdout + ended.stderr
    for path in ("serverConnections", "poolMode", "limits.maxClientConnections", "database.port"):
        assert path in said, said


@pytest.mark.parametrize("arguments", [[], ["--config"], ["--config", "/nowhere/at/all.yaml"], ["--nonsense"]])
def test_wrong_command_lines(arguments: list[str]) -> None:
    """A message and an exit code, no crash."""
    ended = subprocess.run([str(proxy_program()), *arguments], capture_output=True, text=True, timeout=PATIENCE,
                           check=False)
    assert ended.returncode > 0 and ended.stdout + ended.stderr
