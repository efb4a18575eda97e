"""Manifests that the API server refuses, with the field that it must name."""

from __future__ import annotations

from typing import Any

from harness.manifests import Document, backpressure, pool

LONG_NAME = "a" * 51


def of_pool(what: str, field: str, **spec: Any) -> tuple[str, str, Document]:
    """A pool that is right but for this."""
    return f"a pool with {what}", field, pool("wrong", **spec)


def of_policy(what: str, field: str, **spec: Any) -> tuple[str, str, Document]:
    """A policy that is right but for this."""
    return f"a policy with {what}", field, backpressure("wrong", "orders", **spec)


REFUSED = [
    of_pool("no database host", "spec.database.host", database={"host": None}),
    of_pool("an empty host", "spec.database.host", database={"host": ""}),
    of_pool("a URL for a host", "spec.database.host", database={"host": "postgres://db?x=1"}),
    of_pool("port 0", "spec.database.port", database={"port": 0}),
    of_pool("a port above 65535", "spec.database.port", database={"port": 65536}),
    of_pool("a port in quotes", "spec.database.port", database={"port": "5432"}),
    of_pool("no monitor Secret", "spec.database.monitorSecretRef", database={"monitorSecretRef": None}),
    of_pool("a Secret name in capitals", "spec.database.monitorSecretRef.name", database={"monitorSecretRef": {"name": "Monitor"}}),
    of_pool("an unknown TLS mode", "spec.database.tls.mode", database={"tls": {"mode": "Maybe"}}),
    of_pool("verified TLS without a CA", "spec.database.tls.caSecretRef", database={"tls": {"mode": "VerifyFull"}}),
    of_pool("a list for the database", "spec.database", database=[]),
    of_pool("no users", "spec.clients.usersSecretRef", clients={"usersSecretRef": None}),
    of_pool("an unknown authentication", "spec.clients.authentication", clients={"authentication": "Kerberos"}),
    of_pool("a slash in a Secret's key", "spec.clients.usersSecretRef.key", clients={"usersSecretRef": {"key": "../x"}}),
    of_pool("client TLS without a certificate", "spec.clients.tls.secretRef", clients={"tls": {"mode": "Require"}}),
    of_pool("a listening port above 65535", "spec.listen.port", listen={"port": 70000}),
    of_pool("an unknown pool mode", "spec.poolMode", poolMode="Statement"),
    of_pool("negative replicas", "spec.replicas", replicas=-1),
    of_pool("too many replicas", "spec.replicas", replicas=257),
    of_pool("half a replica", "spec.replicas", replicas=1.5),
    of_pool("a budget of nothing", "spec.budget.maxServerConnections", budget={"maxServerConnections": 0}),
    of_pool("a budget above 100 percent", "spec.budget.maxServerConnectionsPercent", budget={"maxServerConnectionsPercent": 101}),
    of_pool("no weight", "spec.budget.weight", budget={"weight": 0}),
    of_pool("a fixed size that is not given", "spec.sizing.serverConnections", sizing={"mode": "Fixed"}),
    of_pool("a fixed size in mode Auto", "spec.sizing.serverConnections", sizing={"serverConnections": 5}),
    of_pool("a minimum above the maximum", "spec.sizing.minServerConnections",
            sizing={"minServerConnections": 9, "maxServerConnections": 3}),
    of_pool("an endless drain", "spec.drain.timeoutSeconds", drain={"timeoutSeconds": 86400}),
    of_pool("a negative timeout", "spec.timeouts.queryWaitSeconds", timeouts={"queryWaitSeconds": -1}),
    of_pool("a field that does not exist", "spec.sizing.maxSize", sizing={"maxSize": 3}),
    ("a pool without a spec", "spec", {key: value for key, value in pool("wrong").items() if key != "spec"}),
    ("a pool whose name is too long for its Services", "metadata.name", pool(LONG_NAME)),
    ("a pool whose name is no Service's", "metadata.name", pool("1orders")),
    of_policy("no latency", "spec.latency", latency=None),
    of_policy("no target latency", "spec.latency.targetMilliseconds", latency={"targetMilliseconds": None}),
    of_policy("a target of nothing", "spec.latency.targetMilliseconds", latency={"targetMilliseconds": 0}),
    of_policy("an unknown percentile", "spec.latency.percentile", latency={"percentile": "P75"}),
    of_policy("no pools", "spec.targetRefs", targetRefs=[]),
    of_policy("pools by name and by label", "spec.targetRefs", selector={"matchLabels": {"team": "shop"}}),
    of_policy("a target of another kind", "spec.targetRefs[0].kind", targetRefs=[{"kind": "Deployment", "name": "x"}]),
    of_policy("the same pool twice", "spec.targetRefs[1]", targetRefs=[{"name": "x"}, {"name": "x"}]),
    of_policy("a minimum above the maximum", "spec.concurrency.minimum", concurrency={"minimum": 9, "maximum": 3}),
    of_policy("a decrease of everything", "spec.adjustment.decreasePercent", adjustment={"decreasePercent": 100}),
    of_policy("an empty selector", "spec.selector.matchLabels", targetRefs=None, selector={"matchLabels": {}}),
]
