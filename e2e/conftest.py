"""One cluster for the whole run; a namespace for each case, gone after it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from harness import cluster as clusters
from harness.cluster import ROOT, Cluster
from harness.kubectl import Kubectl

CRDS = ("connectionpools.penstock.dev", "backpressures.penstock.dev")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where no cluster can be had every case says why it is left out."""
    why = clusters.obstacle()
    if why:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no cluster can run here: {why}"))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A running cluster. It is left up: ./dev cluster down ends it."""
    return clusters.start()


@pytest.fixture(scope="session")
def kinds(cluster: Cluster) -> Cluster:
    """A cluster that knows our kinds."""
    cluster.kubectl("apply", "-f", str(ROOT / "crds" / "connectionpools.yaml"), "-f", str(ROOT / "crds" / "backpressures.yaml"))
    for name in CRDS:
        cluster.kubectl.ready(f"crd/{name}", 30, "Established")
    return cluster


@pytest.fixture
def namespaces(kinds: Cluster) -> Iterator[Callable[[], Kubectl]]:
    """namespaces() makes one with Pod Security `restricted` and returns kubectl within it."""
    made: list[str] = []

    def make() -> Kubectl:
        name = f"e2e-{uuid.uuid4().hex[:8]}"
        kinds.kubectl.apply({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        })
        made.append(name)
        return kinds.kubectl.within(name)

    yield make
    if made:
        kinds.kubectl("delete", "namespace", *made, "--wait=false")


@pytest.fixture
def here(namespaces: Callable[[], Kubectl]) -> Kubectl:
    """kubectl within the case's own namespace."""
    return namespaces()
