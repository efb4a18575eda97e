"""Session state in pool mode Transaction: what is refused, what is cleaned, and what new sessions see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import protocol as p
from support.pg import ADMIN, DATABASE, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy, start_proxy
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]


def _client(proxy: Proxy, user: str = TRUST_USER, **parameters: str) -> Client:
    return connect(proxy.port, user, DATABASE, **parameters)


def _counted(proxy: Proxy, what: str) -> float:
    return sum(value for name, value in proxy.metrics().items() if name.startswith(f"penstock_proxy_{what}_total"))


def _cleaned(proxy: Proxy) -> float:
    return _counted(proxy, "servers_cleaned")


@pytest.mark.parametrize("text", ["listen news", "LISTEN \"n\"; select 1", "begin; /* x */ listen news; commit", "-- x\nlisten a"])
def test_listen_is_refused_with_a_reason_and_a_remedy(start: Start, text: str) -> None:
    """By the simple and the extended protocol, alone and among others; the connection stays usable."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        with pytest.raises(ServerError) as refused:
            client.run(text)
        assert refused.value.fields["C"] == "0A000" and refused.value.fields["S"] == "ERROR"
        assert "Session" in refused.value.fields["H"] and refused.value.fields["D"]
        assert client.status == "I"
        if ";" not in text:
            client.send(p.parse("s", text), p.bind("", "s"), p.execute(), p.sync())
            replies = client.until_ready()
            assert [r.kind for r in replies] == ["E", "Z"] and replies[0].fields()["C"] == "0A000"
        client.run("begin")
        with pytest.raises(ServerError):
            client.run(text)
        assert client.status == "E"
        client.run("rollback")
        assert client.value("select count(*) from pg_listening_channels()") == "0"


def test_notification_without_an_owner_goes_to_nobody(start: Start) -> None:
    """A function that listens is not seen; its notification still reaches no client, and the channel goes."""
    proxy = start(serverConnections=1)
    with _client(proxy) as one, _client(proxy) as two:
        one.run("do $$ begin execute 'lis' || 'ten news'; end $$")
        two.send(p.query("notify news, 'x'"), p.query("select 1"))
        assert "A" not in [r.kind for r in two.until_ready(2)]
        assert two.value("select count(*) from pg_listening_channels()") == "0"


def test_role_ends_with_the_transaction_and_its_report_too(start: Start) -> None:
    """Nobody is another role unseen; the client that was it hears that it no longer is."""
    proxy = start(serverConnections=1)
    with _client(proxy, ADMIN) as one, _client(proxy, ADMIN) as two:
        one.run(f"set session authorization {TRUST_USER}")
        assert two.value("select current_user") == ADMIN
        assert two.parameters["session_authorization"] == ADMIN and two.parameters["is_superuser"] == "on"
        assert one.value("select current_user") == ADMIN
        assert _cleaned(proxy) == 1


def test_set_local_and_replayed_parameters_clean_nothing(start: Start) -> None:
    """They are the common ones, so they must cost nothing."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client, _client(proxy) as other:
        for i in range(3):
            client.run(f"begin; set local work_mem to '{i + 2}MB'; select set_config('my.own', 'x', true); commit")
            client.run(f"set timezone to 'Etc/GMT+{i}'")
            other.run("select 1")
        client.send(p.parse("s", "set local work_mem to '9MB'"), p.sync())
        client.until_ready()
        client.send(p.query("begin"), p.bind("", "s"), p.execute(), p.query("commit"))
        client.until_ready(2)
        assert _cleaned(proxy) == 0


def test_cleaning_keeps_prepared_statements(start: Start) -> None:
    """They are tracked, so they are never state to be removed."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        client.send(p.parse("s", "select 42"), p.sync())
        client.until_ready()
        client.run("set work_mem to '9MB'")
        assert _cleaned(proxy) == 1
        client.send(p.bind("", "s"), p.execute(), p.sync())
        assert [r.kind for r in client.until_ready()] == ["2", "D", "C", "Z"]
        assert _counted(proxy, "statements_prepared_again") == 0


def test_library_that_was_loaded_goes_with_its_server(start: Start, postgres: Postgres) -> None:
    """Nothing undoes LOAD."""
    proxy = start(serverConnections=1)
    with _client(proxy, ADMIN) as client:
        before = client.value("select pg_backend_pid()")
        client.run("load 'auto_explain'")
        assert client.value("select pg_backend_pid()") != before


def _told(proxy: Proxy, name: str, user: str = TRUST_USER, **parameters: str) -> str:
    """What a new client is told at its login."""
    with _client(proxy, user, **parameters) as client:
        return client.parameters[name]


@pytest.fixture
def altered(postgres: Postgres) -> Iterator[Callable[[str], None]]:
    """Runs ALTER ROLE, ALTER DATABASE or ALTER SYSTEM; all that they set is gone after the test."""

    def alter(sql: str) -> None:
        with postgres.admin() as admin:
            admin.run("set default_transaction_read_only = off")
            admin.run(sql)
            admin.run("select pg_reload_conf()")

    yield alter
    for sql in (f"alter role {TRUST_USER} reset all", f"alter database {DATABASE} reset all",
                f"alter role {TRUST_USER} in database {DATABASE} reset all", "alter system reset all"):
        alter(sql)


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_new_client_sees_what_a_new_session_would_see(
    start: Start, altered: Callable[[str], None], mode: str
) -> None:
    """Settings of role and database, reported and not, at once and on each worker; servers that are there do not keep old ones."""
    proxy = start(poolMode=mode, serverConnections=6, workers=2)
    old = [_client(proxy) for _ in range(4)]
    for client in old:
        client.run("select 1")
    if mode == "Session":
        for client in old[2:]:
            client.send(p.terminate())
            client.until_closed()
    altered(f"alter database {DATABASE} set default_transaction_read_only = on")
    altered(f"alter role {TRUST_USER} set timezone = 'Asia/Tokyo'")
    altered(f"alter role {TRUST_USER} in database {DATABASE} set work_mem = '7MB'")
    for _ in range(4):
        with _client(proxy) as client:
            assert client.parameters["default_transaction_read_only"] == "on"
            assert client.parameters["TimeZone"] == "Asia/Tokyo"
            assert client.value("show work_mem") == "7MB"
            assert client.value("show timezone") == "Asia/Tokyo"
            with pytest.raises(ServerError):
                client.run("create table public.never (a int)")
    altered(f"alter role {TRUST_USER} reset timezone")
    assert _told(proxy, "TimeZone") == "UTC"
    for client in old:
        client.close()


def test_reload_is_news_for_all_but_those_who_asked(start: Start, altered: Callable[[str], None]) -> None:
    """Who asked for a value keeps it; who did not is told the new one, and never frozen at it."""
    proxy = start(serverConnections=2)
    with _client(proxy) as follows, _client(proxy, TimeZone="Europe/Paris") as asked, _client(proxy) as sets:
        sets.run("set timezone to 'Europe/Rome'")
        for zone in ("Asia/Tokyo", "Asia/Seoul"):
            altered(f"alter system set timezone = '{zone}'")
            wait_for("a new session has it", lambda z=zone: _told(proxy, "TimeZone") == z, PATIENCE)
            for client, value in ((follows, zone), (asked, "Europe/Paris"), (sets, "Europe/Rome")):
                client.run("select 1")
                assert client.value("show timezone") == value
                assert client.parameters["TimeZone"] == value
            with _client(proxy) as client:
                assert client.value("show timezone") == zone


def test_relative_start_up_values_are_judged_on_a_new_session(start: Start, altered: Callable[[str], None]) -> None:
    """DateStyle=ISO keeps the order of the default, whoever used the server before."""
    proxy = start(serverConnections=1, workers=1)
    with _client(proxy, DateStyle="SQL, DMY") as other:
        other.run("select 1")
        assert _told(proxy, "DateStyle", DateStyle="ISO") == "ISO, MDY"
    altered("alter system set datestyle = 'German, YMD'")
    wait_for("a new session has it", lambda: _told(proxy, "DateStyle") == "German, YMD", PATIENCE)
    with _client(proxy, DateStyle="ISO") as client:
        assert client.parameters["DateStyle"] == "ISO, YMD"
        assert client.value("select date '2024-07-01'") == "2024-07-01"
        assert client.value("show datestyle") == "ISO, YMD"


def test_restarted_server_is_seen(tmp_path: Path) -> None:
    """Its settings are others, and no server of before is left."""
    own = Postgres(max_connections=20)
    try:
        with start_proxy(own, tmp_path) as proxy:
            assert _told(proxy, "TimeZone") == "UTC"
            own.stop()
            with open(own.folder / "data" / "postgresql.conf", "a", encoding="ascii") as file:
                file.write("timezone = 'Asia/Tokyo'\n")
            own.start()
            assert _told(proxy, "TimeZone") == "Asia/Tokyo"
    finally:
        own.close()


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_application_name_is_as_postgresql_makes_it(start: Start, postgres: Postgres, mode: str) -> None:
    """No tag, not cut shorter, ASCII; bytes that no encoding has end nothing."""
    proxy = start(poolMode=mode, serverConnections=4)
    names: list[bytes] = [
        b"shop", b"", "caf\xe9".encode(), b"x" * 63, b"x" * 70, b"y" * 62 + "\xe9".encode(), b"\xff\xfe", b"a\tb"
    ]
    for name in names:
        for encoding in (b"UTF8", b"LATIN1"):
            seen = []
            for port in (postgres.port, proxy.port):
                with Client("127.0.0.1", port) as client:
                    packet = [b"user", TRUST_USER.encode(), b"database", DATABASE.encode(), b"application_name", name,
                              b"client_encoding", encoding, b""]
                    client.send(p.untyped(p.PROTOCOL_3_0, b"\0".join(packet) + b"\0"))
                    client.authenticate(TRUST_USER, "")
                    told = client.parameters["application_name"]
                    client.send(p.parse("", "show application_name"), p.bind(), p.execute(), p.sync())
                    row = [r for r in client.until_ready() if r.kind == "D"][0].columns()
                    seen.append((told, client.value("show application_name"), row))
            assert seen[0] == seen[1], name


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
def test_a_clients_application_name_leaves_the_tag_on(start: Start, postgres: Postgres, mode: str) -> None:
    """The budget counts servers by it, in a transaction too."""
    proxy = start(poolMode=mode, serverConnections=1)
    tagged = "select count(*) from pg_stat_activity where application_name like 'penstock/% shop%'"
    with _client(proxy) as client:
        client.run("set application_name to 'shop'")
        assert client.parameters["application_name"] == "shop"
        client.run("begin; select 1")
        wait_for("the tag is on", lambda: postgres.execute(tagged) == [[b"1"]], PATIENCE)
        client.run("set application_name to 'shop two'")
        assert client.value("show application_name") == "shop two"
        client.run("rollback")
        assert client.parameters["application_name"] == "shop"
        assert client.value("show application_name") == "shop"
