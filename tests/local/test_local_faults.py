"""Faults while clients are served by real proxies in front of a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.local_mode import ROLES, LocalMode
from support.pg import DATABASE, Postgres
from support.process import wait_for
from support.sampler import Sampler
from support.wire import PATIENCE, connect

_BUDGET = 67
_POOLED = "select count(*) from pg_stat_activity where usename in ('orders_app', 'reports_app')"


class Asker:
    """One client that asks all the time; `answers` counts, `fault` is what ended it."""

    def __init__(self, local: LocalMode) -> None:
        self._client = connect(local.ports["orders"], "orders_app", DATABASE, ROLES["orders_app"][0])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers = 0
        self.fault: Exception | None = None
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                assert self._client.value("select 1") == "1"
                self.answers += 1
        except Exception as fault:  # any: it is judged by the test
            self.fault = fault

    def close(self) -> None:
        """Ends it after the answer that is under way."""
        self._stop.set()
        self._thread.join()
        self._client.close()


def test_operator_that_dies_is_not_noticed_by_clients(local: LocalMode, server: Postgres) -> None:
    pids = sorted(local.proxies())
    askers = [Asker(local) for _ in range(8)]
    with Sampler(server, _POOLED) as seen:
        for _ in range(3):
            local.stop(signal.SIGKILL)
            before = sum(a.answers for a in askers)
            wait_for("queries go on", lambda n=before: sum(a.answers for a in askers) > n + 100, PATIENCE)  # type: ignore
            local.start(4 * PATIENCE)
    for asker in askers:
        asker.close()
        assert asker.fault is None
    assert sorted(local.proxies()) == pids
    assert 0 < seen.highest <= _BUDGET


def test_replicas_up_and_down_lose_no_transaction(local: LocalMode) -> None:
    askers = [Asker(local) for _ in range(8)]

    def scale(replicas: int) -> None:
        def edit(document: dict[str, Any]) -> None:
            document["spec"]["replicas"] = replicas

        local.change("orders.yaml", edit)
        wait_for(
            f"{replicas} proxies", lambda: local.status("orders").get("readyReplicas") == replicas, 4 * PATIENCE
        )

    scale(4)
    assert all(asker.fault is None for asker in askers)
    scale(1)
    for asker in askers:
        asker.close()
        # A client of a drained proxy is sent away between two transactions.
        assert asker.fault is None or "57P01" in repr(asker.fault) or "57P01" in str(asker.fault), asker.fault


def test_killed_proxy_is_replaced_and_the_budget_holds(local: LocalMode, server: Postgres) -> None:
    with Sampler(server, _POOLED) as seen:
        for _ in range(3):
            before = set(local.proxies())
            victim = min(before)
            os.kill(victim, signal.SIGKILL)
            wait_for("it is replaced", lambda v=victim, n=len(before): v not in local.proxies() and len(local.proxies()) >= n, 2 * PATIENCE)  # type: ignore
            wait_for("orders is Ready", lambda: local.is_ready("orders"), 2 * PATIENCE)
    assert seen.highest <= _BUDGET


def test_unreachable_database_is_a_condition_and_comes_back(local: LocalMode, server: Postgres) -> None:
    server.stop()
    try:
        wait_for("it is told", lambda: local.condition("orders", "DatabaseReachable") == "False", 4 * PATIENCE)
    finally:
        server.start()
    wait_for("it is reached", lambda: local.condition("orders", "DatabaseReachable") == "True", 4 * PATIENCE)
    wait_for("Ready", lambda: local.is_ready("orders"), 4 * PATIENCE)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_full_disk_under_the_status_files(local: LocalMode, tmp_path: Path) -> None:
    status = tmp_path / "manifests" / ".penstock" / "status"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(status)], check=False).returncode != 0:
        pytest.skip("this container may not mount")
    try:
        asker = Asker(local)
        (status / "filler").write_bytes(b"x" * 4096)

        def edit(document: dict[str, Any]) -> None:
            document["spec"]["replicas"] = 3

        before = len(local.proxies())
        local.change("orders.yaml", edit)
        wait_for("the change acts", lambda: len(local.proxies()) == before + 1, 2 * PATIENCE)
        wait_for("it is logged", lambda: "status files are not current" in local.log(), PATIENCE)
        asker.close()
        assert asker.fault is None
    finally:
        subprocess.run(["umount", str(status)], check=True)
    wait_for("status is written again", lambda: local.status("orders").get("readyReplicas") == 3, 2 * PATIENCE)


def test_deleted_pool_leaves_nothing(local: LocalMode, server: Postgres, tmp_path: Path) -> None:
    for file in ("orders.yaml", "reports.yaml", "keep-orders-fast.yaml"):
        (local.manifests / file).unlink()
    wait_for("no proxy", lambda: not local.proxies(), 2 * PATIENCE)
    wait_for("no server connection", lambda: server.execute(_POOLED) == [[b"0"]], PATIENCE)
    assert not list((tmp_path / "manifests" / ".penstock" / "objects").iterdir())
    assert "orders" not in local.run("get", "cpool")


def test_everything_ends_with_the_operator(local: LocalMode) -> None:
    began = time.monotonic()
    assert local.stop() == 0
    assert time.monotonic() - began < PATIENCE
    assert local.proxies() == []
