"""One cluster for the whole run; a namespace for each case, gone after it."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "integration"))  # for support.pg: the PostgreSQL that the cases share

from harness import cluster as clusters
from harness.cluster import Cluster
from harness.database import Database
from harness.kubectl import Kubectl
from harness.operator import Operator
from harness.shop import Shop

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


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> Iterator[Database]:
    """A PostgreSQL on this machine; cases leave nothing behind in it."""
    server = Database(cluster.host)
    yield server
    server.close()


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Operator:
    """The operator, installed as a user does it: kubectl apply -k manifests."""
    installed = Operator(cluster.kubectl)
    installed.install(clusters.load_image())
    return installed


@pytest.fixture
def shop(operator: Operator, cluster: Cluster, database: Database, here: Kubectl) -> Iterator[Shop]:
    """A namespace with the Secrets that a pool needs; its proxies have left the database when the case is over."""
    place = Shop(cluster, here, database)
    yield place
    place.close()


@pytest.fixture
def second_shop(
    operator: Operator, cluster: Cluster, database: Database, namespaces: Callable[[], Kubectl]
) -> Iterator[Shop]:
    """The same in another namespace, on the same database."""
    place = Shop(cluster, namespaces(), database)
    yield place
    place.close()
