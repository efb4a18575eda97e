"""What goes wrong outside: each fault has a condition with a reason and a remedy, and everything else works on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.cluster import Cluster
from harness.database import MONITOR_USER, Database
from harness.load import RetryingClients
from harness.manifests import MONITOR, USERS, monitor_secret, users_secret
from harness.shop import Shop
from harness.until import until

SYNC_SECONDS = 60  # a kubelet brings a changed Secret into its Pods within its sync period
CLIENTS = 8


@pytest.fixture
def standby(cluster: Cluster) -> Iterator[Database]:
    """A PostgreSQL of its own that replays and refuses writes."""
    server = Database(cluster.host)
    server.server.stop()
    (server.server.folder / "data" / "standby.signal").touch()
    server.server.start()
    yield server
    server.close()


def says(shop: Shop, kind: str, reason: str, seconds: float = 60, name: str = "orders") -> str:
    """Waits until the condition has this reason; its message."""
    until(f"{kind} says {reason}", lambda: shop.reason(kind, name) == reason, seconds,
          lambda: shop.status(name).get("conditions"))
    return shop.condition(kind, name)["message"]


def test_missing_secret_is_waited_for(shop: Shop) -> None:
    shop.kubectl("delete", "secret", USERS)
    shop.pool(wait=False)
    message = says(shop, "Reconciling", "WaitingForSecret")
    assert USERS in message
    shop.kubectl.apply(users_secret(**{shop.database.user: shop.database.password}))
    shop.ready(seconds=SYNC_SECONDS + 60)
    shop.login().query()


def test_malformed_users_leave_the_old_ones_in_force(shop: Shop) -> None:
    shop.pool()
    shop.kubectl.patch("secret", USERS, {"stringData": {"userlist.txt": "this is no list of users\n"}})
    message = says(shop, "GrantsCurrent", "ConfigRejected", SYNC_SECONDS + 30)
    assert "userlist" in message
    shop.login().query()
    shop.kubectl.apply(users_secret(**{shop.database.user: shop.database.password}))
    until("the fault is over", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", SYNC_SECONDS + 30)


def test_unreachable_database(shop: Shop) -> None:
    shop.pool(wait=False, database={"port": 1})
    message = says(shop, "DatabaseReachable", "ConnectFailed")
    assert "check spec.database.host and port" in message
    assert shop.condition("Ready")["status"] == "False"


def test_wrong_password_of_the_monitor(shop: Shop) -> None:
    shop.kubectl.apply(monitor_secret(MONITOR_USER, "wrong"))
    shop.pool(wait=False)
    message = says(shop, "DatabaseReachable", "AuthenticationFailed")
    assert f"Secret {MONITOR}" in message
    shop.kubectl.apply(monitor_secret(MONITOR_USER, shop.database.monitor_password))
    shop.ready(seconds=SYNC_SECONDS + 60)


def test_database_that_turns_out_to_be_a_standby(shop: Shop, standby: Database) -> None:
    shop.pool(wait=False, database={"port": standby.port})
    assert "refuses writes" in says(shop, "DatabaseReachable", "ConnectedToStandby")
    shop.ready()
    assert shop.login().query("select pg_is_in_recovery()") is True


def test_service_name_already_in_use(shop: Shop) -> None:
    shop.kubectl("create", "service", "clusterip", "orders", "--tcp=80")
    before = shop.kubectl.get("service", "orders")
    shop.pool("reports")
    shop.pool("orders", wait=False)
    message = says(shop, "Stalled", "OwnershipConflict")
    assert "orders" in message
    assert shop.kubectl.get("service", "orders")["spec"] == before["spec"]
    shop.login("reports").query()
    shop.kubectl("delete", "service", "orders")
    shop.ready("orders", 90)
    shop.login("orders").query()


def test_rotated_password_reaches_clients_and_servers(shop: Shop) -> None:
    database = shop.database
    shop.pool()
    database.execute("create role rotating login password 'first'")
    try:
        shop.kubectl.apply(users_secret(**{database.user: database.password, "rotating": "first"}))
        until("the first password works", lambda: shop.login(user="rotating", password="first").query(), SYNC_SECONDS + 30)
        pods = shop.pod_uids()
        with RetryingClients(shop.login(), CLIENTS) as tally:
            database.execute("alter role rotating password 'second'")
            shop.kubectl.apply(users_secret(**{database.user: database.password, "rotating": "second"}))
            until("the second password works", lambda: shop.login(user="rotating", password="second").query(), SYNC_SECONDS + 30)
        assert tally.failed == []
        assert tally.reconnects == 0
        assert shop.pod_uids() == pods
    finally:
        shop.kubectl("delete", "cpool", "--all")
        until("its sessions are gone", lambda: database.proxies_have() == 0, 60)
        database.execute("drop role rotating")


def test_database_restarted(shop: Shop) -> None:
    shop.pool()
    pods = shop.pod_uids()
    with shop.database.watched() as seen:
        shop.login().query()
        shop.database.server.stop()
        says(shop, "DatabaseReachable", "ConnectFailed")
        shop.database.server.start()
        shop.ready()
        shop.first_query(30)
    assert seen.breaches == []
    assert shop.pod_uids() == pods


def test_proxy_killed_under_load(shop: Shop) -> None:
    shop.pool()
    with shop.database.watched() as seen, RetryingClients(shop.login(), CLIENTS) as tally:
        until("load has come", lambda: tally.done > 200, 30)
        victim = shop.pods()[0]["metadata"]["name"]
        shop.kubectl("delete", "pod", victim, "--wait=false")
        until("its place is taken", lambda: victim not in [pod["metadata"]["name"] for pod in shop.pods()]
              and shop.status().get("readyReplicas") == 2, 60, shop.status)
        until("it is gone", lambda: not shop.kubectl.exists("pod", victim), 90)
        done = tally.done
        until("load goes on", lambda: tally.done > done + 200, 30)
    assert tally.failed == []
    assert seen.breaches == []


def test_node_drained_under_load(shop: Shop, cluster: Cluster) -> None:
    workers = [node["metadata"]["name"] for node in shop.kubectl.list("nodes")]
    if len(workers) < 2 or not cluster.own:
        pytest.skip("drains a node, for which the project's own cluster of two is needed")
    shop.pool()
    node = workers[-1]
    with shop.database.watched() as seen, RetryingClients(shop.login(), CLIENTS) as tally:
        until("load has come", lambda: tally.done > 200, 30)
        try:
            shop.cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s", seconds=150)
            until("all proxies are elsewhere", lambda: shop.status().get("readyReplicas") == 2 and all(
                pod["spec"]["nodeName"] != node for pod in shop.pods()), 60, shop.status)
        finally:
            shop.cluster.kubectl("uncordon", node)
    assert tally.failed == []
    assert tally.done > 0
    assert seen.breaches == []


def test_pools_of_one_database_in_namespaces_with_different_rights(shop: Shop, second_shop: Shop) -> None:
    shop.pool("orders")
    second_shop.pool("reports")
    account = f"--as=system:serviceaccount:{second_shop.namespace}:default"
    elsewhere = shop.kubectl
    assert elsewhere("auth", "can-i", "list", "connectionpools", "--all-namespaces").strip() == "yes"
    with pytest.raises(Exception, match="no"):
        elsewhere("auth", "can-i", "get", "connectionpools", account)
    assert shop.status("orders")["database"]["systemIdentifier"] == second_shop.status("reports")["database"]["systemIdentifier"]
