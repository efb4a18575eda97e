"""Things that die, one side at a time and in each state: the other side hears it and the pool stays whole."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support import protocol as p
from support.pg import DATABASE, POOLED, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy, standard_config, start_proxy
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]
# Begins with a notice, which is flushed at once, so that a test knows that it runs.
_RUNNING = "do $$ begin raise notice 'running'; end $$; "


def _client(proxy: Proxy) -> Client:
    return connect(proxy.port, TRUST_USER, DATABASE)


def _kill_servers(postgres: Postgres) -> None:
    postgres.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {POOLED}")


def _serves(proxy: Proxy) -> bool:
    try:
        with _client(proxy) as client:
            return client.value("select 1") == "1"
    except (ServerError, EOFError, ConnectionError):
        return False


def _is_served(client: Client) -> bool:
    try:
        return client.value("select 1") == "1"
    except ServerError:
        return False


def _ends_with_an_error(client: Client) -> None:
    """The client hears of it, by an ErrorResponse or by the end of the connection, but does not hang."""
    replies = client.until("E", "Z")
    assert not replies or replies[-1].kind == "E", [str(r) for r in replies]


def test_idle_server_that_died_is_replaced_unseen(start: Start, postgres: Postgres) -> None:
    """Nothing was sent to it, so nothing is lost."""
    proxy = start(serverConnections=2)
    with _client(proxy) as client:
        client.run("select 1")
        _kill_servers(postgres)
        wait_for("the backend is gone", lambda: postgres.pooled() == 0, PATIENCE)
        assert client.value("select 2") == "2"


def _is_stopped(pid: int) -> bool:
    stats = [task.read_text(encoding="ascii", errors="replace") for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(") ")[2].startswith("T") for stat in stats)


def test_server_that_died_before_the_request_was_read_is_replaced_unseen(start: Start, postgres: Postgres) -> None:
    """Its end and the request are there at the same time: nothing is sent to it."""
    proxy = start(serverConnections=2)
    with _client(proxy) as client:
        for turn in range(5):
            client.run("select 1")
            proxy.signal(signal.SIGSTOP)
            try:
                wait_for("all of its threads have stopped", lambda: _is_stopped(proxy.pid), PATIENCE)
                _kill_servers(postgres)
                client.send(p.query(f"select {turn}"))
                wait_for("the backend is gone", lambda: postgres.pooled() == 0, PATIENCE)
            finally:
                proxy.signal(signal.SIGCONT)
            assert [r.kind for r in client.until_ready()] == ["T", "D", "C", "Z"]


def test_server_dies_in_a_transaction(start: Start, postgres: Postgres) -> None:
    """The client hears of it, and the slot is free again."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        client.run("begin; select 1")
        _kill_servers(postgres)
        client.send(p.query("select 2"))
        _ends_with_an_error(client)
    wait_for("the pool serves again", lambda: _serves(proxy), PATIENCE)


def test_server_dies_while_a_query_runs(start: Start, postgres: Postgres) -> None:
    """57P01 as PostgreSQL says it."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        client.send(p.query(_RUNNING + "select pg_sleep(60)"))
        client.until("N")
        _kill_servers(postgres)
        _ends_with_an_error(client)
    wait_for("the pool serves again", lambda: _serves(proxy), PATIENCE)


def test_server_dies_in_the_middle_of_a_result(start: Start, postgres: Postgres) -> None:
    """Rows have been passed on already; half a message may have been."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        client.send(p.query("select repeat('r', 100000) from generate_series(1, 100000)"))
        client.until("D")
        _kill_servers(postgres)
        try:
            last = client.until("E", "Z")[-1]
            assert last.kind != "Z"
        except (EOFError, ConnectionResetError):
            pass
    wait_for("the pool serves again", lambda: _serves(proxy), PATIENCE)


def test_server_dies_in_copy(start: Start, postgres: Postgres) -> None:
    """The client streams in and hears of it."""
    proxy = start(serverConnections=1)
    with _client(proxy) as client:
        client.run("create table if not exists public.copied (a int)")
        client.send(p.query("copy public.copied from stdin"))
        client.until("G")
        client.send(p.copy_data("1\n"))
        _kill_servers(postgres)
        client.send(p.copy_data("2\n"), p.copy_done())
        _ends_with_an_error(client)
    wait_for("the pool serves again", lambda: _serves(proxy), PATIENCE)
    postgres.execute("drop table public.copied")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="idle"),
        pytest.param([p.query("begin; create table public.never (a int)")], id="in a transaction"),
        pytest.param([p.query(_RUNNING + "select pg_sleep(60)")], id="query running"),
        pytest.param([p.query("select repeat('r', 100000) from generate_series(1, 100000)")], id="result flowing"),
        pytest.param([p.query("copy (select generate_series(1, 10000000)) to stdout")], id="copy out"),
        pytest.param([p.query("create temporary table c (a int); copy c from stdin"), p.copy_data("1\n")], id="copy in"),
        pytest.param([p.parse("", "select 1"), p.bind(), p.flush()], id="batch without sync"),
        pytest.param([p.parse("s", "select 1")], id="batch not flushed"),
        pytest.param([b"Q\0\0\1\0select half a mess"], id="half a message"),
    ],
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_client_dies(start: Start, postgres: Postgres, sent: list[bytes], reset: bool) -> None:
    """The next client finds the only server clean, and the dead one's transaction is undone.

    PostgreSQL finishes what a client sent that closed, so a query has its timeout.
    """
    proxy = start(serverConnections=1, timeouts={"querySeconds": 1})
    client = _client(proxy)
    if sent:
        client.send(*sent)
        if sent[0][:1] == b"Q" and len(sent[0]) > 30:
            client.read()
    if reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    wait_for("the pool serves the next client", lambda: _serves(proxy), PATIENCE)
    assert postgres.execute("select count(*) from pg_class where relname = 'never'") == [[b"0"]]
    with _client(proxy) as other:
        assert other.value("select 'clean'") == "clean"


def test_half_closed_client_still_gets_its_reply(start: Start) -> None:
    """It has said all it wants to say, as `psql < file` does."""
    with _client(start()) as client:
        client.send(p.query("select pg_sleep(0.1), 'reply'"))
        client.socket.shutdown(socket.SHUT_WR)
        assert [r.kind for r in client.until_closed()] == ["T", "D", "C", "Z"]


def test_client_that_does_not_read_does_not_stop_the_others(start: Start) -> None:
    """Its server waits, the proxy's memory does not grow with the result, and others are served."""
    proxy = start(serverConnections=2)
    with _client(proxy) as lazy:
        lazy.send(p.query("select repeat('l', 1000000) from generate_series(1, 300)"))
        lazy.read()
        for _ in range(20):
            assert _serves(proxy)
        resident = int(Path(f"/proc/{proxy.pid}/statm").read_text().split()[1]) * 4096
        assert resident < 250_000_000


def test_full_table_of_descriptors(postgres: Postgres, tmp_path: Path) -> None:
    """Clients above the limit wait or are refused; those inside go on; all is well when some leave."""
    with start_proxy(postgres, tmp_path, files_max=64, serverConnections=3) as proxy:
        inside = [_client(proxy) for _ in range(10)]
        assert inside[0].value("select 1") == "1"
        strangers = [socket.create_connection(("127.0.0.1", proxy.port), timeout=1) for _ in range(100)]
        for client in inside:
            assert client.value("select 2") == "2"
        for stranger in strangers:
            stranger.close()
        wait_for("new clients are served", lambda: _serves(proxy), PATIENCE)
        for client in inside:
            client.close()


def test_database_that_is_away_and_comes_back(tmp_path: Path) -> None:
    """Who asks hears 08006 and the cause at once; when the server is up the same session is served."""
    server = Postgres()
    try:
        with start_proxy(server, tmp_path, ready="/healthz") as proxy, _client(proxy) as client:
            assert client.value("select 1") == "1"
            server.stop()
            for asked in (lambda: client.run("select 1"), lambda: client.run("select 2"), lambda: _client(proxy).run("select 3")):
                with pytest.raises(ServerError, match="08006: cannot connect to the database at 127.0.0.1:"):
                    asked()
            server.start()
            wait_for("the session is served", lambda: _is_served(client), PATIENCE)
            wait_for("the proxy serves new clients", lambda: _serves(proxy), PATIENCE)
    finally:
        server.close()


def test_database_that_never_answers(tmp_path: Path) -> None:
    """A listener that accepts and is silent: serverConnectSeconds ends the attempt."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        config = standard_config(tmp_path, silent.getsockname()[1],
                                 timeouts={"serverConnectSeconds": 1, "queryWaitSeconds": 3})
        with Proxy(tmp_path, config, ready="/healthz") as proxy:
            with pytest.raises((ServerError, EOFError)):
                _client(proxy).run("select 1")


def test_server_that_speaks_nonsense(tmp_path: Path) -> None:
    """Nothing that a server sends may end the proxy."""
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen(100)
        odd.settimeout(PATIENCE)
        config = standard_config(tmp_path, odd.getsockname()[1], timeouts={"queryWaitSeconds": 2})
        with Proxy(tmp_path, config, ready="/healthz") as proxy:
            with Client("127.0.0.1", proxy.port) as client:
                client.send(p.startup({"user": TRUST_USER, "database": DATABASE}))
                connection, _ = odd.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    client.until_closed()
            assert proxy.get("/healthz")[0] == 200


def test_kill_minus_nine_leaves_nothing_behind(postgres: Postgres, tmp_path: Path) -> None:
    """The backends end by themselves, and a new proxy takes the same ports at once."""
    proxy = start_proxy(postgres, tmp_path)
    with _client(proxy) as client:
        client.run("begin")
        proxy.kill()
    wait_for("the backends are gone", lambda: postgres.pooled() == 0, PATIENCE)
    with Proxy(tmp_path, proxy.config) as again:
        assert _serves(again)


def test_port_that_is_taken(postgres: Postgres, tmp_path: Path) -> None:
    """The proxy says which port and does not start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = standard_config(tmp_path, postgres.port, listen={"port": taken.getsockname()[1]})
        with pytest.raises(RuntimeError, match=str(taken.getsockname()[1])):
            Proxy(tmp_path, config, ready="/healthz")


def test_thousand_killed_clients_leak_no_server(start: Start, postgres: Postgres) -> None:
    """After a storm of clients that die anywhere the pool still has all its servers."""
    proxy = start(serverConnections=3)
    kinds = (p.query("select pg_sleep(0.001)"), p.query("begin"), p.parse("", "select 1"), b"Q\0\0", b"")
    for number in range(600):
        client = _client(proxy)
        client.send(kinds[number % len(kinds)])
        client.close()
    holders = []
    for _ in range(3):
        holders.append(_client(proxy))
        holders[-1].run("begin")
    assert postgres.pooled() <= 3
    for holder in holders:
        holder.close()
