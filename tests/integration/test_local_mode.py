"""`penstock-operator local` on the sample manifests: pools that size themselves, and a ceiling that holds."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.local_mode import ROLES, LocalMode, make_roles
from support.pg import DATABASE, Postgres, program
from support.process import die_with_parent, wait_for
from support.sampler import Sampler
from support.wire import PATIENCE, Client, ServerError, connect

_MAX_CONNECTIONS = 100
# The sample pools may use 70 % of what max_connections leaves after the 3 that PostgreSQL reserves.
_BUDGET = 67
_POOLED = "select count(*) from pg_stat_activity where usename in ('orders_app', 'reports_app')"
_ACTS_WITHIN_SECONDS = 1.0
_GROWS_WITHIN_SECONDS = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of this module's own: the budget is counted on all of it."""
    postgres = Postgres(max_connections=_MAX_CONNECTIONS)
    make_roles(postgres)
    yield postgres
    postgres.close()


@pytest.fixture
def local(server: Postgres, tmp_path: Path) -> Iterator[LocalMode]:
    """A running operator whose pools are Ready; afterwards nothing of it may be left."""
    operator = LocalMode(tmp_path, server)
    try:
        operator.start(2 * PATIENCE)
        yield operator
    finally:
        operator.close()
    wait_for("no server connection is left", lambda: server.execute(_POOLED) == [[b"0"]], PATIENCE)


def _client(local: LocalMode, pool: str = "orders") -> Client:
    user = f"{pool}_app"
    return connect(local.ports[pool], user, DATABASE, ROLES[user][0])


def _load(local: LocalMode, clients: int, seconds: int, folder: Path) -> subprocess.Popen[bytes]:
    """Clients that think for 200 ms and hold a connection for 40."""
    script = folder / "load.sql"
    script.write_text("\\sleep 200 ms\nselect pg_sleep(0.04);\n", encoding="ascii")
    with open(folder / "load.log", "wb") as log:  # a pipe that nobody reads would stop it
        return subprocess.Popen(
            [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(local.ports["orders"]), "-U", "orders_app", "-c",
             str(clients), "-j", "2", "-T", str(seconds), "-f", str(script), DATABASE],
            stdout=log, stderr=log, env={**os.environ, "PGPASSWORD": ROLES["orders_app"][0]},
            preexec_fn=die_with_parent,
        )


def _granted(local: LocalMode) -> int:
    return int((local.status("orders").get("budget") or {}).get("granted", 0))


def test_manifests_become_pools(local: LocalMode) -> None:
    """Both pools serve, and get and describe show them as kubectl would."""
    for pool in local.ports:
        with _client(local, pool) as client:
            assert client.value("select current_user") == f"{pool}_app"
    table = local.run("get", "cpool")
    assert "NAME" in table and "READY" in table and "orders" in table and "reports" in table
    described = local.run("describe", "cpool", "orders")
    for word in ("Conditions", "Ready", "DatabaseReachable", "Events"):
        assert word in described
    assert "keep-orders-fast" in local.run("get", "bpres")


def test_change_of_a_manifest_acts_within_a_second(local: LocalMode) -> None:
    """From the write of the file to the grant at the proxies."""

    def fix(document: dict[str, Any]) -> None:
        document["spec"]["sizing"] = {"mode": "Fixed", "serverConnections": 12, "minServerConnections": 4}

    # A fresh operator grants nothing beyond the floors before the database has shown it every connection.
    wait_for("the operator has learned", lambda: _granted(local) == 4, PATIENCE)
    began = time.monotonic()
    local.change("orders.yaml", fix)
    wait_for("the new size is granted", lambda: _granted(local) == 12, PATIENCE)
    assert time.monotonic() - began < _ACTS_WITHIN_SECONDS + 0.3  # what looking at it takes


def test_pool_follows_the_load_and_says_why(local: LocalMode, tmp_path: Path) -> None:
    """From 10 to 400 clients: 90 % of the final size within five seconds; back down when the load is gone.

    pgbench sends nothing before its last client is connected, so the load begins there: 400 SCRAM logins are its own.
    """
    (local.manifests / "keep-orders-fast.yaml").unlink()  # pgbench gives up a client that is refused
    wait_for("the policy is gone", lambda: not local.status("orders").get("throttle"), PATIENCE)
    _load(local, 10, 5, tmp_path).wait(60)
    small = _granted(local)
    began = time.monotonic()
    run = _load(local, 400, 120, tmp_path)
    course: list[tuple[float, int]] = []
    last_login = None
    while run.poll() is None and (last_login is None or course[-1][0] < last_login + 2 * _GROWS_WITHIN_SECONDS):
        at, status = time.monotonic() - began, local.status("orders")
        course.append((at, int((status.get("budget") or {}).get("granted", 0))))
        connected = sum(int(proxy.get("clients", 0)) for proxy in status.get("proxies") or [])
        # Counts in a status are rounded. Earlier than the last login, so the bar is no lower for it.
        if connected >= 0.85 * 400 and last_login is None:
            last_login = course[-2][0]
        time.sleep(0.1)
    assert run.poll() is None, (tmp_path / "load.log").read_text()[-2000:]
    run.terminate()
    run.wait()
    final = max(granted for _, granted in course)
    assert final > 2 * small and final <= _BUDGET
    reached = next(at for at, granted in course if granted >= 0.9 * final)
    assert last_login is not None, "pgbench's clients were not all seen"
    assert reached - last_login <= _GROWS_WITHIN_SECONDS, (last_login, course)
    assert local.status("orders").get("limitedBy")
    wait_for("the pool has shrunk", lambda: _granted(local) <= final // 2, 60)


def test_budget_holds_while_everything_is_killed(local: LocalMode, server: Postgres, tmp_path: Path) -> None:
    """Proxies and the operator die by kill -9 in turn, under load that asks for more than there is."""
    stop = threading.Event()

    def keep_loading() -> None:
        while not stop.is_set():
            _load(local, 400, 3, tmp_path).wait(60)  # ends early with each proxy that is killed

    loader = threading.Thread(target=keep_loading)
    with Sampler(server, _POOLED) as seen:
        loader.start()
        for turn in range(6):
            time.sleep(1.5)  # the load is what is being awaited
            if turn % 3 == 2:
                local.stop(signal.SIGKILL)
                local.start(2 * PATIENCE)
            else:
                for proxy in local.proxies()[:1]:
                    os.kill(proxy, signal.SIGKILL)
        stop.set()
        loader.join()
        for pool in local.ports:
            wait_for(f"{pool} is Ready again", lambda name=pool: local.is_ready(name), 2 * PATIENCE)  # type: ignore[misc]
    assert 0 < seen.highest <= _BUDGET
    with _client(local) as client:
        assert client.value("select 1") == "1"


def test_wrong_manifest_is_refused_with_its_path_and_what_ran_goes_on(local: LocalMode) -> None:
    """The fault is seen where the user looks; the pool serves as before."""
    local.change("orders.yaml", lambda d: d["spec"]["budget"].update({"maxServerConnectionsPercent": 1000}))
    wait_for(
        "the fault is named",
        lambda: "budget.maxServerConnectionsPercent" in local.log() + local.run("describe", "cpool", "orders"),
        PATIENCE,
    )
    with _client(local) as client:
        assert client.value("select 1") == "1"


def test_removed_manifest_ends_its_pool_only(local: LocalMode) -> None:
    """Its proxies drain; the other pool does not notice."""
    with _client(local, "orders") as untouched:
        (local.manifests / "reports.yaml").unlink()

        def is_gone() -> bool:
            try:
                _client(local, "reports").close()
            except (ConnectionError, EOFError, ServerError):
                return True
            return False

        wait_for("reports is gone", is_gone, PATIENCE)
        assert untouched.value("select 1") == "1"


def test_dead_operator_changes_nothing(local: LocalMode) -> None:
    """Clients are served while nobody is in charge, and a new operator takes over what runs."""
    with _client(local) as client:
        before = client.value("select pg_backend_pid()")
        local.stop(signal.SIGKILL)
        assert client.value("select pg_backend_pid()") == before
        local.start(2 * PATIENCE)
        assert client.value("select 1") == "1"


def test_missing_secret_is_named(server: Postgres, tmp_path: Path) -> None:
    """The condition says which Secret; when it comes the pool starts by itself."""
    local = LocalMode(tmp_path, server)
    hidden = tmp_path / "secrets.yaml"
    (local.manifests / "secrets.yaml").rename(hidden)
    try:
        local.start(0)
        wait_for("the missing Secret is named", lambda: "monitor" in local.run("describe", "cpool", "orders"), PATIENCE)
        hidden.rename(local.manifests / "secrets.yaml")
        for pool in local.ports:
            wait_for(f"{pool} is Ready", lambda name=pool: local.is_ready(name), 2 * PATIENCE)  # type: ignore[misc]
    finally:
        local.close()
