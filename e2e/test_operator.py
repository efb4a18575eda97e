"""The operator killed, replaced, upgraded, cut off: queries go on and nothing changes hands."""

from __future__ import annotations

import time

import pytest
from harness.cluster import Cluster
from harness.load import RetryingClients
from harness.operator import NAME, Operator
from harness.shop import Shop
from harness.until import always, until

CLIENTS = 8
# After an outage a kubelet watches ConfigMaps again only when its own back-off has run out.
KUBELET_SECONDS = 180


def test_second_replica_takes_over_from_a_killed_leader(shop: Shop, operator: Operator) -> None:
    shop.pool()
    pods, first = shop.pod_uids(), operator.leader()
    epoch = operator.lease()["leaseTransitions"]
    with shop.database.watched() as seen, RetryingClients(shop.login(), CLIENTS) as tally:
        operator.kill(first)
        until("another one leads", lambda: operator.leader() not in ("", first), 60, operator.lease)
        until("it is in charge of the grants", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", 60,
              lambda: shop.condition("GrantsCurrent"))
        shop.kubectl.patch("cpool", "orders", {"spec": {"budget": {"weight": 200}}})
        shop.ready()
    assert operator.lease()["leaseTransitions"] > epoch
    assert tally.failed == []
    assert tally.reconnects == 0
    assert tally.done > 0
    assert seen.breaches == []
    assert shop.pod_uids() == pods


def test_queries_go_on_without_any_operator(shop: Shop, operator: Operator) -> None:
    shop.pool()
    pods = shop.pod_uids()
    with shop.database.watched() as seen, RetryingClients(shop.login(), CLIENTS) as tally:
        for pod in operator.pods():
            operator.kill(pod["metadata"]["name"])
        operator.scale(0)
        done = tally.done
        until("queries went on", lambda: tally.done > done + 500, 60)
        operator.scale(2)
        until("the operator is back in charge", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", 60,
              lambda: shop.condition("GrantsCurrent"))
    assert tally.failed == []
    assert tally.reconnects == 0
    assert seen.breaches == []
    assert shop.pod_uids() == pods


def test_stolen_lease_is_taken_back_when_it_runs_out(shop: Shop, operator: Operator) -> None:
    shop.pool()
    pods, epoch = shop.pod_uids(), operator.lease()["leaseTransitions"]
    with shop.database.watched() as seen, RetryingClients(shop.login(), CLIENTS) as tally:
        operator.kubectl.patch("lease", NAME, {"spec": {"holderIdentity": "a-thief", "leaseTransitions": epoch + 1}})
        until("an operator leads again", operator.leader, 90, operator.lease)
        until("it is in charge of the grants", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", 60,
              lambda: shop.condition("GrantsCurrent"))
    assert operator.lease()["leaseTransitions"] >= epoch + 2
    assert tally.failed == []
    assert seen.breaches == []
    assert shop.pod_uids() == pods


def test_upgrade_of_the_operator_touches_no_proxy(shop: Shop, operator: Operator) -> None:
    shop.pool()
    pods = shop.pod_uids()
    template = shop.kubectl.get("deployment", "orders")["metadata"]["generation"]
    operator.kubectl("set", "env", f"deployment/{NAME}", f"ROLLED_AT={time.time():.0f}")
    operator.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=150)
    until("the operator has a leader", operator.leader, 60)
    until("it is in charge of the grants", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", 60)
    always("no proxy is touched", lambda: shop.pod_uids() == pods, 5)
    assert shop.kubectl.get("deployment", "orders")["metadata"]["generation"] == template


def test_api_server_away_for_a_minute(shop: Shop, cluster: Cluster, operator: Operator) -> None:
    if not cluster.own:
        pytest.skip("kills the API server, which only the project's own cluster allows")
    shop.pool()
    pods = shop.pod_uids()
    login = shop.login()
    with shop.database.watched() as seen, RetryingClients(login, CLIENTS) as tally:
        cluster.api_away()
        try:
            always("queries go on", lambda: login.query() == 1, 60)
        finally:
            cluster.api_back()
        until("the operator has a leader", operator.leader, 60)
        shop.kubectl.patch("cpool", "orders", {"spec": {"budget": {"weight": 150}}})
        until("it acts again", lambda: shop.status()["observedGeneration"] == shop.get()["metadata"]["generation"], 60)
        shop.ready(seconds=KUBELET_SECONDS)
    assert tally.failed == []
    assert seen.breaches == []
    assert shop.pod_uids() == pods
    # kube-proxy, too, watches again only when its back-off has run out: new Services would lead nowhere in the next test.
    shop.pool("after", wait=False)
    shop.first_query(KUBELET_SECONDS, "after")


def test_operator_has_no_right_on_secrets_of_pools(shop: Shop, operator: Operator, cluster: Cluster) -> None:
    account = f"--as=system:serviceaccount:penstock-system:{NAME}"
    allowed = cluster.kubectl.within(shop.namespace)("auth", "can-i", "--list", account)
    assert not [line for line in allowed.splitlines() if line.split()[:1] == ["secrets"]]


def test_operator_reports_metrics_by_their_usual_names(operator: Operator) -> None:
    page = operator.kubectl("get", "--raw", f"/api/v1/namespaces/penstock-system/pods/{operator.leader()}:8080/proxy/metrics")
    for name in ("controller_runtime_reconcile_total", "workqueue_depth", "rest_client_requests_total", "leader_election_master_status"):
        assert name in page
