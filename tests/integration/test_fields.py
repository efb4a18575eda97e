"""Each field of a proxy's configuration does what its text promises: one case for each, seen from outside.

`CASES` says which test tries which field; tests/tidy compares it with the description of the configuration.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import login
from support import protocol as p
from support.certificates import Authority
from support.pg import DATABASE, MD5_USER, POOLED, SCRAM_USER, TRUST_USER, Postgres, password_of
from support.process import free_port, wait_for
from support.proxy import Proxy, start_proxy
from support.relay import Relay
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]
PIDS = f"select pid from pg_stat_activity where {POOLED} and pid <> pg_backend_pid() order by 1"

_PIDFD_GETFD = 438  # the system call, which Python has no name for

CASES = {
    "pool": "test_fields.py::test_what_a_process_is_called",
    "proxyId": "test_fields.py::test_what_a_process_is_called",
    "generation": "test_fields.py::test_what_a_process_is_called",
    "workers": "test_fields.py::test_what_a_process_is_called",
    "logFormat": "test_fields.py::test_what_a_process_is_called",
    "logLevel": "test_fields.py::test_level_of_the_log_changes_at_once",
    "listen.address": "test_fields.py::test_ports_are_open_on_their_address_only",
    "listen.port": "test_fields.py::test_ports_are_open_on_their_address_only",
    "admin.address": "test_fields.py::test_ports_are_open_on_their_address_only",
    "admin.port": "test_fields.py::test_ports_are_open_on_their_address_only",
    "admin.portFile": "test_fields.py::test_what_a_process_is_called",
    "admin.tokenFile": "test_fields.py::test_grants_need_the_token",
    "admin.grants.address": "test_pod.py::test_only_the_operator_is_let_in_and_it_sees_who_answers",
    "admin.grants.port": "test_pod.py::test_only_the_operator_is_let_in_and_it_sees_who_answers",
    "admin.grants.clientCaFile": "test_pod.py::test_authorities_follow_one_another_without_a_gap",
    "admin.grants.identityTokenFile": "test_pod.py::test_only_the_operator_is_let_in_and_it_sees_who_answers",
    "poolUid": "test_fields.py::test_unknown_users_look_alike_at_each_proxy",
    "serverConnections": "test_life.py::test_pool_that_shrinks_keeps_its_clients",
    "database.host": "test_fields.py::test_another_database_replaces_servers",
    "database.port": "test_fields.py::test_another_database_replaces_servers",
    "database.tls.mode": "test_fields.py::test_another_database_replaces_servers",
    "database.tls.caFile": "test_login.py::test_server_with_a_certificate_of_a_stranger_is_not_used",
    "database.monitor.user": "test_fields.py::test_monitor_asks_with_its_own_role",
    "database.monitor.userFile": "test_fields.py::test_monitor_asks_with_its_own_role",
    "database.monitor.passwordFile": "test_fields.py::test_monitor_asks_with_its_own_role",
    "database.monitor.database": "test_fields.py::test_monitor_asks_with_its_own_role",
    "clients.authentication": "test_fields.py::test_authentication_changes_for_new_clients",
    "clients.usersFile": "test_login.py::test_changed_list_of_users_is_read_again",
    "clients.mockSecretFile": "test_fields.py::test_unknown_users_look_alike_at_each_proxy",
    "clients.tls.mode": "test_login.py::test_plain_clients_are_refused_where_tls_is_required",
    "clients.tls.certFile": "test_login.py::test_renewed_certificate_is_used_and_nobody_is_dropped",
    "clients.tls.keyFile": "test_login.py::test_renewed_certificate_is_used_and_nobody_is_dropped",
    "poolMode": "test_fields.py::test_pool_mode_changes_for_new_clients",
    "limits.maxClientConnections": "test_timeouts.py::test_most_clients_and_one_more",
    "limits.maxUserConnections": "test_fields.py::test_servers_of_one_user_are_bounded",
    "limits.maxDatabaseConnections": "test_fields.py::test_servers_of_one_database_are_bounded",
    "limits.maxMessageBytes": "test_fields.py::test_longer_message_ends_its_connection",
    "limits.maxClientBytes": "test_bounds.py::test_parse_that_needs_too_much_memory_is_refused",
    "limits.maxMemoryBytes": "test_bounds.py::test_memory_of_all_clients_is_bounded",
    "limits.maxPreparedStatements": "test_fields.py::test_statements_kept_on_a_server_are_bounded",
    "limits.loginsInFlight": "test_fields.py::test_logins_in_flight_are_of_the_whole_proxy",
    "timeouts.clientLoginSeconds": "test_login.py::test_login_that_never_ends_is_cut_off",
    "timeouts.queryWaitSeconds": "test_timeouts.py::test_query_wait_timeout_keeps_the_connection",
    "timeouts.querySeconds": "test_timeouts.py::test_query_timeout",
    "timeouts.transactionSeconds": "test_timeouts.py::test_transaction_timeout",
    "timeouts.idleInTransactionSeconds": "test_timeouts.py::test_idle_in_transaction_timeout",
    "timeouts.clientIdleSeconds": "test_timeouts.py::test_client_idle_timeout",
    "timeouts.clientWriteSeconds": "test_timeouts.py::test_client_that_reads_nothing",
    "timeouts.serverIdleSeconds": "test_timeouts.py::test_idle_servers_are_closed",
    "timeouts.serverLifetimeSeconds": "test_timeouts.py::test_old_servers_are_replaced",
    "timeouts.serverConnectSeconds": "test_faults.py::test_database_that_never_answers",
    "timeouts.serverLoginRetrySeconds": "test_fields.py::test_pause_between_failed_logins",
    "timeouts.cancelWaitSeconds": "test_fields.py::test_cancel_that_never_arrives_is_given_up",
    "timeouts.serverCheckDelaySeconds": "test_fields.py::test_dead_server_is_found_by_the_check_before_use",
    "timeouts.tcpKeepaliveIdleSeconds": "test_fields.py::test_sockets_have_their_timeouts",
    "timeouts.tcpKeepaliveIntervalSeconds": "test_fields.py::test_sockets_have_their_timeouts",
    "timeouts.tcpUserTimeoutSeconds": "test_fields.py::test_sockets_have_their_timeouts",
    "drain.timeoutSeconds": "test_life.py::test_drain_has_an_end",
    "drain.acceptSeconds": "test_pod.py::test_the_end_of_a_pod_first_makes_it_unready_then_hands_clients_off",
    "queue.maxLength": "test_timeouts.py::test_line_of_one_database_refuses_nobody_of_another",
    "queue.maxWaitMilliseconds": "test_fields.py::test_longer_predicted_wait_is_refused",
}


def _client(proxy: Proxy, user: str = TRUST_USER, database: str = DATABASE) -> Client:
    return connect(proxy.port, user, database, password_of(user))


def _reload(proxy: Proxy, **changes: object) -> None:
    """Returns when the changed configuration is in force on all workers."""
    generation = proxy.config.get("generation", 0) + 1
    proxy.reload(generation=generation, **changes)
    name = 'penstock_proxy_config_generation{pool="test/pool"}'
    wait_for("it is reloaded", lambda: proxy.metrics()[name] == generation, PATIENCE)
    # A turn of each worker's: the reload was posted before the answer to the request.
    for _ in range(8):
        _client(proxy).close()


def _pids(postgres: Postgres) -> list[bytes | None]:
    return [row[0] for row in postgres.execute(PIDS)]


def test_every_case_exists() -> None:
    """Each field's test is there."""
    folder = Path(__file__).parent
    for field, case in CASES.items():
        file, name = case.split("::")
        tree = ast.parse((folder / file).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in names, f"{field}: there is no {case}"


def test_what_a_process_is_called(start: Start, postgres: Postgres, tmp_path: Path) -> None:
    """Its names are in metrics, report, log and in pg_stat_activity; its threads are as many as asked for."""
    port_file = tmp_path / "port"
    proxy = start(
        pool="shop/orders", proxyId="number-7", generation=42, workers=3, logFormat="Json",
        admin={"portFile": str(port_file)},
    )
    with _client(proxy) as client:
        assert client.value("select 1") == "1"
        tags = postgres.execute(f"select application_name from pg_stat_activity where {POOLED}")
        assert tags == [[b"penstock/number-7"]]
    metrics = proxy.metrics()
    assert metrics['penstock_proxy_config_generation{pool="shop/orders"}'] == 42
    assert int(port_file.read_text()) == proxy.admin_port
    lines = [json.loads(line) for line in proxy.log().splitlines()]
    assert any("number-7" in line["message"] and "3 workers" in line["message"] for line in lines), lines


def test_level_of_the_log_changes_at_once(start: Start) -> None:
    """Nothing below the level is written."""
    proxy = start(logLevel="Error")
    assert proxy.log() == ""
    _reload(proxy, logLevel="Info")
    wait_for("it writes what it does", lambda: "reloaded" in proxy.log(), PATIENCE)


def test_ports_are_open_on_their_address_only(postgres: Postgres, tmp_path: Path) -> None:
    """127.0.0.2 is another address of this host."""
    listen, admin = free_port(), free_port()
    with start_proxy(
        postgres, tmp_path, listen={"address": "127.0.0.1", "port": listen}, admin={"port": admin}
    ) as proxy:
        assert _client(proxy).value("select 1") == "1"
        for port in (listen, admin):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), timeout=PATIENCE)


def test_grants_need_the_token(start: Start, tmp_path: Path) -> None:
    """Without admin.tokenFile nobody grants; with it who shows it; a changed one counts at once."""
    grant = json.dumps({"pool": "test/pool", "proxyId": "p", "epoch": 1, "sequence": 1, "serverConnections": 3})
    token = tmp_path / "token"
    token.write_text("one\n", encoding="ascii")

    def status(proxy: Proxy, bearer: str) -> int:
        return proxy.put("/v1/grant", grant, {"Authorization": f"Bearer {bearer}"})

    assert status(start(proxyId="p"), "one") in (401, 403)
    proxy = start(proxyId="p", admin={"tokenFile": str(token)})
    assert status(proxy, "two") in (401, 403)
    assert status(proxy, "one") == 200
    token.write_text("two\n", encoding="ascii")
    wait_for("the new token counts", lambda: status(proxy, "two") not in (401, 403), PATIENCE)


def test_another_database_replaces_servers(
    start: Start, postgres: Postgres, authority: Authority
) -> None:
    """And a cancel for a server that is still held goes to the database that it was opened to."""
    new = Postgres(max_connections=20, authority=authority)
    try:
        proxy = start(workers=2)
        port, ssl = "select inet_server_port()", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
        with _client(proxy) as idle, _client(proxy) as busy:
            busy.run("begin")
            assert idle.value(port) == str(postgres.port)
            wait_for("two servers", lambda: postgres.pooled() >= 2, PATIENCE)
            _reload(proxy, database={"host": "localhost", "port": new.port})
            wait_for("the idle one is gone", lambda: postgres.pooled() == 1, PATIENCE)
            assert idle.value(port) == str(new.port)
            busy.send(p.query("select pg_sleep(60)"))
            wait_for("it runs", lambda: postgres.execute(
                "select 1 from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"
            ) != [], PATIENCE)
            busy.cancel()
            assert [r.fields()["C"] for r in busy.until_ready() if r.kind == "E"] == ["57014"]
            busy.run("rollback")
            assert busy.value(port) == str(new.port)
            wait_for("the held one is gone", lambda: postgres.pooled() == 0, PATIENCE)
            assert idle.value(ssl) == "f"
            _reload(proxy, database={"tls": {"mode": "Require"}})
            wait_for("it is encrypted", lambda: idle.value(ssl) == "t", PATIENCE)
    finally:
        new.close()


def test_monitor_asks_with_its_own_role(start: Start, postgres: Postgres, tmp_path: Path) -> None:
    """user or userFile, passwordFile and database are those of the session that asks for facts."""
    name, password = tmp_path / "name", tmp_path / "password"
    name.write_text(SCRAM_USER + "\n", encoding="ascii")
    password.write_text(password_of(SCRAM_USER) + "\n", encoding="ascii")
    for who, user in (({"userFile": str(name)}, SCRAM_USER), ({"user": MD5_USER}, MD5_USER)):
        password.write_text(password_of(user) + "\n", encoding="ascii")
        start(database={"monitor": {**who, "passwordFile": str(password), "database": DATABASE}}, proxyId=user)
        asking = (
            "select datname, usename from pg_stat_activity "
            f"where application_name = 'penstock-probe/{user}'"
        )
        wait_for("it asks", lambda: postgres.execute(asking) == [[DATABASE.encode(), user.encode()]], PATIENCE)


def test_authentication_changes_for_new_clients(start: Start) -> None:
    """Who is in stays, who comes proves who he is in the new way."""
    proxy = start(clients={"authentication": "Trust"})
    with _client(proxy) as before:
        proxy.reload(clients={"authentication": "ScramSha256"})

        def is_asked() -> bool:
            with Client("127.0.0.1", proxy.port) as new:
                new.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
                reply = new.read()
                return reply is not None and reply.body == b"\0\0\0\x0aSCRAM-SHA-256\0\0"

        wait_for("clients are asked for SCRAM", is_asked, PATIENCE)
        assert before.value("select 1") == "1"


def test_pool_mode_changes_for_new_clients(start: Start) -> None:
    """A client stays in the mode that it logged in with."""
    proxy = start(serverConnections=4)
    table = "select to_regclass('pg_temp.mine') is not null"
    with _client(proxy) as before:
        before.run("begin")
        before.run("commit")
        _reload(proxy, poolMode="Session")
        with _client(proxy) as after:
            assert after.value("select 1") == "1"
            busy = 'penstock_proxy_servers{pool="test/pool",state="busy"}'
            wait_for("one server is held", lambda: proxy.metrics()[busy] == 1, PATIENCE)
            before.run("begin; select 1; commit")
            wait_for("the older client gave its server back", lambda: proxy.metrics()[busy] == 1, PATIENCE)
            after.run("create temp table mine (a int)")
            assert after.value(table) == "t"


def test_servers_of_one_user_are_bounded(start: Start, postgres: Postgres) -> None:
    """All workers together; a third transaction waits, another user's does not; 0 takes the limit off."""
    proxy = start(serverConnections=6, limits={"maxUserConnections": 2})
    clients = [_client(proxy) for _ in range(3)]
    for client in clients[:2]:
        client.run("begin")
    clients[2].send(p.query("select 'third'"))
    wait_for("the third waits", lambda: proxy.waiting() == 1, PATIENCE)
    assert postgres.pooled() == 2
    with _client(proxy, SCRAM_USER) as other:
        assert other.value("select 1") == "1"
    _reload(proxy, limits={"maxUserConnections": 0})
    assert [r.kind for r in clients[2].until_ready()] == ["T", "D", "C", "Z"]
    for client in clients:
        client.close()


def test_servers_of_one_database_are_bounded(start: Start, postgres: Postgres) -> None:
    """All users together; an idle server of one user makes room for another one's first."""
    proxy = start(serverConnections=6, limits={"maxDatabaseConnections": 1})
    with _client(proxy) as first, _client(proxy, SCRAM_USER) as second, _client(proxy, database="postgres") as third:
        first.run("begin")
        assert third.value("select 1") == "1"
        second.send(p.query("select 2"))
        wait_for("the second waits", lambda: proxy.waiting() == 1, PATIENCE)
        first.run("commit")
        assert [r.kind for r in second.until_ready()] == ["T", "D", "C", "Z"]
        assert first.value("select current_database()") == DATABASE
        assert postgres.pooled() <= 2


def test_longer_message_ends_its_connection(start: Start) -> None:
    """Up to limits.maxMessageBytes they are passed on."""
    proxy = start(limits={"maxMessageBytes": 20_000})
    with _client(proxy) as client:
        sql = "select length('%s')"
        assert client.value(sql % ("x" * 19_900)) == "19900"
        client.send(p.query(sql % ("x" * 20_000)))
        errors = [r.fields()["C"] for r in client.until_closed() if r.kind == "E"]
        assert errors == ["08P01"]


def test_statements_kept_on_a_server_are_bounded(start: Start) -> None:
    """No more than so many; 0 leaves names as the client gives them, for clients that come later."""
    proxy = start(serverConnections=1, limits={"maxPreparedStatements": 2})
    names = "select name from pg_prepared_statements where from_sql = false order by 1"
    with _client(proxy) as client:
        for i in range(4):
            client.send(p.parse(f"mine{i}", f"select {i}"), p.sync())
            client.until_ready()
        kept = client.run(names)
        assert len(kept) == 2 and [b"mine3"] not in kept
        _reload(proxy, limits={"maxPreparedStatements": 0})
        with _client(proxy) as after:
            after.send(p.parse("mine", "select 1"), p.sync())
            after.until_ready()
            assert after.run(names) == [[b"mine"]]
        client.send(p.bind("", "mine3"), p.execute(), p.sync())
        assert [r.kind for r in client.until_ready()] == ["2", "D", "C", "Z"]


def test_logins_in_flight_are_of_the_whole_proxy(postgres: Postgres, tmp_path: Path) -> None:
    """Clients of all workers wait for one login at a time, held up on the way to the database."""
    with Relay(postgres.port) as relay:
        relay.hold()
        with start_proxy(
            postgres, tmp_path, serverConnections=10, workers=4, limits={"loginsInFlight": 1},
            database={"port": relay.port},
        ) as proxy:
            clients = [Client("127.0.0.1", proxy.port) for _ in range(12)]
            for i, client in enumerate(clients):
                client.send(p.startup({"user": TRUST_USER, "database": (DATABASE, "postgres")[i % 2]}))
            wait_for("one login is under way", lambda: relay.connections == 1, PATIENCE)
            opening = 'penstock_proxy_servers{pool="test/pool",state="opening"}'
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                assert proxy.metrics()[opening] == 1 and relay.connections == 1
            relay.release()
            for client in clients:
                assert client.until("Z")[-1].kind == "Z"
                client.close()


def test_pause_between_failed_logins(tmp_path: Path, postgres: Postgres) -> None:
    """A database that refuses is not asked more often."""
    refusing = free_port()
    with start_proxy(
        postgres, tmp_path, workers=1, database={"port": refusing}, timeouts={"serverLoginRetrySeconds": 3600}
    ) as proxy:
        failures = 'penstock_proxy_server_login_failures_total{pool="test/pool"}'
        began = time.monotonic()
        while time.monotonic() - began < 0.7:
            with pytest.raises(ServerError):
                _client(proxy)
        assert 1 <= proxy.metrics()[failures] <= 4, "the pause doubles from 0.1 s"


def test_cancel_that_never_arrives_is_given_up(postgres: Postgres, tmp_path: Path) -> None:
    """The one who cancels is not kept longer than timeouts.cancelWaitSeconds."""
    with Relay(postgres.port) as relay, start_proxy(
        postgres, tmp_path, database={"port": relay.port}, timeouts={"cancelWaitSeconds": 1}
    ) as proxy, _client(proxy) as client:
        client.send(p.query("select pg_sleep(2)"))
        wait_for("it runs", lambda: postgres.execute(
            "select 1 from pg_stat_activity where query = 'select pg_sleep(2)'") != [], PATIENCE)
        relay.hold()
        began = time.monotonic()
        client.cancel()
        assert 0.5 < time.monotonic() - began < PATIENCE
        relay.release()
        assert client.until_ready()[-1].kind == "Z"


def test_dead_server_is_found_by_the_check_before_use(postgres: Postgres, tmp_path: Path) -> None:
    """A network that swallows everything is found before a client's request is with it."""
    with Relay(postgres.port) as relay, start_proxy(
        postgres, tmp_path, workers=1, serverConnections=1, database={"port": relay.port},
        timeouts={"serverCheckDelaySeconds": 1, "serverConnectSeconds": 1},
    ) as proxy, _client(proxy) as client:
        first = client.value("select pg_backend_pid()")
        relay.swallow()
        time.sleep(1.1)  # the field's own unit: the shortest delay that is one
        assert client.value("select pg_backend_pid()") != first


def test_longer_predicted_wait_is_refused(start: Start) -> None:
    """queue.maxWaitMilliseconds: behind others that hold the only server for long there is no point in waiting."""
    proxy = start(serverConnections=1, workers=1, queue={"maxLength": 0, "maxWaitMilliseconds": 50})
    clients = [_client(proxy) for _ in range(12)]
    for _ in range(3):
        clients[0].run("select pg_sleep(0.15)")
    for client in clients:
        client.send(p.query("select pg_sleep(0.15)"))
    refused = [r.fields()["C"] for client in clients for r in client.until_ready() if r.kind == "E"]
    assert refused and set(refused) == {"53300"}
    for client in clients:
        client.close()


def _salt(proxy: Proxy, user: str) -> str:
    """What the proxy shows to who says that it is this user: salt and iterations."""
    scram = login.Scram("guess")
    with Client("127.0.0.1", proxy.port) as client:
        client.send(p.startup({"user": user, "database": DATABASE}))
        client.read()
        client.send(scram.first())
        challenge = client.read()
        assert challenge is not None
        return challenge.body[4:].decode().split(",", 1)[1]


@pytest.mark.parametrize("shared", ["mockSecretFile", "poolUid"])
def test_unknown_users_look_alike_at_each_proxy(start: Start, tmp_path: Path, shared: str) -> None:
    """Whoever asks two proxies, or one twice with a restart between, learns nothing about who exists."""
    secret = tmp_path / "mock"
    secret.write_text("sixteen random bytes or more", "ascii")
    settings: dict[str, object] = {"clients": {"authentication": "ScramSha256"}}
    if shared == "poolUid":
        settings["poolUid"] = "5d0c1f0e-6a0b-4a6f-9d4e-0c8d2f1a7b33"
    else:
        settings["clients"] = {"authentication": "ScramSha256", "mockSecretFile": str(secret)}
    one, other = start(**settings), start(**settings)
    assert _salt(one, "nobody") == _salt(other, "nobody") != _salt(one, "nobody else")
    assert _salt(one, SCRAM_USER) == _salt(other, SCRAM_USER)


def _sockets(pid: int) -> list[socket.socket]:
    """Copies of the connected TCP sockets of a child process."""
    copies = []
    process = os.pidfd_open(pid)
    for number in os.listdir(f"/proc/{pid}/fd"):
        if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
            continue
        copy = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, int(number), 0)
        assert copy >= 0, os.strerror(ctypes.get_errno())
        connected = socket.socket(fileno=copy)
        try:
            connected.getpeername()
            copies.append(connected)
        except OSError:
            connected.close()
    os.close(process)
    return copies


def test_sockets_have_their_timeouts(start: Start) -> None:
    """A client's socket and a server's, before and after a change."""
    def options(seconds: int) -> dict[str, int]:
        return {"tcpKeepaliveIdleSeconds": seconds, "tcpKeepaliveIntervalSeconds": seconds + 1,
                "tcpUserTimeoutSeconds": seconds + 2}

    def seen() -> set[tuple[int, ...]]:
        wanted = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
        sockets = _sockets(proxy.pid)
        found = {(ours.getsockname()[1] == proxy.port, *(ours.getsockopt(socket.IPPROTO_TCP, o) for o in wanted))
                 for ours in sockets if proxy.port in (ours.getsockname()[1], ours.getpeername()[1])
                 or ours.getpeername()[1] == proxy.config["database"]["port"]}
        for ours in sockets:
            ours.close()
        return found

    proxy = start(timeouts=options(40))
    with connect(proxy.port, TRUST_USER, DATABASE) as client:
        client.run("begin")
        assert seen() == {(True, 40, 41, 42_000), (False, 40, 41, 42_000)}
        _reload(proxy, timeouts=options(50))
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # with the first client they need all five servers: some are new
                stack.enter_context(connect(proxy.port, TRUST_USER, DATABASE)).run("begin")
            assert {(True, 50, 51, 52_000), (False, 50, 51, 52_000)} <= seen()
