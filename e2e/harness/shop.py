"""A namespace with pools in it, as a team that uses Penstock has."""

from __future__ import annotations

import time
from typing import Any

from .cluster import Cluster, kill_processes
from .database import MONITOR_USER, Database
from .kubectl import Document, Kubectl, condition
from .load import Login
from .manifests import backpressure, monitor_secret, pool, users_secret
from .until import until

READY_SECONDS = 60
PROXIES = "app.kubernetes.io/name=penstock-proxy"
POOL_LABEL = "penstock.dev/pool"


class Shop:
    """Its Secrets are there from the start, made here unless it has them; `pool()` applies a pool on the database."""

    def __init__(self, cluster: Cluster, kubectl: Kubectl, database: Database, has_secrets: bool = False) -> None:
        self.cluster, self.kubectl, self.database = cluster, kubectl, database
        assert kubectl.namespace
        self.namespace = kubectl.namespace
        if has_secrets:
            return
        kubectl.apply(
            monitor_secret(MONITOR_USER, database.monitor_password), users_secret(**{database.user: database.password})
        )

    def manifest(self, name: str = "orders", **spec: Any) -> Document:
        """A pool on the shared database that drains quickly."""
        wanted = {"drain": {"timeoutSeconds": 10}, **spec}
        wanted["database"] = {"monitorDatabase": self.database.name, **spec.get("database", {})}
        return pool(name, self.database.host, self.database.port, **wanted)

    def pool(self, name: str = "orders", wait: bool = True, **spec: Any) -> None:
        """Applies a pool and, if asked, waits until it is Ready."""
        self.kubectl.apply(self.manifest(name, **spec))
        if wait:
            self.ready(name)

    def policy(self, name: str, target: str, **spec: Any) -> None:
        """Applies a Backpressure policy."""
        self.kubectl.apply(backpressure(name, target, **spec))

    def ready(self, name: str = "orders", seconds: float = READY_SECONDS) -> None:
        """Waits until the pool is Ready for its newest generation."""
        until(f"pool {name} is Ready", lambda: self._ready_now(name), seconds, lambda: self.status(name).get("conditions"))

    def _ready_now(self, name: str) -> bool:
        resource = self.get(name)
        ready = condition(resource, "Ready")
        return ready.get("status") == "True" and ready.get("observedGeneration") == resource["metadata"]["generation"]

    def get(self, name: str = "orders") -> Document:
        """The ConnectionPool."""
        return self.kubectl.get("connectionpool", name)

    def status(self, name: str = "orders") -> Document:
        """Its status."""
        return self.get(name).get("status", {})

    def condition(self, kind: str, name: str = "orders") -> Document:
        """One of its conditions; {} if it has none of this type."""
        return condition(self.get(name), kind)

    def reason(self, kind: str, name: str = "orders") -> str:
        """That condition's reason."""
        return self.condition(kind, name).get("reason", "")

    def pods(self, name: str = "orders") -> list[Document]:
        """The pool's Pods that are not on their way out."""
        selector = f"{PROXIES},{POOL_LABEL}={name}"
        return [pod for pod in self.kubectl.list("pods", selector) if "deletionTimestamp" not in pod["metadata"]]

    def pod_uids(self, name: str = "orders") -> set[str]:
        """Their UIDs with the restarts of their containers: equal means that nothing was replaced or restarted."""
        return {
            f"{pod['metadata']['uid']}/{sum(c['restartCount'] for c in pod['status'].get('containerStatuses', []))}"
            for pod in self.pods(name)
        }

    def kill(self, pod: Document) -> None:
        """A Pod gone without a farewell: by kill -9 where that can be had."""
        self.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force", "--wait=false")
        if self.cluster.own:
            kill_processes(pod)

    def login(self, name: str = "orders", user: str = "", password: str = "") -> Login:
        """How a client reaches the pool through its Service."""
        spec = self.kubectl.get("service", name)["spec"]
        host, port = spec["clusterIP"], spec["ports"][0]["port"]
        if not self.cluster.own:
            host, port = self._from_outside(name, spec)
        database = self.database
        return Login(host, port, database.name, user or database.user, password or database.password)

    def _from_outside(self, name: str, spec: Document) -> tuple[str, int]:
        """An address by which this machine reaches the same Pods: a NodePort of a Service beside the pool's."""
        outside = f"{name}-outside"
        port = {key: spec["ports"][0][key] for key in ("port", "targetPort")}
        self.kubectl.apply({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": outside},
            "spec": {"type": "NodePort", "selector": spec["selector"], "ports": [port]},
        })
        return self.cluster.node_address(), self.kubectl.get("service", outside)["spec"]["ports"][0]["nodePort"]

    def first_query(self, seconds: float, name: str = "orders") -> float:
        """Queries through the Service until one succeeds; the seconds that took."""
        began = time.monotonic()
        until("a query through the Service", lambda: self.login(name).query(), seconds)
        return time.monotonic() - began

    def timeline(self, name: str = "orders") -> list[str]:
        """When its objects were made and its Pods came on, for whoever asks why it took so long."""
        made = [
            f"{when} {kind} made" for kind in ("connectionpool", "deployment", "service", "configmap")
            for when in [self.kubectl.get(kind, f"{name}-proxy" if kind == "configmap" else name)["metadata"]["creationTimestamp"]]
        ]
        for pod in self.pods(name):
            title = pod["metadata"]["name"]
            made.append(f"{pod['metadata']['creationTimestamp']} {title} made")
            made += [f"{c['lastTransitionTime']} {title} {c['type']} {c['status']}" for c in pod["status"].get("conditions", [])]
            made += [f"{c['state']['running']['startedAt']} {title} started" for c in pod["status"].get("containerStatuses", [])
                     if "running" in c["state"]]
        return sorted(made)

    def event_reasons(self, name: str = "orders") -> list[str]:
        """Reasons of the Events about an object."""
        return [event["reason"] for event in self.kubectl.events(name)]

    def close(self) -> None:
        """Deletes all pools and waits until their server connections are gone."""
        self.kubectl("delete", "connectionpools,backpressures", "--all", "--wait=false")
        until("the pools' Pods have gone", lambda: not self.kubectl.list("pods", PROXIES), 90)
