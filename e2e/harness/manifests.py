"""Manifests of pools, policies and Secrets, as small as they can be."""

from __future__ import annotations

import copy
from typing import Any

Document = dict[str, Any]
API = "penstock.dev/v1alpha1"
MONITOR, USERS = "monitor", "users"


def merged(base: Document, change: Document) -> Document:
    """A merge patch applied: None removes a field."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def pool(name: str, host: str = "db.example", port: int = 5432, **spec: Any) -> Document:
    """A ConnectionPool; `spec` is merged into what must be there."""
    base: Document = {
        "database": {"host": host, "port": port, "monitorSecretRef": {"name": MONITOR}},
        "clients": {"usersSecretRef": {"name": USERS}},
    }
    return {
        "apiVersion": API, "kind": "ConnectionPool", "metadata": {"name": name}, "spec": merged(base, spec),
    }


def backpressure(name: str, target: str, **spec: Any) -> Document:
    """A Backpressure policy for one pool by name."""
    base: Document = {"targetRefs": [{"name": target}], "latency": {"targetMilliseconds": 200}}
    return {"apiVersion": API, "kind": "Backpressure", "metadata": {"name": name}, "spec": merged(base, spec)}


def secret(name: str, **values: str) -> Document:
    """A Secret with these keys."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def monitor_secret(user: str, password: str) -> Document:
    """The role that asks the database for its facts."""
    return {**secret(MONITOR, username=user, password=password), "type": "kubernetes.io/basic-auth"}


def users_secret(**passwords: str) -> Document:
    """The users that may log in at the pool."""
    lines = "".join(f'"{user}" "{password}"\n' for user, password in passwords.items())
    return secret(USERS, **{"userlist.txt": lines})
