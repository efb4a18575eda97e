"""Many pools in one operator: memory, requests in the steady state, a restart."""

from __future__ import annotations

import os
import re
import time

import pytest
from harness import manifests
from harness.cluster import Cluster, process_memory
from harness.kubectl import Kubectl, condition
from harness.operator import Operator
from harness.until import until

POOLS, POLICIES = 200, 50
STEADY_SECONDS = float(os.environ.get("E2E_STEADY_SECONDS", "300"))
RESTART_SECONDS = 30
MEMORY_MIB = 100


def metrics(operator: Operator) -> str:
    """What the leader says of itself."""
    path = f"/api/v1/namespaces/penstock-system/pods/{operator.leader()}:8080/proxy/metrics"
    return operator.kubectl("get", "--raw", path)


def writes(page: str) -> int:
    """Requests of the operator that change something, Lease renewals aside (they have a transport of their own)."""
    found = re.findall(r'rest_client_requests_total\{code="[^"]*",method="(\w+)"[^}]*\} (\d+)', page)
    return sum(int(count) for method, count in found if method != "GET")


def told(kubectl: Kubectl, epoch: int) -> bool:
    """Every pool's status is of this leader or a later one, and every policy's of its generation."""
    pools = kubectl.list("cpool")
    policies = kubectl.list("bpres")
    return (
        len(pools) == POOLS and len(policies) == POLICIES
        and all(pool.get("status", {}).get("epoch", 0) >= epoch for pool in pools)
        and all(condition(policy, "Ready") for policy in policies)
    )


pytestmark = pytest.mark.skipif(
    os.environ.get("E2E_LONG") != "1", reason="takes ten minutes; E2E_LONG=1 runs it"
)


@pytest.fixture
def many(operator: Operator, cluster: Cluster, here: Kubectl):
    """Pools and policies; no node takes their Pods, or any other."""
    nodes = [node["metadata"]["name"] for node in cluster.kubectl.list("nodes")]
    for node in nodes:
        cluster.kubectl("cordon", node)
    documents = []
    for number in range(POOLS):
        pool = manifests.pool(f"pool-{number:03}", host=f"db{number % 20}.example")
        pool["metadata"]["labels"] = {"group": str(number % POLICIES)}
        documents.append(pool)
    for number in range(POLICIES):
        policy = manifests.backpressure(f"policy-{number:02}", "x")
        del policy["spec"]["targetRefs"]
        policy["spec"]["selector"] = {"matchLabels": {"group": str(number)}}
        documents.append(policy)
    here.apply(*documents)
    yield here
    here("delete", "cpool,bpres", "--all", "--wait=false")
    until("their Deployments are gone", lambda: not here.list("deployments"), 120)
    for node in nodes:
        cluster.kubectl("uncordon", node)


def test_two_hundred_pools(many: Kubectl, operator: Operator) -> None:
    def epoch() -> int:
        return int(float(re.search(r"^penstock_epoch (\S+)", metrics(operator), re.MULTILINE)[1]))

    began = time.monotonic()
    first = epoch()
    until("every pool has its Deployment", lambda: len(many.list("deployments")) == POOLS, 240)
    until("every status is told", lambda: told(many, first), 120)
    print(f"{POOLS} pools and {POLICIES} policies made in {time.monotonic() - began:.0f} s")

    # Pods that cannot be placed go on changing for a while.
    before = until("nothing is written any more", lambda: settled(operator), 120)
    time.sleep(STEADY_SECONDS)
    after = writes(metrics(operator))
    print(f"{after - before} writes in {STEADY_SECONDS:.0f} s")
    assert after == before, "the steady state writes"

    memory = process_memory(operator.kubectl.get("pod", operator.leader()))
    print(f"memory {memory / 2**20:.0f} MiB")
    assert memory < MEMORY_MIB * 2**20

    # No node takes another Pod: the replica that waited begins from nothing.
    leader = operator.leader()
    began = time.monotonic()
    operator.kubectl("delete", "pod", leader, "--wait=false")
    until("the other replica leads", lambda: operator.leader() not in ("", leader), 60)
    second = until("it has read everything", epoch, 60)
    until("every status is told", lambda: told(many, second), RESTART_SECONDS)
    print(f"all reconciled {time.monotonic() - began:.1f} s after the leader was told to end")


def settled(operator: Operator) -> int:
    """The writes so far, if none came within five seconds; else 0."""
    before = writes(metrics(operator))
    time.sleep(5)
    after = writes(metrics(operator))
    return after if after == before else 0
