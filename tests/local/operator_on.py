"""penstock-operator on a folder of manifests, with a stand-in for the proxy, and what it shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from support import process
from support.proxy import build_folder
from support.wire import PATIENCE

FAKE_PROXY = Path(__file__).resolve().parent / "fake_proxy.py"
FACTS = {"systemIdentifier": "1", "maxConnections": 100, "superuserReservedConnections": 3, "serverVersion": 150002}
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: monitor}\nstringData: {username: m, password: m}\n"


def pool(name: str = "orders", port: int = 16432, **spec: Any) -> str:
    """A ConnectionPool. JSON is YAML."""
    whole = {
        "database": {"host": "127.0.0.1", "monitorSecretRef": {"name": "monitor"}},
        "clients": {"authentication": "Trust"}, "listen": {"port": port}, **spec,
    }
    return json.dumps(
        {"apiVersion": "penstock.dev/v1alpha1", "kind": "ConnectionPool", "metadata": {"name": name}, "spec": whole},
        indent=1,
    )


def program() -> str:
    """The binary under test."""
    return str(build_folder() / "operator" / "penstock-operator")


class OperatorOn:
    """The operator as a child process; `manifests` is its folder."""

    def __init__(self, manifests: Path, log_file: Path) -> None:
        self.manifests = manifests
        self.log_file = log_file
        self.environment = {"FAKE_FACTS": json.dumps(FACTS)}
        self.child: subprocess.Popen[bytes] | None = None
        manifests.mkdir()

    def write(self, name: str, text: str) -> None:
        """A manifest, in one step as editors do."""
        partial = self.manifests / f".{name}.partial"
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.manifests / name)

    def start(self, *words: str, proxy: str = str(FAKE_PROXY)) -> None:
        """Starts the operator; --dir is this folder."""
        self.child = process.start(
            [program(), "local", str(self.manifests), "--proxy", proxy, "--interval", "100", *words],
            self.log_file, env={**os.environ, **self.environment},
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the commands that look."""
        return subprocess.run(
            [program(), *words, "--dir", str(self.manifests)], capture_output=True, text=True, check=False,
            timeout=2 * PATIENCE,
        )

    def wait(self, what: str, condition: str = "condition=Ready") -> None:
        """`wait` until it is so."""
        done = self.run("wait", what, f"--for={condition}", "--timeout=20s")
        assert done.returncode == 0, done.stderr + self.log()

    def shown(self, name: str = "orders") -> dict[str, Any]:
        """The whole resource, or nothing."""
        done = self.run("get", "cpool", name, "-o", "json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def condition(self, kind: str, name: str = "orders") -> dict[str, Any]:
        """One condition of a pool, or nothing."""
        conditions = self.shown(name).get("status", {}).get("conditions", [])
        return next((dict(c) for c in conditions if c["type"] == kind), {})

    def records(self) -> list[dict[str, Any]]:
        """What the operator keeps of its proxies."""
        found = []
        for file in (self.manifests / ".penstock" / "proxies").glob("*/record.json"):
            try:
                found.append(json.loads(file.read_text(encoding="utf-8")))
            except FileNotFoundError:  # forgotten meanwhile
                continue
        return found

    def proxies(self) -> set[int]:
        """The pids of the proxies that run."""
        return {r["pid"] for r in self.records() if is_running(r["pid"])}

    def log(self) -> str:
        """All that the operator has written."""
        return self.log_file.read_text(errors="replace")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ends the operator and returns its exit code."""
        assert self.child is not None
        return process.stop(self.child, sign, 2 * PATIENCE)

    def close(self) -> None:
        """Ends all that may still run."""
        if self.child is not None and self.child.poll() is None:
            self.stop(signal.SIGKILL)
        for pid in self.proxies():
            os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended; somebody may still have to wait for it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return pid > 0 and stat[stat.rindex(")") + 2] not in "ZX"
