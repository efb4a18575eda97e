"""penstock-proxy under test: its configuration as a dict, its life, its admin port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from . import process
from .pg import ADMIN, CLEAR_USER, MD5_USER, SCRAM_USER, TRUST_USER, Postgres, password_of
from .wire import PATIENCE

SOURCE = Path(__file__).resolve().parents[3]
USERS = (TRUST_USER, SCRAM_USER, MD5_USER, CLEAR_USER, ADMIN)


def build_folder() -> Path:
    """PENSTOCK_BUILD, or the dev preset's folder."""
    return SOURCE / os.environ.get("PENSTOCK_BUILD", "build/dev")


def proxy_program() -> Path:
    """The binary under test."""
    path = build_folder() / "dataplane" / "penstock-proxy"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built: ./dev build, or set PENSTOCK_BUILD")
    return path


def write_users(path: Path, users: dict[str, str]) -> None:
    """A userlist.txt: names and passwords in double quotes."""
    path.write_text("".join(f'"{user}" "{password}"\n' for user, password in users.items()), encoding="utf-8")
    path.chmod(0o600)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mapping by mapping."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def standard_config(folder: Path, database_port: int, **changes: Any) -> dict[str, Any]:
    """A whole configuration for a proxy on loopback; `changes` are laid over it."""
    users = folder / "userlist.txt"
    if not users.exists():
        write_users(users, {user: password_of(user) for user in USERS})
    base: dict[str, Any] = {
        "pool": "test/pool",
        "listen": {"address": "127.0.0.1", "port": process.free_port()},
        "admin": {"address": "127.0.0.1", "port": process.free_port()},
        "serverConnections": 5,
        "database": {"host": "127.0.0.1", "port": database_port, "tls": {"mode": "Disable"}},
        "clients": {"authentication": "Trust", "usersFile": str(users)},
        "poolMode": "Transaction",
        "workers": 2,
    }
    return merged(base, changes)


class Proxy:
    """A running proxy. `close` asks it to end and insists that it ended well."""

    def __init__(self, folder: Path, config: dict[str, Any], ready: str = "/readyz", files_max: int = 0) -> None:
        self.config = config
        self.config_file = folder / "proxy.yaml"
        self.log_file = folder / "proxy.log"
        self.port: int = config["listen"]["port"]
        self.admin_port: int = config["admin"]["port"]
        self.write_config(config)
        command = [str(proxy_program()), "--config", str(self.config_file)]
        if files_max:
            command = ["/bin/sh", "-c", f'ulimit -n {files_max}; exec "$@"', "sh", *command]
        self._child = process.start(command, self.log_file)
        self._ended_by_test = False
        try:
            process.wait_for(f"the proxy answers {ready}", lambda: self._answers(ready), PATIENCE)
        except BaseException as fault:
            self.kill()
            raise RuntimeError(f"the proxy did not start: {fault}\n{self.log()}") from fault

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    def log(self) -> str:
        """All that it has written."""
        return self.log_file.read_text(errors="replace")

    def write_config(self, config: dict[str, Any]) -> None:
        """Replaces the configuration file in one step. JSON is YAML, and quotes what YAML would guess at."""
        self.config = config
        temporary = self.config_file.with_suffix(".new")
        temporary.write_text(json.dumps(config, indent=1), encoding="utf-8")
        temporary.replace(self.config_file)

    def reload(self, **changes: Any) -> None:
        """Writes a changed configuration and sends SIGHUP."""
        self.write_config(merged(self.config, changes))
        self.signal(signal.SIGHUP)

    def signal(self, sign: signal.Signals) -> None:
        """Sends a signal."""
        self._child.send_signal(sign)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET on the admin port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def put(self, path: str, body: str, headers: dict[str, str]) -> int:
        """Status of a PUT on the admin port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE)
        try:
            connection.request("PUT", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Each sample of /metrics by its name with labels."""
        samples: dict[str, float] = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def clients(self) -> int:
        """Clients, logged in or not; who waits is logged in."""
        return int(sum(v for n, v in self.metrics().items()
                       if n.startswith("penstock_proxy_clients{") and 'state="log' in n))

    def waiting(self) -> int:
        """Clients that wait for a server."""
        found = [
            value for name, value in self.metrics().items()
            if name.startswith("penstock_proxy_clients{") and 'state="waiting"' in name
        ]
        assert len(found) == 1, "penstock_proxy_clients has no state waiting"
        return int(found[0])

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._child.poll() is None

    def wait(self, seconds: float = PATIENCE) -> int:
        """Awaits its end; the exit code."""
        self._ended_by_test = True
        return self._child.wait(seconds)

    def kill(self) -> None:
        """kill -9."""
        self._ended_by_test = True
        self._child.kill()
        self._child.wait()

    def close(self) -> None:
        """SIGTERM twice (the second one ends the drain at once); any exit code but 0 is a fault of the proxy."""
        if self._ended_by_test:
            return
        self._ended_by_test = True
        died_before = not self.is_running()
        if not died_before:
            self.signal(signal.SIGTERM)
            try:
                code = self._child.wait(1)
            except subprocess.TimeoutExpired:
                code = process.stop(self._child, signal.SIGTERM, PATIENCE)
        else:
            code = self._child.returncode
        if died_before or code != 0 or "Sanitizer" in self.log():
            raise AssertionError(f"the proxy ended with {code}{' by itself' if died_before else ''}:\n{self.log()}")

    def _answers(self, path: str) -> bool:
        if not self.is_running():
            raise RuntimeError(f"exit code {self._child.returncode}")
        try:
            status, _ = self.get(path)
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return status == 200


def start_proxy(postgres: Postgres, folder: Path, ready: str = "/readyz", files_max: int = 0, **changes: Any) -> Proxy:
    """A proxy in front of the server."""
    return Proxy(folder, standard_config(folder, postgres.port, **changes), ready, files_max)
