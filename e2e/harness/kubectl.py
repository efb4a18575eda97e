"""kubectl as a user types it; documents go in as dicts and come out as dicts."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import yaml

Document = dict[str, Any]


class Refused(Exception):
    """kubectl's own words when it exits with an error."""


class Kubectl:
    """One way to call kubectl on one cluster, optionally inside one namespace."""

    def __init__(self, command: list[str], environment: dict[str, str], namespace: str | None = None) -> None:
        self._command = command
        self._environment = environment
        self.namespace = namespace

    def within(self, namespace: str) -> Kubectl:
        """The same, with commands that speak of this namespace."""
        return Kubectl(self._command, self._environment, namespace)

    def argv(self, *arguments: str) -> list[str]:
        """The whole command line, for a process that the caller starts."""
        scope = ["--namespace", self.namespace] if self.namespace else []
        return [*self._command, *scope, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """For a process that the caller starts."""
        return {**os.environ, **self._environment}

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
        """Runs it and returns what it prints; raises Refused with what it says on stderr."""
        done = subprocess.run(
            self.argv(*arguments), input=stdin, capture_output=True, text=True, timeout=seconds, check=False,
            env=self.environment,
        )
        if done.returncode != 0:
            raise Refused(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def get(self, kind: str, name: str) -> Document:
        """One object."""
        return json.loads(self("get", kind, name, "-o", "json"))

    def list(self, kind: str, selector: str = "") -> list[Document]:
        """All objects of a kind, by labels if given."""
        chosen = ["--selector", selector] if selector else []
        return json.loads(self("get", kind, *chosen, "-o", "json"))["items"]

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is such an object."""
        return self("get", kind, name, "--ignore-not-found", "-o", "name").strip() != ""

    def apply(self, *documents: Document, flags: tuple[str, ...] = ()) -> str:
        """kubectl apply of these."""
        return self("apply", *flags, "-f", "-", stdin=yaml.safe_dump_all(documents))

    def patch(self, kind: str, name: str, change: Document, *flags: str) -> str:
        """A merge patch."""
        return self("patch", kind, name, "--type=merge", *flags, "-p", json.dumps(change))

    def ready(self, resource: str, seconds: float = 60, condition: str = "Ready") -> None:
        """kubectl wait --for=condition=Ready."""
        self("wait", f"--for=condition={condition}", resource, f"--timeout={seconds:g}s", seconds=seconds + 30)

    def events(self, about: str = "") -> list[Document]:
        """The namespace's Events, oldest first; only of the object with this name if given."""
        found = [event for event in self.list("events") if not about or event["involvedObject"]["name"] == about]
        return sorted(found, key=lambda event: event["metadata"]["creationTimestamp"])


def condition(document: Document, kind: str) -> Document:
    """A condition of a resource; {} while it has none of this type."""
    for entry in document.get("status", {}).get("conditions", []):
        if entry["type"] == kind:
            return entry
    return {}
