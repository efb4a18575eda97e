"""The operator's commands and its own life, with stand-ins for the proxies."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest
from operator_on import FAKE_PROXY, SECRET, OperatorOn, is_running, pool
from support.process import free_port, wait_for
from support.wire import PATIENCE

POLICY = (
    "apiVersion: penstock.dev/v1alpha1\nkind: Backpressure\nmetadata: {name: calm}\n"
    "spec: {targetRefs: [{name: orders}], latency: {targetMilliseconds: 50}}\n"
)


def _begin(operator: OperatorOn, *words: str) -> None:
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    operator.start(*words)
    operator.wait("cpool/orders")


def test_get_and_describe_look_like_kubectl(operator: OperatorOn) -> None:
    operator.write("calm.yaml", POLICY)
    _begin(operator)
    operator.wait("bpres/calm")
    table = operator.run("get", "cpool").stdout.splitlines()
    assert table[0].split() == ["NAME", "READY", "REASON", "REPLICAS", "INUSE", "GRANTED", "CEILING", "MODE", "AGE"]
    assert table[1].split()[:4] == ["orders", "True", "Available", "2"]
    assert "connectionpool.penstock.dev/orders" in operator.run("get", "penstock").stdout
    assert operator.run("get", "cpool", "-A", "-o", "wide").stdout.startswith("NAMESPACE")
    assert operator.run("get", "bpres", "-o", "name").stdout == "backpressure.penstock.dev/calm\n"
    described = operator.run("describe", "cpool", "orders").stdout
    for word in ("Conditions:", "Available", "Proxies:", "Events:", "ReplicasScaled"):
        assert word in described
    missing = operator.run("get", "cpool", "x")
    assert missing.returncode == 1
    assert missing.stderr.endswith('Error from server (NotFound): connectionpools.penstock.dev "x" not found\n')


def test_dry_run_tells_and_changes_nothing(operator: OperatorOn) -> None:
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    before = sorted(operator.manifests.rglob("*"))
    operator.start("--dry-run")
    assert operator.child is not None and operator.child.wait(PATIENCE) == 0
    assert "pool default/orders: would start 2 proxies on port 16432" in operator.log()
    assert sorted(operator.manifests.rglob("*")) == before
    operator.write("pools.yaml", pool(replicas=-1))
    operator.start("--dry-run")
    assert operator.child.wait(PATIENCE) == 1
    assert "pools.yaml:20: spec.replicas: must be" in operator.log()


def test_manifest_acts_within_a_second_up_and_down(operator: OperatorOn) -> None:
    _begin(operator)
    for replicas in (4, 1):
        began = time.monotonic()
        operator.write("pools.yaml", pool(replicas=replicas) + "\n---\n" + SECRET)
        wait_for(f"{replicas} proxies", lambda n=replicas: len(operator.proxies()) == n, PATIENCE)  # type: ignore
        assert time.monotonic() - began < 1.5  # one second, and what starting four pythons takes
        wait_for("status", lambda n=replicas: operator.shown()["status"]["readyReplicas"] == n, PATIENCE)  # type: ignore
    assert operator.shown()["metadata"]["generation"] == 3


def test_second_operator_is_told_who_has_the_folder(operator: OperatorOn) -> None:
    _begin(operator)
    first = operator.child
    assert first is not None
    operator.start()
    assert operator.child is not None and operator.child.wait(PATIENCE) == 1
    assert f"is in use by the operator with pid {first.pid}" in operator.log()
    operator.child = first


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_end_drains_and_leaves_nothing(operator: OperatorOn, sign: signal.Signals) -> None:
    _begin(operator)
    pids = operator.proxies()
    assert operator.stop(sign) == 0
    assert not any(is_running(pid) for pid in pids)
    assert operator.records() == []
    assert operator.condition("Ready")["status"] == "False"
    assert "no operator runs" in operator.run("get", "cpool").stderr


def test_killed_operator_leaves_proxies_that_the_next_takes_over(operator: OperatorOn) -> None:
    _begin(operator)
    pids = operator.proxies()
    assert len(pids) == 2
    created = operator.shown()["metadata"]["creationTimestamp"]
    operator.stop(signal.SIGKILL)
    assert operator.proxies() == pids
    operator.start()
    wait_for("epoch 2", lambda: operator.shown().get("status", {}).get("epoch") == 2, PATIENCE)
    operator.wait("cpool/orders")
    assert operator.proxies() == pids
    assert operator.shown()["metadata"]["creationTimestamp"] == created
    assert operator.shown()["metadata"]["generation"] == 1


def test_keep_proxies_and_once_leave_them_running(operator: OperatorOn) -> None:
    _begin(operator, "--keep-proxies")
    pids = operator.proxies()
    assert operator.stop() == 0
    assert operator.proxies() == pids
    operator.start("--once")
    assert operator.child is not None and operator.child.wait(2 * PATIENCE) == 0
    assert operator.proxies() == pids


def test_killed_proxy_is_replaced(operator: OperatorOn) -> None:
    _begin(operator)
    victim = min(operator.proxies())
    os.kill(victim, signal.SIGKILL)
    wait_for("two run again", lambda: len(operator.proxies() - {victim}) == 2, PATIENCE)
    assert "signal 9 (Killed)" in operator.log()
    operator.wait("cpool/orders")


def test_proxies_that_cannot_start_are_told_of_and_not_started_all_the_time(operator: OperatorOn) -> None:
    operator.environment["FAKE_EXIT"] = "7"
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    operator.start()
    wait_for(
        "the status says why",
        lambda: "exit status 7" in str(operator.condition("Ready").get("message")), PATIENCE,
    )
    time.sleep(1)  # what is being measured
    assert operator.log().count("started proxy") <= 6
    assert "fake proxy ends at once" in (operator.manifests / ".penstock/logs/default_orders.log").read_text()


def test_removed_manifest_deletes_the_pool(operator: OperatorOn) -> None:
    _begin(operator)
    (operator.manifests / "pools.yaml").unlink()
    operator.wait("cpool/orders", "delete")
    wait_for("no proxy", lambda: not operator.proxies(), PATIENCE)
    assert not list((operator.manifests / ".penstock/secrets").iterdir())


def test_wrong_manifest_keeps_what_runs_and_is_told_everywhere(operator: OperatorOn) -> None:
    _begin(operator)
    pids = operator.proxies()
    operator.write("pools.yaml", pool(replicas="many") + "\n---\n" + SECRET)
    wait_for("Stalled", lambda: operator.condition("Stalled").get("status") == "True", PATIENCE)
    fault = "pools.yaml:20: spec.replicas: must be"
    assert fault in operator.condition("Stalled")["message"]
    assert fault in operator.log()
    assert fault in operator.run("get", "cpool").stderr
    assert operator.proxies() == pids
    operator.write("new.yaml", pool("carts", port=16433, poolMode="Sometimes"))
    wait_for("carts is shown", lambda: operator.condition("Ready", "carts").get("reason") == "InvalidManifest", PATIENCE)
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    operator.wait("cpool/orders")


def test_missing_secret_and_key_are_named_and_waited_for(operator: OperatorOn) -> None:
    operator.write("pools.yaml", pool())
    operator.start()
    wait_for("it waits", lambda: operator.condition("Reconciling").get("reason") == "WaitingForSecret", PATIENCE)
    assert "Secret default/monitor is missing" in operator.condition("Ready")["message"]
    operator.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: monitor}\nstringData: {username: m}\n")
    wait_for("the key is named", lambda: "has no key password" in operator.condition("Ready")["message"], PATIENCE)
    operator.write("secret.yaml", SECRET)
    operator.wait("cpool/orders")
    secret = operator.manifests / ".penstock/secrets/default/monitor/password"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not any("stringData" in f.read_text() for f in (operator.manifests / ".penstock/status").iterdir())


def test_two_pools_on_one_port_are_not_mixed(operator: OperatorOn) -> None:
    _begin(operator)
    operator.write("carts.yaml", pool("carts"))
    wait_for("told", lambda: "also that of pool default/orders" in str(operator.condition("Ready", "carts")), PATIENCE)
    assert len(operator.proxies()) == 2


def test_full_disk_under_the_status_files_stops_nothing(operator: OperatorOn) -> None:
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    status = operator.manifests / ".penstock" / "status"
    status.parent.mkdir(mode=0o700)
    status.write_text("no folder: whoever wants to write below it fails, root too")
    port = free_port()
    operator.start("--metrics-address", f"127.0.0.1:{port}")
    wait_for("proxies run", lambda: len(operator.proxies()) == 2, PATIENCE)
    operator.write("pools.yaml", pool(replicas=3) + "\n---\n" + SECRET)
    wait_for("changes act", lambda: len(operator.proxies()) == 3, PATIENCE)
    assert operator.log().count("status files are not current") == 1
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        failures = [line for line in reply.read().decode().splitlines() if "status_write_failures_total " in line]
    assert float(failures[-1].split()[1]) > 0
    status.unlink()
    operator.wait("cpool/orders")


def test_metrics_and_health(operator: OperatorOn) -> None:
    port = free_port()
    _begin(operator, "--metrics-address", f"127.0.0.1:{port}")
    for page, words in {
        "healthz": ["ok"], "readyz": ["ok"],
        "metrics": [
            'penstock_pool_ceiling_connections{namespace="default",pool="orders"} 67',
            "penstock_budget_violations_total 0", 'controller_runtime_reconcile_total{controller="fleet"',
        ],
    }.items():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as reply:
            text = reply.read().decode()
        for word in words:
            assert word in text


def test_proxy_that_is_not_there_is_named(operator: OperatorOn) -> None:
    operator.write("pools.yaml", pool() + "\n---\n" + SECRET)
    operator.start(proxy="/no/such/proxy")
    wait_for("named", lambda: "/no/such/proxy: cannot be run" in str(operator.condition("Ready")), PATIENCE)


def test_proxies_are_told_only_what_they_need(operator: OperatorOn) -> None:
    _begin(operator)
    folder = operator.manifests / ".penstock" / "proxies"
    for proxy in folder.iterdir():
        config = json.loads((proxy / "config.json").read_text())
        assert config["admin"]["address"] == "127.0.0.1"
        assert (proxy / "token").stat().st_mode & 0o777 == 0o600
        assert Path(config["admin"]["portFile"]).exists()
    assert FAKE_PROXY.exists() and folder.stat().st_mode & 0o077 == 0
