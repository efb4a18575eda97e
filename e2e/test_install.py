"""Installs other than `kubectl apply -k manifests`, and what an install makes for itself."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from harness.cluster import ROOT, Cluster
from harness.database import Database
from harness.kubectl import Kubectl, Refused
from harness.load import RetryingClients
from harness.operator import NAME, NAMESPACE, Operator
from harness.shop import Shop
from harness.until import always, until

ACCOUNT = f"--as=system:serviceaccount:{NAMESPACE}:{NAME}"
KEYS = "penstock-operator-keys"
LOOK_SECONDS = 60  # the operator looks at its keys
SYNC_SECONDS = 90  # a kubelet brings a changed ConfigMap into its Pods


def overlay_for(namespace: str, folder: Path) -> Path:
    """manifests/overlays/namespaced for one namespace, changed as its own comment says."""
    for name in ("manifests", "crds"):
        shutil.copytree(ROOT / name, folder / name)
    overlay = folder / "manifests" / "overlays" / "namespaced"
    mine = overlay / "namespaces" / namespace
    shutil.copytree(overlay / "namespaces" / "default", mine)
    for file, before, after in (
        (mine, "namespace: default", f"namespace: {namespace}"),
        (overlay, "namespaces/default\n", f"namespaces/{namespace}\n"),
        (overlay, "--namespaces=default", f"--namespaces={namespace}"),
    ):
        path = file / "kustomization.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
    return overlay


@pytest.fixture
def namespaced(operator: Operator, cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """namespaced(NAME) puts the install for one namespace in place of the cluster-wide one, and its rights."""

    def install(namespace: str) -> None:
        cluster.kubectl("delete", "-k", str(ROOT / "manifests" / "rbac" / "cluster"))
        cluster.kubectl("apply", "-k", str(overlay_for(namespace, tmp_path)))
        operator.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=150)
        until("the operator has a leader", operator.leader, 60)

    yield install
    operator.install()


def allowed(kubectl: Kubectl, verb: str, kind: str, *scope: str) -> bool:
    """Whether the operator's account may do that."""
    try:
        return kubectl("auth", "can-i", verb, kind, ACCOUNT, *scope).strip() == "yes"
    except Refused:
        return False


def test_install_for_one_namespace_needs_no_right_elsewhere(
    shop: Shop, second_shop: Shop, namespaced: Callable[[str], None]
) -> None:
    namespaced(shop.namespace)
    for kind in ("connectionpools", "deployments", "pods", "configmaps"):
        assert allowed(shop.kubectl, "list", kind)
        assert not allowed(second_shop.kubectl, "list", kind)
        assert not allowed(shop.kubectl, "list", kind, "--all-namespaces")
    second_shop.pool(wait=False)
    shop.pool()
    assert shop.login().query() == 1
    assert shop.reason("GrantsCurrent") == "AllAcknowledged"
    # The other one is nobody's business: whoever owns that namespace may run an operator of their own.
    always("the other namespace is left alone", lambda: "conditions" not in second_shop.status(), 3)


def certificate(kubectl: Kubectl, entry: str) -> bytes:
    """An entry of the operator's keys; empty if there is none."""
    return base64.b64decode(kubectl.get("secret", KEYS)["data"].get(entry, ""))


def authority(folder: Path, begins: datetime) -> tuple[bytes, bytes]:
    """A certificate and its key for an authority of the operator that was made at that time. The key is the same at
    each call with one folder."""
    key = folder / "ca.key"
    if not key.exists():
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(folder / "ec.key"))
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", str(folder / "ec.key"), "-out", str(key))
        (folder / "index.txt").touch()
        (folder / "ca.conf").write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndir={folder}\nnew_certs_dir={folder}\ndatabase={folder}/index.txt\n"
            f"rand_serial=yes\nunique_subject=no\ndefault_md=sha256\npolicy=any\nx509_extensions=v3\n"
            "[any]\ncommonName=supplied\n[v3]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
            "subjectKeyIdentifier=hash\n",
            encoding="ascii",
        )
        openssl("req", "-new", "-key", str(key), "-subj", "/CN=penstock-operator-ca", "-out", str(folder / "ca.csr"))
    made = folder / f"{begins:%Y%m%d}.crt"
    openssl(
        "ca", "-batch", "-notext", "-selfsign", "-config", str(folder / "ca.conf"), "-keyfile", str(key),
        "-in", str(folder / "ca.csr"), "-out", str(made), "-startdate", f"{begins:%Y%m%d%H%M%SZ}",
        "-enddate", f"{begins + timedelta(days=365):%Y%m%d%H%M%SZ}",
    )
    return made.read_bytes(), key.read_bytes()


def openssl(*arguments: str) -> None:
    """Raises with what it says."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def put_next(operator: Operator, pair: tuple[bytes, bytes]) -> None:
    """As if the operator had made its next authority then."""
    data = {name: base64.b64encode(text).decode() for name, text in zip(("next.crt", "next.key"), pair)}
    operator.kubectl.patch("secret", KEYS, {"data": data})


@pytest.mark.skipif(os.environ.get("E2E_LONG") != "1", reason="waits for kubelets, five minutes; E2E_LONG=1 runs it")
def test_keys_move_on_unnoticed(shop: Shop, operator: Operator, database: Database, tmp_path: Path) -> None:
    """The year and the day that it takes are skipped by dates in certificates of one key."""
    shop.pool()
    pods = shop.pod_uids()
    before = certificate(operator.kubectl, "ca.crt")
    now = datetime.now(timezone.utc)
    with shop.database.watched() as seen, RetryingClients(shop.login(), 8) as tally:
        put_next(operator, authority(tmp_path, now))
        trusted = lambda: shop.kubectl.get("configmap", "orders-proxy")["data"]  # noqa: E731 - read where it is used
        until("proxies are told of the next authority",
              lambda: sum(text.count("BEGIN CERTIFICATE") for text in trusted().values()) == 2, LOOK_SECONDS + 30, trusted)
        always("the grants stay current", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", SYNC_SECONDS)
        put_next(operator, authority(tmp_path, now - timedelta(days=2)))
        until("the next authority signs", lambda: certificate(operator.kubectl, "previous.crt") == before, LOOK_SECONDS + 30)
        always("the grants stay current", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", 20)
        # A change goes through, signed by the new one.
        shop.kubectl.patch("cpool", "orders", {"spec": {"budget": {"weight": 150}}})
        until("it acts", lambda: shop.status()["observedGeneration"] == shop.get()["metadata"]["generation"], 30)
    assert tally.failed == []
    assert seen.breaches == []
    assert shop.pod_uids() == pods


@pytest.mark.skipif(os.environ.get("E2E_LONG") != "1", reason="waits for kubelets, three minutes; E2E_LONG=1 runs it")
def test_keys_that_were_deleted_are_made_anew(shop: Shop, operator: Operator) -> None:
    shop.pool()
    pods = shop.pod_uids()
    before = certificate(operator.kubectl, "ca.crt")
    with RetryingClients(shop.login(), 8) as tally:
        operator.kubectl("delete", "secret", KEYS)
        until("there are others", lambda: certificate(operator.kubectl, "ca.crt") != before, LOOK_SECONDS + 30)
        until("proxies trust them", lambda: shop.reason("GrantsCurrent") == "AllAcknowledged", SYNC_SECONDS + 60,
              lambda: shop.condition("GrantsCurrent"))
    assert tally.failed == []
    assert shop.pod_uids() == pods


def readme_blocks(title: str) -> list[str]:
    """The indented blocks of a section of the README, as a reader copies them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    blocks: list[str] = []
    lines: list[str] = []
    for line in [*section.splitlines(), "end"]:
        if line.startswith("    ") or (lines and not line):
            lines.append(line[4:])
        elif lines:
            blocks.append("\n".join(lines).strip())
            lines = []
    return blocks


@pytest.fixture
def own_database(cluster: Cluster) -> Iterator[Database]:
    """A PostgreSQL that nobody else uses; its database has the name that the README speaks of."""
    server = Database(cluster.host)
    assert server.name == "app"
    yield server
    server.close()


def test_quick_start_of_the_readme(
    operator: Operator, cluster: Cluster, own_database: Database, tmp_path: Path
) -> None:
    """Word by word, but for the image of psql, which no cluster without a registry has."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\nexec {' '.join(cluster.kubectl.argv())} \"$@\"\n", encoding="utf-8")
    kubectl.chmod(0o755)
    environment = {**cluster.kubectl.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def type_in(block: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", block], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=150
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    build, install, roles, pool, psql, look = readme_blocks("On Kubernetes")
    assert build.startswith("docker build") and "psql -h orders -p 6432 -U orders_app app" in psql
    own_database.execute(f"drop role penstock_monitor; {roles}")
    type_in(install)
    first, rest = pool.split("\n", 1)
    type_in(first)
    try:
        shop = cluster.kubectl.within("shop")
        # The database's name in the README is a Service of the cluster.
        port = {"name": "postgres", "port": 5432, "targetPort": own_database.port, "protocol": "TCP"}
        shop.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "postgres"}, "spec": {"ports": [port]}},
            {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "postgres", "labels": {"kubernetes.io/service-name": "postgres"}},
                "ports": [{"name": "postgres", "port": own_database.port, "protocol": "TCP"}],
                "endpoints": [{"addresses": [own_database.host]}],
            },
        )
        type_in(rest)
        place = Shop(cluster, shop, own_database, has_secrets=True)
        login = replace(place.login(user="orders_app", password="orders-example"), database="app")
        until("a client logs in", lambda: login.query("select current_user"), 30)
        said = type_in(look)
        for words in ("orders", "Ready", "AllAcknowledged", "Limited By"):
            assert words in said
        place.close()
    finally:
        cluster.kubectl("delete", "namespace", "shop", "--wait=false")
