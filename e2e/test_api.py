"""What the API server itself knows of our kinds: no operator is needed for any of this."""

from __future__ import annotations

import json

import pytest
from harness.cluster import Cluster
from harness.kubectl import Document, Kubectl, Refused
from harness.manifests import backpressure, pool
from wrong_manifests import REFUSED


@pytest.mark.parametrize(("field", "document"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_wrong_manifest_is_refused_with_its_field(kinds: Cluster, field: str, document: Document) -> None:
    with pytest.raises(Refused) as refusal:
        kinds.kubectl.apply(document, flags=("--dry-run=server",))
    assert field in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "change"), [("host", {"host": "other.example"}), ("port", {"port": 5433})], ids=["host", "port"]
)
def test_pool_cannot_move_to_another_database(here: Kubectl, field: str, change: Document) -> None:
    here.apply(pool("orders"))
    with pytest.raises(Refused, match=f"spec.database.{field}: .*must not change; create a new resource instead"):
        here.apply(pool("orders", database=change), flags=("--dry-run=server",))


def test_defaults_are_seen_after_creation(here: Kubectl) -> None:
    here.apply(pool("orders"), backpressure("fast", "orders"))
    spec = here.get("connectionpool", "orders")["spec"]
    assert spec["replicas"] == 2
    assert spec["poolMode"] == "Transaction"
    assert spec["database"]["tls"] == {"mode": "Prefer"}
    assert spec["clients"]["authentication"] == "ScramSha256"
    assert spec["clients"]["usersSecretRef"]["key"] == "userlist.txt"
    assert spec["listen"]["port"] == 6432
    assert spec["budget"] == {"maxServerConnectionsPercent": 70, "headroomConnections": 5, "weight": 100}
    assert spec["sizing"]["mode"] == "Auto"
    assert spec["drain"] == {"timeoutSeconds": 120}
    policy = here.get("backpressure", "fast")["spec"]
    assert policy["mode"] == "Enforce"
    assert policy["targetRefs"] == [{"kind": "ConnectionPool", "name": "orders"}]
    assert policy["latency"]["percentile"] == "P99"


def test_nobody_has_seen_a_new_resource(here: Kubectl) -> None:
    made = json.loads(here("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pool("orders"))))
    assert made["status"] == {"observedGeneration": -1}


def test_short_names_and_category(here: Kubectl) -> None:
    here.apply(pool("orders"), backpressure("fast", "orders"))
    assert here("get", "cpool", "-o", "name").split() == ["connectionpool.penstock.dev/orders"]
    assert here("get", "bpres", "-o", "name").split() == ["backpressure.penstock.dev/fast"]
    assert sorted(here("get", "penstock", "-o", "name").split()) == [
        "backpressure.penstock.dev/fast", "connectionpool.penstock.dev/orders",
    ]


def test_scale_subresource(here: Kubectl) -> None:
    here.apply(pool("orders"))
    here("scale", "cpool/orders", "--replicas=5")
    assert here.get("connectionpool", "orders")["spec"]["replicas"] == 5
    with pytest.raises(Refused, match="spec.replicas"):
        here("scale", "cpool/orders", "--replicas=300")


def test_printer_columns(here: Kubectl) -> None:
    here.apply(pool("orders"), backpressure("fast", "orders"))
    pools = here("get", "cpool").splitlines()[0].split()
    assert pools == ["NAME", "READY", "REASON", "REPLICAS", "INUSE", "GRANTED", "CEILING", "MODE", "AGE"]
    wide = here("get", "cpool", "-o", "wide").splitlines()
    assert wide[0].split()[-3:] == ["HOST", "P99WAIT", "LIMITEDBY"]
    assert "db.example" in wide[1]
    policies = here("get", "bpres").splitlines()[0].split()
    assert policies == ["NAME", "READY", "THROTTLING", "TARGET-MS", "TARGETS", "MODE", "AGE"]


def test_status_is_written_only_by_its_subresource(here: Kubectl) -> None:
    here.apply(pool("idle", replicas=0))
    before = here.get("connectionpool", "idle")["metadata"]["generation"]
    here.patch("cpool", "idle", {"status": {"epoch": 4242}})
    assert here.get("connectionpool", "idle")["status"].get("epoch") != 4242
    here.patch("cpool", "idle", {"spec": {"replicas": 3}, "status": {"limitedBy": "Nothing"}}, "--subresource=status")
    after = here.get("connectionpool", "idle")
    assert after["spec"]["replicas"] == 0
    assert after["metadata"]["generation"] == before


def test_explain_tells_what_fields_are_for(here: Kubectl) -> None:
    text = here("explain", "connectionpool.spec.database.monitorSecretRef")
    assert "The proxies read it; the operator does not." in " ".join(text.split())
    assert "<integer>" in here("explain", "cpool.spec.replicas")
    assert "FIELD: targetMilliseconds" in here("explain", "bpres.spec.latency.targetMilliseconds")


def test_pools_are_found_by_their_database(here: Kubectl) -> None:
    here.apply(pool("orders"), pool("reports", host="other.example"))
    found = here("get", "cpool", "--field-selector=spec.database.host=other.example", "-o", "name").split()
    assert found == ["connectionpool.penstock.dev/reports"]


def test_two_owners_of_one_policy_share_its_targets(here: Kubectl) -> None:
    here.apply(backpressure("fast", "orders"), flags=("--server-side", "--field-manager=one"))
    second = {**backpressure("fast", "reports"), "spec": {"targetRefs": [{"name": "reports"}], "latency": {"targetMilliseconds": 200}}}
    here.apply(second, flags=("--server-side", "--field-manager=two"))
    names = [target["name"] for target in here.get("backpressure", "fast")["spec"]["targetRefs"]]
    assert sorted(names) == ["orders", "reports"]
