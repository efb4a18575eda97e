"""CancelRequest: it reaches the query that runs, the client that waits, and never anybody else."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import protocol as p
from support.certificates import Authority
from support.pg import DATABASE, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy, start_proxy
from support.wire import PATIENCE, Client, ServerError, connect, send_cancel

Start = Callable[..., Proxy]
_STORM_SECONDS = 5.0


def _client(proxy: Proxy) -> Client:
    return connect(proxy.port, TRUST_USER, DATABASE)


def test_running_query_is_cancelled(start: Start) -> None:
    """57014, and the session goes on."""
    proxy = start()
    with _client(proxy) as client:
        client.send(p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(60)"))
        client.until("N")
        client.cancel()
        assert [r.fields()["C"] for r in client.until_ready() if r.kind == "E"] == ["57014"]
        assert client.value("select 1") == "1"


def test_waiting_client_is_cancelled(start: Start) -> None:
    """It has no server yet: 57014 from the proxy, at once, and the session goes on."""
    proxy = start(serverConnections=1)
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        waiting.send(p.query("select 'never'"))
        wait_for("it waits", lambda: proxy.waiting() == 1, PATIENCE)
        waiting.cancel()
        replies = waiting.until_ready()
        assert [r.kind for r in replies] == ["E", "Z"] and replies[0].fields()["C"] == "57014"
        holder.run("commit")
        assert waiting.value("select 1") == "1"


def test_idle_client_is_not_disturbed_and_nobody_else_either(start: Start) -> None:
    """The server that the idle client used last now runs another's query."""
    proxy = start(serverConnections=1)
    with _client(proxy) as idle, _client(proxy) as busy:
        idle.run("select 1")
        busy.send(p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(0.3), 'done'"))
        busy.until("N")
        for _ in range(5):
            idle.cancel()
        assert any(r.kind == "D" for r in busy.until_ready())


def test_unknown_key_is_ignored(start: Start) -> None:
    """Closed without a word, like PostgreSQL."""
    proxy = start()
    with _client(proxy) as client:
        send_cancel(("127.0.0.1", proxy.port), client.process_id, b"\0\0\0\0")
        send_cancel(("127.0.0.1", proxy.port), 1, client.secret)
        assert client.value("select 1") == "1"


def test_late_cancel_never_hits_the_next_query_on_that_server(start: Start) -> None:
    """One server, two clients in turn. One cancels its own query at the moment it ends; the other never does."""
    proxy = start(serverConnections=1)
    victim_faults: list[str] = []
    stop = threading.Event()

    def victim() -> None:
        with _client(proxy) as client:
            while not stop.is_set():
                try:
                    client.run("select pg_sleep(0.002)")
                except ServerError as fault:
                    victim_faults.append(str(fault))

    thread = threading.Thread(target=victim)
    thread.start()
    try:
        with _client(proxy) as canceller:
            for turn in range(150):
                canceller.send(p.query("select pg_sleep(0.002)"))
                if turn % 3:
                    time.sleep(0.0005 * (turn % 9))  # aims at the end of the query, from before to behind it
                canceller.cancel()
                canceller.until_ready()
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert victim_faults == []


def test_storm_of_cancels(start: Start) -> None:
    """Forty clients cancel themselves all the time; each gets its row or 57014, and none gets stuck."""
    proxy = start(serverConnections=5)
    faults: list[str] = []
    deadline = time.monotonic() + _STORM_SECONDS

    def stormer(number: int) -> None:
        with _client(proxy) as client:
            while time.monotonic() < deadline:
                client.send(p.query(f"select {number}, pg_sleep(0.01)"))
                client.cancel()
                for reply in client.until_ready():
                    if reply.kind == "E" and reply.fields()["C"] != "57014":
                        faults.append(str(reply))
                    if reply.kind == "D" and reply.columns()[0] != str(number).encode():
                        faults.append(f"client {number} got {reply}")

    threads = [threading.Thread(target=stormer, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_STORM_SECONDS + PATIENCE)
    assert faults == [] and not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("state", ["in a transaction", "in COPY"])
def test_cancel_in_other_states(start: Start, state: str) -> None:
    """The transaction fails, its client stays, and the server is clean for the next."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client, _client(proxy) as other:
        begin = "begin; do $$ begin raise notice 'running'; end $$; "
        if state == "in COPY":
            client.send(p.query(begin + "copy (select pg_sleep(60)) to stdout"))
        else:
            client.send(p.query(begin + "select pg_sleep(60)"))
        client.until("N")
        client.cancel()
        assert client.until_ready()[-1].body == b"E"
        client.run("rollback")
        assert other.value("select 1") == "1"


def test_session_is_cancelled_by_its_servers_process_id(start: Start) -> None:
    """The process id names the server and not our worker: whichever takes the request, it gets there."""
    proxy = start(poolMode="Session", serverConnections=4, workers=3)
    clients = [_client(proxy) for _ in range(4)]
    for client in clients:
        assert client.value("select pg_backend_pid()") == str(client.process_id)
    for client in clients:
        client.send(p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(60)"))
        client.until("N")
    for turn in range(4):  # each from another worker, as the kernel likes
        send_cancel(("127.0.0.1", proxy.port), clients[turn].process_id, b"\1\2\3\4")
        clients[turn].cancel()
        assert [r.fields()["C"] for r in clients[turn].until_ready() if r.kind == "E"] == ["57014"]
        assert clients[turn].value("select 1") == "1"
    for client in clients:
        client.close()


class _Relay:
    """Passes connections on to a server and keeps the first request code of each."""

    def __init__(self, port: int) -> None:
        self.codes: list[int] = []
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._begin(self._accept)

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _begin(self, target: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            first = client.recv(8, socket.MSG_WAITALL)
            self.codes += struct.unpack("!4xi", first) if len(first) == 8 else ()
            server.sendall(first)
            self._begin(self._pump, client, server)
            self._begin(self._pump, server, client)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()


@pytest.fixture(scope="module")
def tls_postgres(authority: Authority) -> Iterator[Postgres]:
    """A server with a certificate for localhost."""
    server = Postgres(authority=authority)
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["Prefer", "VerifyFull"])
def test_cancel_goes_by_tls(tls_postgres: Postgres, authority: Authority, tmp_path: Path, mode: str) -> None:
    """Whoever reads a cancel's key on the way can end queries: it is encrypted as its server's connection is."""
    relay = _Relay(tls_postgres.port)
    try:
        database = {"host": "localhost", "port": relay.port,
                    "tls": {"mode": mode, "caFile": str(authority.certificate)}}
        with start_proxy(tls_postgres, tmp_path, database=database) as proxy, _client(proxy) as client:
            client.send(p.query("do $$ begin raise notice 'running'; end $$; select pg_sleep(60)"))
            client.until("N")
            client.cancel()
            assert [r.fields()["C"] for r in client.until_ready() if r.kind == "E"] == ["57014"]
            assert client.value("select 1") == "1"
        assert p.CANCEL_REQUEST_CODE not in relay.codes and set(relay.codes) == {p.SSL_REQUEST_CODE}
    finally:
        relay.close()
