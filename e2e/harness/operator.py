"""The operator in the cluster: installed, found, killed."""

from __future__ import annotations

from .cluster import ROOT, existing, kill_processes
from .kubectl import Document, Kubectl
from .until import until

NAMESPACE = "penstock-system"
NAME = "penstock-operator"
LABELS = f"app.kubernetes.io/name={NAME}"


class Operator:
    """Its Deployment, Pods and Lease."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._everywhere = kubectl
        self.kubectl = kubectl.within(NAMESPACE)

    def install(self, image: str = "") -> None:
        """kubectl apply -k manifests, and waits until it is available and has a leader. Its Pods are replaced when
        the image has changed under its name."""
        self._everywhere("apply", "-k", str(ROOT / "manifests"))
        if image:
            template = {"metadata": {"annotations": {"penstock.dev/e2e-image": image}}}
            self.kubectl.patch("deployment", NAME, {"spec": {"template": template}})
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=150)
        until("the operator has a leader", self.leader, 60)

    def pods(self) -> list[Document]:
        """Its Pods that are not on their way out."""
        return [pod for pod in self.kubectl.list("pods", LABELS) if "deletionTimestamp" not in pod["metadata"]]

    def lease(self) -> Document:
        """The Lease's spec; {} before there is one."""
        if not self.kubectl.exists("lease", NAME):
            return {}
        return self.kubectl.get("lease", NAME)["spec"]

    def leader(self) -> str:
        """The Pod that leads; empty when no living Pod does."""
        holder = self.lease().get("holderIdentity") or ""
        for pod in self.pods():
            if holder.startswith(pod["metadata"]["name"]):
                return pod["metadata"]["name"]
        return ""

    def kill(self, pod: str) -> None:
        """Kills it for good, by kill -9 where that can be had, so that it does not give its Lease back."""
        document = self.kubectl.get("pod", pod)
        self.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")
        if not existing():
            kill_processes(document)

    def scale(self, replicas: int) -> None:
        """Other replicas; 0 is an operator that is away."""
        self.kubectl("scale", f"deployment/{NAME}", f"--replicas={replicas}")
        until(f"{replicas} operators", lambda: len(self.kubectl.list("pods", LABELS)) == replicas, 60)
        if replicas:
            self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=150)
            until("the operator has a leader", self.leader, 60)
