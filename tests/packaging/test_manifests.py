"""What `kubectl apply -k` would send, for each way to install."""
import pathlib
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
INSTALLS = ["manifests", "manifests/overlays/namespaced"]
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def rendered(folder):
    said = subprocess.run(["kubectl", "kustomize", ROOT / folder], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    return list(yaml.safe_load_all(said.stdout))


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def operator_of(documents):
    (deployment,) = of_kind(documents, "Deployment")
    return deployment["spec"]["template"]["spec"]


def secret_rules(documents):
    """(kind, namespace) of each role with a right on Secrets."""
    roles = of_kind(documents, "Role") + of_kind(documents, "ClusterRole")
    return {
        (role["kind"], role["metadata"].get("namespace"))
        for role in roles
        for rule in role["rules"]
        if "secrets" in rule["resources"]
    }


@needs_kubectl
@pytest.mark.parametrize("folder", INSTALLS)
def test_install_is_whole_and_modest(folder):
    documents = rendered(folder)
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    for wanted in [
        ("CustomResourceDefinition", "connectionpools.penstock.dev"),
        ("CustomResourceDefinition", "backpressures.penstock.dev"),
        ("Namespace", "penstock-system"),
        ("Service", "penstock-operator-metrics"),
        ("PodDisruptionBudget", "penstock-operator"),
        ("NetworkPolicy", "penstock-operator"),
    ]:
        assert wanted in names
    assert secret_rules(documents) == {("Role", "penstock-system")}
    for role in of_kind(documents, "Role") + of_kind(documents, "ClusterRole"):
        assert "*" not in str(role["rules"])


@needs_kubectl
@pytest.mark.parametrize("folder", INSTALLS)
def test_operator_passes_pod_security_restricted(folder):
    pod = operator_of(rendered(folder))
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@needs_kubectl
def test_namespaced_install_has_no_right_on_the_cluster():
    documents = rendered("manifests/overlays/namespaced")
    assert not of_kind(documents, "ClusterRoleBinding")
    for role in of_kind(documents, "ClusterRole"):
        assert any("aggregate-to" in label for label in role["metadata"]["labels"]), role["metadata"]["name"]
    watched = [role for role in of_kind(documents, "RoleBinding") if role["metadata"]["namespace"] == "default"]
    assert [subject["namespace"] for role in watched for subject in role["subjects"]] == ["penstock-system"]
    (container,) = operator_of(documents)["containers"]
    assert "--namespaces=default" in container["args"]


@needs_kubectl
def test_monitors_stand_beside_an_install():
    monitors = rendered("manifests/overlays/servicemonitor")
    assert {document["kind"] for document in monitors} == {"ServiceMonitor", "PodMonitor"}
    (service,) = of_kind(rendered("manifests"), "Service")
    (monitor,) = of_kind(monitors, "ServiceMonitor")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]


@needs_kubectl
def test_another_image_reaches_the_proxies(tmp_path):
    copy = tmp_path / "tree"
    for folder in ["manifests", "crds"]:
        shutil.copytree(ROOT / folder, copy / folder)
    file = copy / "manifests/kustomization.yaml"
    file.write_text(file.read_text().replace("newName: penstock", "newName: registry.example/team/penstock"))
    (container,) = operator_of(rendered(copy / "manifests"))["containers"]
    image = {entry["name"]: entry.get("value") for entry in container["env"]}["PENSTOCK_PROXY_IMAGE"]
    assert image == container["image"] == "registry.example/team/penstock:0.1.0"
