"""penstock-operator in local mode, on a copy of the sample manifests in front of a given server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from . import process
from .pg import DATABASE, Postgres
from .proxy import SOURCE, build_folder
from .wire import PATIENCE

SAMPLES = SOURCE / "manifests" / "samples"
Document = dict[str, Any]
# Of the sample Secrets: role, password, and what it may.
ROLES = {
    "penstock_monitor": ("monitor-example", "in role pg_monitor"),
    "orders_app": ("orders-example", ""),
    "reports_app": ("reports-example", ""),
}


def make_roles(postgres: Postgres) -> None:
    """The roles that the sample Secrets name."""
    with postgres.admin() as client:
        for role, (password, more) in ROLES.items():
            client.run(f"create role {role} login password '{password}' {more}")


class LocalMode:
    """The operator as a child process. Its folder of manifests is `folder`/manifests."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.manifests = folder / "manifests"
        self.log_file = folder / "operator.log"
        self.ports: dict[str, int] = {}
        self._postgres = postgres
        self._child: subprocess.Popen[bytes] | None = None
        shutil.copytree(SAMPLES, self.manifests)
        for path in self.manifests.glob("*.yaml"):
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
            for document in documents:
                if document["kind"] == "ConnectionPool":
                    self._point_at_server(document)
            self._write(path, documents)

    @property
    def pid(self) -> int:
        """The operator's process."""
        assert self._child is not None
        return self._child.pid

    def start(self, ready_seconds: float = PATIENCE) -> None:
        """Starts the operator and waits until every pool is Ready; with 0 seconds it does not wait.

        Call it in the main thread: a child ends with the thread that made it.
        """
        program = str(build_folder() / "operator" / "penstock-operator")
        self._child = process.start([program, "local", str(self.manifests)], self.log_file)
        for pool in self.ports if ready_seconds else ():
            process.wait_for(f"{pool} is Ready", lambda name=pool: self.is_ready(name), ready_seconds)

    def run(self, *words: str) -> str:
        """The output of one of the operator's other commands."""
        program = str(build_folder() / "operator" / "penstock-operator")
        done = subprocess.run(
            [program, *words, "--dir", str(self.manifests)], capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def status(self, pool: str) -> Document:
        """The status of a pool; empty while there is none."""
        try:
            found: Document = json.loads(self.run("get", "cpool", pool, "-o", "json"))
        except json.JSONDecodeError:
            return {}
        return dict(found.get("status") or {})

    def condition(self, pool: str, kind: str) -> str:
        """"True", "False", "Unknown", or "" where there is none."""
        conditions = self.status(pool).get("conditions", [])
        return next((str(c["status"]) for c in conditions if c["type"] == kind), "")

    def is_ready(self, pool: str) -> bool:
        """Whether the pool says that it is Ready."""
        assert self._child is not None
        if self._child.poll() is not None:
            raise RuntimeError(f"the operator ended with {self._child.returncode}:\n{self.log()}")
        return self.condition(pool, "Ready") == "True"

    def change(self, file: str, edit: Callable[[Document], None]) -> None:
        """Edits the first document of a manifest, in one step as editors do."""
        path = self.manifests / file
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        edit(documents[0])
        self._write(path, documents)

    def log(self) -> str:
        """All that the operator has written."""
        return self.log_file.read_text(errors="replace")

    def stop(self, sign: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Ends the operator; with SIGTERM its proxies end too."""
        if self._child is None:
            return 0
        code = process.stop(self._child, sign, seconds)
        self._child = None
        return code

    def close(self) -> None:
        """Ends the operator, and what a test that failed half-way left of its proxies."""
        try:
            self.stop()
        finally:
            for pid in self.proxies():
                os.kill(pid, signal.SIGKILL)

    def proxies(self) -> list[int]:
        """The processes that run on this folder's configurations."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has ended meanwhile
                continue
            if "--config" in words and any(word.startswith(str(self.manifests) + "/") for word in words):
                found.append(int(entry.parent.name))
        return found

    def _point_at_server(self, document: Document) -> None:
        port = process.free_port()
        document["spec"]["database"] |= {"port": self._postgres.port, "monitorDatabase": DATABASE}
        document["spec"]["listen"] = {"port": port}
        self.ports[document["metadata"]["name"]] = port

    def _write(self, path: Path, documents: list[Document]) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)
