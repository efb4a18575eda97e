"""Session state in pool mode Transaction: what is refused, what is cleaned, and what new sessions see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import protocol as p
from support.pg import ADMIN, DATABASE, TRUST_USER, Postgres
from support.proxy import Proxy
from support.wire import Client, ServerError, connect

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
