"""A proxy as it lives in a Pod: mounted volumes, files that come late, the grants port, the end of a Pod."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import process
from support.certificates import Authority, Pair
from support.mounted import Mounted
from support.pg import ADMIN, DATABASE, TRUST_USER, Postgres
from support.process import free_port, wait_for
from support.proxy import merged, proxy_program, standard_config
from support.wire import PATIENCE, Client, ServerError, connect

OPERATOR = "penstock-operator"
# What a change of a mounted file may take; the kubelet needs longer by itself.
REACTION = 1.0


class Pod:
    """A proxy with its volumes; it is killed with the test."""

    def __init__(self, folder: Path, database_port: int) -> None:
        self.authority = Authority(folder / "ca")
        self.operator = self.authority.issue("operator", OPERATOR)
        self.config_volume = Mounted(folder / "config")
        self.secret_volume = Mounted(folder / "secrets")
        self.identity_volume = Mounted(folder / "identity")
        self.log_file = folder / "log"
        self.grants_port = free_port()
        self.config = standard_config(
            folder, database_port, proxyId="", logFormat="Json", drain={"timeoutSeconds": 30, "acceptSeconds": 1},
            clients={"usersFile": self.secret_volume.path("users")},
            admin={
                "grants": {
                    "address": "127.0.0.1", "port": self.grants_port,
                    "clientCaFile": self.config_volume.path("operator-ca.crt"),
                    "identityTokenFile": self.identity_volume.path("token"),
                }
            },
        )
        self._child: subprocess.Popen[bytes] | None = None

    def write_config(self, *authorities: Authority, **changes: Any) -> None:
        """The ConfigMap as the operator makes it."""
        self.config = merged(self.config, changes)
        trusted = "".join(each.certificate.read_text() for each in authorities or (self.authority,))
        self.config_volume.write({"config.json": json.dumps(self.config), "operator-ca.crt": trusted})

    def start(self) -> None:
        """Starts the container."""
        environment = dict(os.environ, POD_NAME="orders-of-a-shop-with-a-rather-long-name-6c9f7d5b8-x2x7q")
        command = [str(proxy_program()), "--config", self.config_volume.path("config.json"), "--wait"]
        self._child = process.start(command, self.log_file, env=environment)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._child is not None
        return process.stop(self._child, signal.SIGTERM, PATIENCE)

    def signal(self, sign: signal.Signals) -> None:
        """Sends a signal."""
        assert self._child is not None
        self._child.send_signal(sign)

    def kill(self) -> None:
        """For the end of the test."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def admin(self, path: str) -> tuple[int, str]:
        """Status and text; 0 where nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.config["admin"]["port"], timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """As the kubelet sees it."""
        return self.admin("/readyz")[0] == 200

    def ask(self, method: str = "GET", body: str = "", show: Pair | None = None) -> http.client.HTTPResponse:
        """A request on the grants port, with the operator's certificate if no other is given."""
        pair = show or self.operator
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if show is not NOBODY:
            context.load_cert_chain(pair.certificate, pair.key)
        connection = http.client.HTTPSConnection("127.0.0.1", self.grants_port, timeout=PATIENCE, context=context)
        connection.request(method, "/v1/report" if method == "GET" else "/v1/grant", body)
        return connection.getresponse()

    def report(self) -> dict[str, Any]:
        """What the operator hears."""
        return dict(json.loads(self.ask().read()))

    def faults(self) -> list[str]:
        """Of its configuration, as the operator hears them."""
        return list(self.report().get("configErrors", []))

    def client(self) -> Client:
        """A client that has logged in."""
        return connect(self.config["listen"]["port"], TRUST_USER, DATABASE)


NOBODY = Pair(Path("/nonexistent"), Path("/nonexistent"))
USERS = {"users": f'"{TRUST_USER}" ""\n"{ADMIN}" ""\n'}


@pytest.fixture
def pod(postgres: Postgres, tmp_path: Path) -> Iterator[Pod]:
    """Not started; its ConfigMap and its Secret are mounted."""
    made = Pod(tmp_path, postgres.port)
    made.write_config()
    made.secret_volume.write(USERS)
    yield made
    made.kill()


def _within_reaction(what: str, condition: Any) -> None:
    wait_for(what, condition, REACTION)


def test_only_the_operator_is_let_in_and_it_sees_who_answers(pod: Pod) -> None:
    """No certificate, another authority's, another name: each is refused; the right one hears the token."""
    pod.identity_volume.write({"token": "first.token.here"})
    pod.start()
    wait_for("ready", pod.is_ready, PATIENCE)
    other_authority = Authority(pod.config_volume.folder.parent / "other")
    strangers = [NOBODY, other_authority.issue("operator", OPERATOR), pod.authority.issue("other", "somebody-else")]
    for stranger in strangers:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            pod.ask(show=stranger)
    answer = pod.ask()
    assert answer.status == 200
    assert answer.getheader("Penstock-Identity") == "first.token.here"
    pod.identity_volume.write({"token": "second.token.here"})
    assert pod.ask().getheader("Penstock-Identity") == "second.token.here"
    granted = pod.ask("PUT", json.dumps({"epoch": 1, "sequence": 1, "serverConnections": 3}))
    assert granted.status == 200 and json.loads(granted.read())["granted"] == 3
    for path in ("/v1/report", "/v1/grant"):
        status, text = pod.admin(path)
        assert status == 404 and "admin.grants" in text


def test_a_pod_has_a_name_of_its_own_after_each_start(pod: Pod) -> None:
    """Within the bound, with the Pod's distinctive end in it."""
    names = []
    for _ in range(2):
        pod.start()
        wait_for("ready", pod.is_ready, PATIENCE)
        names.append(pod.report()["proxyId"])
        assert pod.stop() == 0
    assert len(set(names)) == 2
    for name in names:
        assert len(name) <= 48 and name[:-4].endswith("-name-6c9f7d5b8-x2x7q-")


def test_a_missing_secret_is_waited_for_and_named(pod: Pod) -> None:
    """Alive, not ready, the operator hears why; serves without a restart once the Secret is there and good."""
    pod.secret_volume.write({})
    pod.start()
    wait_for("alive", lambda: pod.admin("/healthz")[0] == 200, PATIENCE)
    status, text = pod.admin("/readyz")
    assert status == 503 and pod.secret_volume.path("users") in text
    faults = pod.faults()
    assert len(faults) == 1 and "clients.usersFile" in faults[0] and "Secret" in faults[0]
    assert pod.ask("PUT", json.dumps({"epoch": 1, "sequence": 1, "serverConnections": 3})).status == 200

    pod.secret_volume.write({"users": "nonsense\n"})
    _within_reaction("the malformed Secret is named", lambda: "line 1" in pod.faults()[0])
    pod.secret_volume.write(USERS)
    _within_reaction("ready", pod.is_ready)
    assert pod.report()["granted"] == 3 and not pod.faults()
    with pod.client() as client:
        assert client.value("select 1") == "1"


def test_a_configuration_that_is_not_there_is_waited_for(pod: Pod) -> None:
    """No admin port is possible before; SIGTERM ends the wait, at both of its stages."""
    pod.config_volume.write({})
    pod.start()
    wait_for("it says so", lambda: "config.json" in pod.log_file.read_text(), PATIENCE)
    pod.secret_volume.write({})
    pod.write_config()
    _within_reaction("alive", lambda: pod.admin("/healthz")[0] == 200)
    assert pod.stop() == 0
    pod.config_volume.write({})
    pod.log_file.write_text("")
    pod.start()
    wait_for("it says so", lambda: "config.json" in pod.log_file.read_text(), PATIENCE)
    assert pod.stop() == 0


def test_swapped_volumes_act_within_a_second(pod: Pod) -> None:
    """Configuration, Secret and authorities, while it serves."""
    pod.start()
    wait_for("ready", pod.is_ready, PATIENCE)
    pod.write_config(generation=2)
    _within_reaction("the new generation", lambda: pod.report()["configGeneration"] == 2)
    pod.secret_volume.write({"users": "nonsense\n"})
    _within_reaction("the fault", lambda: len(pod.faults()) == 1)
    pod.secret_volume.write(USERS)
    _within_reaction("no fault", lambda: pod.faults() == [])


def test_authorities_follow_one_another_without_a_gap(pod: Pod) -> None:
    """Old, both, new; and the old one's certificate then opens nothing."""
    pod.start()
    wait_for("ready", pod.is_ready, PATIENCE)
    successor = Authority(pod.config_volume.folder.parent / "successor")
    next_operator = successor.issue("operator", OPERATOR)

    def accepts(pair: Pair) -> bool:
        try:
            return pod.ask(show=pair).status == 200
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return False

    pod.write_config(pod.authority, successor)
    _within_reaction("the new one opens", lambda: accepts(next_operator))
    assert accepts(pod.operator)
    pod.write_config(successor)
    _within_reaction("the old one does not", lambda: not accepts(pod.operator))
    assert accepts(next_operator)


def test_the_end_of_a_pod_first_makes_it_unready_then_hands_clients_off(pod: Pod) -> None:
    """Endpoints learn of it late: whoever still comes is served; then 57P01 at the end of transactions."""
    pod.start()
    wait_for("ready", pod.is_ready, PATIENCE)
    with pod.client() as idle, pod.client() as busy:
        busy.run("begin")
        asked = time.monotonic()
        pod.signal(signal.SIGTERM)
        wait_for("not ready", lambda: not pod.is_ready(), PATIENCE)
        assert pod.report()["draining"]
        with pod.client() as late:
            assert late.value("select 1") == "1"
        assert idle.value("select 1") == "1"
        assert time.monotonic() - asked < 1, "the machine is too slow to tell"
        last = idle.until_closed()
        assert last[-1].fields()["C"] == "57P01"
        assert time.monotonic() - asked >= 1
        with pytest.raises((ConnectionError, EOFError, ServerError)):
            pod.client()
        assert busy.value("select 1") == "1"
        busy.run("commit")


def test_log_lines_are_json(pod: Pod) -> None:
    """Each of them, with a time, a level and a message."""
    pod.secret_volume.write({})
    pod.start()
    wait_for("alive", lambda: pod.admin("/healthz")[0] == 200, PATIENCE)
    pod.secret_volume.write(USERS)
    wait_for("ready", pod.is_ready, PATIENCE)
    assert pod.stop() == 0
    lines = [json.loads(line) for line in pod.log_file.read_text().splitlines()]
    assert lines and all(set(line) == {"time", "level", "message"} for line in lines)
