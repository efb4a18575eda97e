"""Who may log in and how, on both sides, with and without TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from support import protocol as p
from support.certificates import Authority, serial
from support.pg import CLEAR_USER, DATABASE, MD5_USER, SCRAM_USER, TRUST_USER, Postgres, password_of
from support.process import wait_for
from support.proxy import Proxy, start_proxy, write_users
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]


@pytest.fixture(scope="module")
def tls_postgres(authority: Authority) -> Iterator[Postgres]:
    """A server with a certificate for localhost."""
    server = Postgres(authority=authority)
    yield server
    server.close()


@pytest.mark.parametrize("method", ["ScramSha256", "MD5", "Trust"])
@pytest.mark.parametrize("user", [TRUST_USER, SCRAM_USER, MD5_USER, CLEAR_USER])
def test_each_method_towards_clients_goes_with_each_towards_the_server(start: Start, method: str, user: str) -> None:
    """The server's pg_hba decides how the proxy proves itself, whatever the client did."""
    proxy = start(clients={"authentication": method})
    with connect(proxy.port, user, DATABASE, password_of(user)) as client:
        assert client.value("select current_user") == user


@pytest.mark.parametrize("method", ["ScramSha256", "MD5"])
def test_wrong_password_is_refused(start: Start, method: str) -> None:
    """28P01, and the server is not asked."""
    proxy = start(clients={"authentication": method})
    with pytest.raises(ServerError) as refused:
        connect(proxy.port, SCRAM_USER, DATABASE, "wrong")
    assert refused.value.sqlstate == "28P01"


@pytest.mark.parametrize("method", ["ScramSha256", "MD5"])
def test_unknown_user_is_refused_like_a_wrong_password(start: Start, method: str) -> None:
    """The same SQLSTATE, after the same exchange: nothing says which users exist."""
    proxy = start(clients={"authentication": method})
    with pytest.raises(ServerError) as refused:
        connect(proxy.port, "nobody", DATABASE, "guess")
    assert refused.value.sqlstate == "28P01"


# Soft hyphen, no-break space, decomposed letter, Roman numeral, a presentation form; then what has no normal form:
# characters that Unicode 3.2 did not know, both directions at once, and nothing left.
_PASSWORDS = ("I\u00adX", "a\u00a0b", "cafe\u0301", "\u2168", "\ufb33", "\U0001f600\u00a0", "\u0627a\u00a0", "\u00ad")


def test_passwords_are_prepared_as_postgresql_does(start: Start, postgres: Postgres, tmp_path: Path) -> None:
    """libpq prepares the client's, PostgreSQL the server's; the proxy has what was written in its list."""
    users = {f"prepared{number}": password for number, password in enumerate(_PASSWORDS)}
    for user, password in users.items():
        postgres.execute(f"create role {user} login password '{password}'")
    try:
        write_users(tmp_path / "users.txt", users)
        proxy = start(clients={"authentication": "ScramSha256", "usersFile": str(tmp_path / "users.txt")})
        for user, password in users.items():
            with psycopg.connect(host="127.0.0.1", port=proxy.port, user=user, password=password,
                                 dbname=DATABASE, sslmode="disable") as client:
                assert client.execute("select current_user").fetchone() == (user,)
        with pytest.raises(ServerError) as refused:
            connect(proxy.port, "prepared0", DATABASE, "I X")
        assert refused.value.sqlstate == "28P01"
    finally:
        for user in users:
            postgres.execute(f"drop role {user}")


def test_unknown_database_is_refused_as_by_postgresql(start: Start) -> None:
    """3D000, and the proxy serves on."""
    proxy = start()
    with pytest.raises(ServerError) as refused:
        connect(proxy.port, TRUST_USER, "nowhere").run("select 1")
    assert refused.value.sqlstate == "3D000"
    with connect(proxy.port, TRUST_USER, DATABASE) as client:
        assert client.value("select 1") == "1"


def test_password_that_the_server_refuses_reaches_the_client(start: Start, tmp_path: Path) -> None:
    """The proxy's own list of users is wrong: the client hears 28P01, not a hang."""
    users = tmp_path / "users.txt"
    write_users(users, {SCRAM_USER: "wrong on purpose"})
    proxy = start(clients={"authentication": "ScramSha256", "usersFile": str(users)})
    with pytest.raises(ServerError) as refused:
        connect(proxy.port, SCRAM_USER, DATABASE, "wrong on purpose").run("select 1")
    assert refused.value.sqlstate in ("28P01", "08006")


def test_changed_list_of_users_is_read_again(start: Start, tmp_path: Path) -> None:
    """A new user can log in soon after the file has changed."""
    users = tmp_path / "users.txt"
    write_users(users, {SCRAM_USER: password_of(SCRAM_USER)})
    proxy = start(clients={"authentication": "ScramSha256", "usersFile": str(users)})
    with pytest.raises(ServerError):
        connect(proxy.port, MD5_USER, DATABASE, password_of(MD5_USER))
    write_users(users, {u: password_of(u) for u in (SCRAM_USER, MD5_USER)})
    proxy.reload()

    def logs_in() -> bool:
        try:
            connect(proxy.port, MD5_USER, DATABASE, password_of(MD5_USER)).close()
        except ServerError:
            return False
        return True

    wait_for("the new user logs in", logs_in, PATIENCE)


def _client_tls(authority: Authority, name: str) -> tuple[dict[str, str], ssl.SSLContext]:
    pair = authority.issue(name)
    context = ssl.create_default_context(cafile=str(authority.certificate))
    return {"certFile": str(pair.certificate), "keyFile": str(pair.key)}, context


@pytest.mark.parametrize("mode", ["Allow", "Require"])
def test_clients_use_tls(start: Start, authority: Authority, mode: str) -> None:
    """A full handshake with a checked certificate, then SCRAM inside."""
    files, context = _client_tls(authority, f"proxy-{mode}")
    proxy = start(clients={"authentication": "ScramSha256", "tls": {"mode": mode, **files}})
    with connect(proxy.port, SCRAM_USER, DATABASE, password_of(SCRAM_USER), tls=context) as client:
        assert len(client.run("select repeat('t', 1000) from generate_series(1, 2000)")) == 2000


def test_plain_clients_are_refused_where_tls_is_required(start: Start, authority: Authority) -> None:
    """28000, in plain text so that the client can read it."""
    files, _ = _client_tls(authority, "proxy-required")
    proxy = start(clients={"tls": {"mode": "Require", **files}})
    with pytest.raises(ServerError) as refused:
        connect(proxy.port, TRUST_USER, DATABASE)
    assert refused.value.sqlstate.startswith("28") or refused.value.sqlstate == "08P01"


def test_bytes_behind_an_ssl_request_end_the_connection(start: Start, authority: Authority) -> None:
    """They could have been put there by somebody in between."""
    files, _ = _client_tls(authority, "proxy-injected")
    proxy = start(clients={"tls": {"mode": "Allow", **files}})
    with Client("127.0.0.1", proxy.port) as client:
        client.send(p.ssl_request(), p.startup({"user": TRUST_USER, "database": DATABASE}))
        client.socket.settimeout(PATIENCE)
        received = b""
        try:
            while more := client.socket.recv(100):
                received += more
        except ConnectionResetError:
            pass
        assert b"Z\0\0\0\5I" not in received


def test_gss_then_tls_are_refused_then_plain_login(start: Start) -> None:
    """libpq asks in this order where Kerberos is installed."""
    with Client("127.0.0.1", start().port) as client:
        for request in (p.gssenc_request(), p.ssl_request()):
            client.send(request)
            assert client.socket.recv(10) == b"N"
        client.log_in(TRUST_USER, DATABASE)
        assert client.value("select 1") == "1"


def _direct_tls(proxy: Proxy, context: ssl.SSLContext) -> Client:
    client = Client("127.0.0.1", proxy.port)
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    return client


def test_direct_tls(start: Start, authority: Authority) -> None:
    """libpq's sslnegotiation=direct: TLS from the first byte, and the protocol's name in its handshake."""
    files, context = _client_tls(authority, "proxy-direct")
    context.set_alpn_protocols(["postgresql"])
    proxy = start(clients={"authentication": "ScramSha256", "tls": {"mode": "Require", **files}})
    for _ in range(2):
        with _direct_tls(proxy, context) as client:
            client.log_in(SCRAM_USER, DATABASE, password_of(SCRAM_USER))
            assert client.value("select 1") == "1"
    # Without the name, or with another protocol's, it could be the work of somebody in between.
    _, nameless = _client_tls(authority, "proxy-direct")
    with _direct_tls(proxy, nameless) as client:
        assert client.until_closed() == []
    nameless.set_alpn_protocols(["http/1.1"])
    with pytest.raises(ssl.SSLError):
        _direct_tls(proxy, nameless)


def test_direct_tls_is_refused_by_tls_where_there_is_none(start: Start, authority: Authority) -> None:
    """An alert, which is all that a TLS client understands."""
    _, context = _client_tls(authority, "proxy-none")
    with pytest.raises(ssl.SSLError, match="(?i)alert"):
        _direct_tls(start(), context)


def test_renewed_certificate_is_used_and_nobody_is_dropped(start: Start, authority: Authority) -> None:
    """Clients from before the renewal stay; those after it see the new certificate."""
    files, context = _client_tls(authority, "proxy-renewed")
    proxy = start(clients={"tls": {"mode": "Allow", **files}})
    with connect(proxy.port, TRUST_USER, DATABASE, tls=context) as before:
        authority.issue("proxy-renewed")
        wanted = int(serial(Path(files["certFile"])), 16)
        proxy.reload()

        def sees_the_new_one() -> bool:
            with connect(proxy.port, TRUST_USER, DATABASE, tls=context) as client:
                assert isinstance(client.socket, ssl.SSLSocket)
                shown = client.socket.getpeercert()
                return shown is not None and int(str(shown["serialNumber"]), 16) == wanted

        wait_for("the new certificate is shown", sees_the_new_one, PATIENCE)
        assert before.value("select 1") == "1"


@pytest.mark.parametrize("mode", ["Prefer", "Require", "VerifyCA", "VerifyFull"])
def test_servers_are_reached_by_tls(
    tls_postgres: Postgres, authority: Authority, tmp_path: Path, mode: str
) -> None:
    """pg_stat_ssl says what the connection really is."""
    tls = {"mode": mode, "caFile": str(authority.certificate)}
    with start_proxy(tls_postgres, tmp_path, database={"host": "localhost", "tls": tls}) as proxy:
        with connect(proxy.port, SCRAM_USER, DATABASE, password_of(SCRAM_USER)) as client:
            assert client.value("select ssl from pg_stat_ssl where pid = pg_backend_pid()") == "t"


def test_server_with_a_certificate_of_a_stranger_is_not_used(tls_postgres: Postgres, tmp_path: Path) -> None:
    """VerifyCA with another CA: the client hears why."""
    stranger = Authority(tmp_path / "stranger")
    tls = {"mode": "VerifyCA", "caFile": str(stranger.certificate)}
    with start_proxy(tls_postgres, tmp_path, ready="/healthz", database={"tls": tls},
                     timeouts={"queryWaitSeconds": 2}) as proxy:
        with pytest.raises((ServerError, EOFError)):
            connect(proxy.port, TRUST_USER, DATABASE).run("select 1")


def test_server_without_tls_is_not_used_where_it_is_required(postgres: Postgres, tmp_path: Path) -> None:
    """Require against a server that answers N."""
    with start_proxy(postgres, tmp_path, ready="/healthz", database={"tls": {"mode": "Require"}},
                     timeouts={"queryWaitSeconds": 2}) as proxy:
        with pytest.raises((ServerError, EOFError)):
            connect(proxy.port, TRUST_USER, DATABASE).run("select 1")


def test_login_that_never_ends_is_cut_off(start: Start) -> None:
    """clientLoginSeconds counts from the first byte."""
    proxy = start(timeouts={"clientLoginSeconds": 1})
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as silent:
        silent.sendall(b"\0\0\0")
        while silent.recv(1000):
            pass
