"""One pool in its life: made, seen, resized, scaled, changed by hand, deleted."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
import yaml
from harness.kubectl import Refused
from harness.shop import PROXIES, Shop
from harness.until import always, until

FIRST_QUERY_SECONDS = 10
CHANGE_SECONDS = 5
ACTS_SECONDS = 2
SETTLED_SECONDS = 2
OWNED = (
    ("deployment", "orders"), ("service", "orders"), ("service", "orders-proxies"), ("configmap", "orders-proxy"),
    ("serviceaccount", "orders-proxy"), ("poddisruptionbudget", "orders"),
)


def test_applied_pool_answers_through_its_service(shop: Shop) -> None:
    shop.pool(wait=False)
    seconds = shop.first_query(60)
    assert seconds < FIRST_QUERY_SECONDS, "\n".join([f"first query after {seconds:.1f} s", *shop.timeline()])


def test_wait_get_and_describe_show_the_truth(shop: Shop) -> None:
    shop.pool(wait=False)
    shop.kubectl.ready("cpool/orders")
    shop.login().query()
    row = shop.kubectl("get", "cpool", "orders", "--no-headers").split()
    assert row[:4] == ["orders", "True", "Available", "2"]
    status = shop.status()
    assert status["observedGeneration"] == shop.get()["metadata"]["generation"]
    assert status["database"]["maxConnections"] == shop.database.max_connections
    assert status["budget"]["ceiling"] <= shop.database.budget()
    assert status["budget"]["inUse"] >= shop.database.proxies_have() - 2
    text = shop.kubectl("describe", "cpool", "orders")
    for condition in ("Ready", "DatabaseReachable", "BudgetSatisfied", "GrantsCurrent"):
        assert condition in text
    assert f"{shop.database.host}:{shop.database.port} answers" in text


def test_proxies_run_restricted_and_without_an_api_token(shop: Shop) -> None:
    shop.pool()
    spec = shop.pods()[0]["spec"]
    container = spec["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_proxies_spread_over_nodes(shop: Shop) -> None:
    nodes = shop.kubectl.list("nodes")
    if len(nodes) < 2:
        pytest.skip("the cluster has one node")
    shop.pool()
    assert len({pod["spec"]["nodeName"] for pod in shop.pods()}) == 2


def test_resize_restarts_no_proxy(shop: Shop) -> None:
    shop.pool(sizing={"mode": "Fixed", "serverConnections": 4})
    before = shop.pod_uids()
    shop.kubectl.patch("cpool", "orders", {"spec": {"sizing": {"serverConnections": 12}}})
    until("12 connections are granted", lambda: shop.status()["budget"]["granted"] >= 12, CHANGE_SECONDS,
          lambda: shop.status().get("budget"))
    shop.kubectl.patch("cpool", "orders", {"spec": {"timeouts": {"queryWaitSeconds": 7}}})
    shop.ready()
    assert shop.pod_uids() == before
    shop.login().query()


def test_spec_change_acts_at_once(shop: Shop) -> None:
    shop.pool(replicas=1, sizing={"mode": "Fixed", "serverConnections": 4})
    shop.kubectl.patch("cpool", "orders", {"spec": {"sizing": {"serverConnections": 8}}})
    until("8 connections are granted", lambda: shop.status()["budget"]["granted"] >= 8, ACTS_SECONDS,
          lambda: shop.status().get("budget"))


def test_restart_field_rolls_all_proxies(shop: Shop) -> None:
    shop.pool()
    before = shop.pod_uids()
    shop.kubectl.patch("cpool", "orders", {"spec": {"workers": 2}})
    until("all proxies are new", lambda: not before & shop.pod_uids() and len(shop.pods()) == 2, 90)
    shop.ready()
    shop.login().query()


def test_scale_up_and_down(shop: Shop) -> None:
    shop.pool(replicas=1)
    shop.kubectl("scale", "cpool/orders", "--replicas=3")
    until("three proxies are ready", lambda: shop.status().get("readyReplicas") == 3, 60, shop.status)
    shop.kubectl("scale", "cpool/orders", "--replicas=1")
    until("one proxy is left", lambda: len(shop.pods()) == 1 and shop.status().get("replicas") == 1, 90, shop.status)
    shop.login().query()


def test_scaled_to_nothing_and_back(shop: Shop) -> None:
    shop.pool(replicas=1)
    shop.kubectl("scale", "cpool/orders", "--replicas=0")
    until("no proxy is left", lambda: not shop.kubectl.list("pods", PROXIES), 60)
    until("its connections are gone", lambda: shop.database.proxies_have() == 0, 30)
    shop.kubectl.ready("cpool/orders", 30)
    shop.kubectl("scale", "cpool/orders", "--replicas=1")
    shop.first_query(60)


def test_deleted_pool_leaves_nothing(shop: Shop) -> None:
    shop.pool()
    for kind, name in OWNED:
        assert shop.kubectl.exists(kind, name), f"{kind}/{name}"
    shop.kubectl("delete", "cpool", "orders")
    for kind, name in OWNED:
        until(f"{kind}/{name} is gone", lambda kind=kind, name=name: not shop.kubectl.exists(kind, name), 90)
    until("the Pods are gone", lambda: not shop.kubectl.list("pods", PROXIES), 90)
    until("its connections are gone", lambda: shop.database.proxies_have() == 0, 30)


def test_deletion_is_not_held_up_without_an_operator(shop: Shop) -> None:
    shop.pool(replicas=1)
    assert "finalizers" not in shop.get()["metadata"]


@pytest.mark.parametrize(
    ("kind", "name", "change", "path"),
    [
        ("deployment", "orders", {"spec": {"replicas": 5}}, ("spec", "replicas")),
        ("service", "orders", {"spec": {"selector": {"penstock.dev/pool": "other"}}}, ("spec", "selector", "penstock.dev/pool")),
        ("configmap", "orders-proxy", {"data": {"config.json": "{}"}}, ("data", "config.json")),
    ],
    ids=["deployment", "service", "configmap"],
)
def test_owned_object_changed_by_hand_is_put_back(
    shop: Shop, kind: str, name: str, change: dict[str, object], path: tuple[str, ...]
) -> None:
    def value() -> object:
        node = shop.kubectl.get(kind, name)
        for step in path:
            node = node[step]
        return node

    shop.pool()
    before = value()
    shop.kubectl.patch(kind, name, change)
    until(f"{kind} is as it was", lambda: value() == before, 30, value)
    until("an Event tells of it", lambda: any(
        kind in (event.get("message") or "").lower() for event in shop.kubectl.events("orders")), 30)
    shop.ready()
    shop.login().query()


def test_owned_object_deleted_by_hand_is_made_again(shop: Shop) -> None:
    shop.pool()
    shop.kubectl("delete", "service", "orders")
    until("the Service is back", lambda: shop.kubectl.exists("service", "orders"), 30)
    shop.first_query(30)


def test_apply_again_changes_nothing_and_diff_is_empty(shop: Shop) -> None:
    shop.pool()
    before = shop.get()["metadata"]
    assert "unchanged" in shop.kubectl.apply(shop.manifest())
    shop.kubectl("diff", "-f", "-", stdin=yaml.safe_dump(shop.manifest()))
    after = json.loads(shop.kubectl("get", "cpool", "orders", "-o", "json", "--show-managed-fields"))["metadata"]
    assert after["generation"] == before["generation"]
    written_by = {entry["manager"] for entry in after["managedFields"] if entry.get("subresource") != "status"}
    assert "penstock-operator" not in written_by


def test_quiet_pool_is_not_written(shop: Shop) -> None:
    shop.pool(replicas=1)

    def versions() -> str:
        return json.dumps([shop.kubectl.get(kind, name)["metadata"]["resourceVersion"] for kind, name in OWNED[:5]])

    seen = [versions()]

    def settled() -> bool:
        time.sleep(SETTLED_SECONDS)
        seen.append(versions())
        return seen[-1] == seen[-2]

    until("Kubernetes' own controllers have settled", settled, 30)
    always("no owned object is written", lambda: versions() == seen[-1], 10)


def test_diff_shows_what_a_change_would_do(shop: Shop) -> None:
    shop.pool(replicas=1)
    with pytest.raises(Refused):  # kubectl diff exits with 1 when there is a difference
        shop.kubectl("diff", "-f", "-", stdin=yaml.safe_dump(shop.manifest(replicas=3)))
    done = subprocess.run(
        shop.kubectl.argv("diff", "-f", "-"), input=yaml.safe_dump(shop.manifest(replicas=3)), capture_output=True,
        text=True, env=shop.kubectl.environment, check=False,
    )
    assert "+  replicas: 3" in done.stdout
