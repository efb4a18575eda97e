"""The cluster under test: the project's own on this machine, or the one that KUBECONFIG names."""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .kubectl import Document, Kubectl
from .until import until

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "e2e" / "cluster" / "run.sh"
IMAGE = "penstock:0.1.0"


def run(*arguments: str, seconds: float = 1800) -> str:
    """A command of ./dev cluster; raises with what it says."""
    done = subprocess.run(
        ["bash", str(RUN), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"./dev cluster {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def kill_processes(pod: Document) -> int:
    """kill -9 of all that runs in a Pod of the project's own cluster; how many that were."""
    killed = 0
    for pid in processes(pod):
        with contextlib.suppress(OSError):  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def processes(pod: Document) -> list[int]:
    """The pids of all that runs in a Pod of the project's own cluster."""
    found: list[int] = []
    for pattern in ("/sys/fs/cgroup/pids/penstock-e2e*", "/sys/fs/cgroup/penstock-e2e*"):
        for path in glob.glob(f"{pattern}/**/pod{pod['metadata']['uid']}/**/cgroup.procs", recursive=True):
            with contextlib.suppress(OSError):  # it has ended by itself
                found += [int(pid) for pid in Path(path).read_text(encoding="ascii").split()]
    return found


def process_memory(pod: Document) -> int:
    """Resident memory of the largest process in a Pod of the project's own cluster, in bytes."""
    sizes = [0]
    for pid in processes(pod):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmRSS:"):
                    sizes.append(int(line.split()[1]) * 1024)
    return max(sizes)


def obstacle() -> str:
    """Why this machine cannot run the project's own cluster; empty if it can or another one is named."""
    if existing():
        return "" if os.environ.get("KUBECONFIG") else "E2E_EXISTING is set and KUBECONFIG is not"
    return run("obstacle")


def existing() -> bool:
    """Whether the cases are to run on somebody else's cluster."""
    return os.environ.get("E2E_EXISTING") == "1"


@dataclass(frozen=True)
class Cluster:
    """kubectl: as administrator. host: the address at which Pods find this machine. own: made by ./dev cluster."""

    kubectl: Kubectl
    host: str
    image: str
    own: bool

    def daemon(self, node: str, name: str, what: str) -> None:
        """stop, start or a signal for one of the cluster's own programs."""
        assert self.own, "only for the project's own cluster"
        run("daemon", node, name, what)

    def node_address(self) -> str:
        """An address of a node that this machine reaches."""
        if given := os.environ.get("E2E_NODE_ADDRESS"):
            return given
        addresses = self.kubectl.list("nodes")[0]["status"]["addresses"]
        return next(each["address"] for each in addresses if each["type"] == "InternalIP")

    def api_away(self) -> None:
        """Kills the API server."""
        self.daemon("node1", "kube-apiserver", "stop")

    def api_back(self) -> None:
        """Starts it again and waits until it serves."""
        self.daemon("node1", "kube-apiserver", "start")
        until("the API server is back", lambda: self.kubectl("get", "--raw", "/readyz"), 60)


def start() -> Cluster:
    """Sees to it that a cluster is up and has the image."""
    if existing():
        kubectl = Kubectl(["kubectl"], {})
        host = os.environ.get("E2E_HOST_ADDRESS", socket.gethostbyname(socket.gethostname()))
        return Cluster(kubectl, host, os.environ.get("E2E_IMAGE", IMAGE), own=False)
    run("up")
    state = Path(run("kubeconfig"))
    program = (state.parent / "program").read_text(encoding="utf-8").strip()
    return Cluster(Kubectl([program, "kubectl"], {"KUBECONFIG": str(state)}), run("host"), IMAGE, own=True)


def load_image() -> str:
    """Makes the image from this build, hands it to the nodes and returns its identity, which changes with its content.
    On another cluster that is its owner's task."""
    if existing():
        return ""
    run("image")
    return run("load")
