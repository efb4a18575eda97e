"""The database's connections: shared by pools, and never more than B whatever happens."""

from __future__ import annotations

import pytest
from harness.cluster import Cluster
from harness.load import Bench, RetryingClients
from harness.shop import Shop
from harness.until import until

SECONDS = 40
CLIENTS = 24


def test_two_pools_in_two_namespaces_share_one_budget(shop: Shop, second_shop: Shop) -> None:
    budget = shop.database.budget()
    with shop.database.watched() as seen:
        shop.pool("orders", budget={"weight": 300})
        second_shop.pool("reports", budget={"weight": 100})
        loads = [
            Bench(shop.login("orders"), SECONDS, 40, "select pg_sleep(0.02);"),
            Bench(second_shop.login("reports"), SECONDS, 40, "select pg_sleep(0.02);"),
        ]
        try:
            until("both pools grew to what the database has", lambda: seen.highest > budget * 2 // 3, SECONDS, lambda: seen.highest)
            until("weight 3 has more than weight 1", lambda: (
                shop.status("orders")["budget"]["inUse"] > second_shop.status("reports")["budget"]["inUse"]), SECONDS)
            results = [load.finish() for load in loads]
        finally:
            for load in loads:
                load.stop()
    assert seen.breaches == []
    assert all(result.failed == 0 and result.transactions > 0 for result in results)


def test_budget_holds_while_pools_are_scaled_rolled_and_killed(shop: Shop, second_shop: Shop) -> None:
    with shop.database.watched() as seen:
        shop.pool("orders")
        second_shop.pool("reports")
        with (
            RetryingClients(shop.login("orders"), CLIENTS, 0, 0.05) as orders,
            RetryingClients(second_shop.login("reports"), CLIENTS, 0, 0.05) as reports,
        ):
            until("load has come", lambda: seen.highest >= 20, 60, lambda: seen.highest)
            shop.kubectl("scale", "cpool/orders", "--replicas=4")
            until("four proxies", lambda: shop.status("orders").get("readyReplicas") == 4, 60)
            before = second_shop.pod_uids("reports")
            second_shop.kubectl.patch("cpool", "reports", {"spec": {"workers": 2}})
            until("all of reports is new", lambda: not before & second_shop.pod_uids("reports"), 90)
            victim = shop.pods("orders")[0]
            shop.kill(victim)
            until("its place is taken", lambda: shop.status("orders").get("readyReplicas") == 4 and victim["metadata"]["uid"]
                  not in [pod["metadata"]["uid"] for pod in shop.pods("orders")], 60)
            shop.kubectl("scale", "cpool/orders", "--replicas=1")
            until("one proxy", lambda: shop.status("orders").get("replicas") == 1, 90, lambda: shop.status("orders"))
            done = orders.done + reports.done
            until("queries go on", lambda: orders.done + reports.done > done + 200, 30)
    assert reports.failed == []  # nobody killed any of these
    assert seen.breaches == [], f"budget {shop.database.budget()}, highest {seen.highest}"
    assert len(seen.counts) > 100


def test_autoscaler_scales_a_pool(shop: Shop, cluster: Cluster) -> None:
    if not cluster.kubectl.exists("apiservice", "v1beta1.metrics.k8s.io"):
        pytest.skip("the cluster has no metrics-server")
    shop.pool(replicas=1)
    shop.kubectl.apply({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "orders"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "penstock.dev/v1alpha1", "kind": "ConnectionPool", "name": "orders"},
            "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "AverageValue", "averageValue": "50m"}}}],
        },
    })
    with shop.database.watched() as seen:
        load = Bench(shop.login(), 300, 20, "select 1;")
        try:
            until("the autoscaler asked for more", lambda: shop.get()["spec"]["replicas"] > 1, 120,
                  lambda: shop.kubectl("describe", "hpa", "orders")[-600:])
            until("they are ready", lambda: shop.status().get("readyReplicas", 0) > 1, 60)
        finally:
            load.stop()
        until("without load it asks for fewer", lambda: shop.get()["spec"]["replicas"] == 1, 180)
    assert seen.breaches == []


def test_more_replicas_than_the_budget_carries_are_refused_with_a_reason(shop: Shop) -> None:
    shop.pool(replicas=1, budget={"maxServerConnections": 4}, sizing={"minServerConnections": 1})
    shop.kubectl("scale", "cpool/orders", "--replicas=8")
    until("the condition says so", lambda: shop.reason("Stalled") == "BudgetImpossible", 20, lambda: shop.get()["status"])
    assert "lower the one or raise the other" in shop.condition("Stalled")["message"]
    shop.kubectl("scale", "cpool/orders", "--replicas=2")
    shop.ready()


def test_policy_attaches_and_shows_it(shop: Shop) -> None:
    shop.pool()
    shop.policy("fast", "orders")
    until("the policy is in force", lambda: shop.kubectl.get("bpres", "fast")["status"].get("attachedTargets") == 1, 20,
          lambda: shop.kubectl.get("bpres", "fast")["status"])
    shop.kubectl.ready("bpres/fast", 30)


def test_two_policies_for_one_pool_are_told_which_wins(shop: Shop) -> None:
    shop.pool(replicas=1)
    shop.policy("first", "orders")
    shop.kubectl.ready("bpres/first", 30)
    shop.policy("second", "orders")
    until("the second is told", lambda: any(
        condition.get("reason") == "Conflicted" for condition in shop.kubectl.get("bpres", "second")["status"].get("conditions", [])
    ), 20, lambda: shop.kubectl.get("bpres", "second")["status"])
    shop.kubectl("delete", "bpres", "first")
    shop.kubectl.ready("bpres/second", 30)
