"""Timeouts and limits as PgBouncer has them: what the client hears, and that the server comes free."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from support import protocol as p
from support.pg import DATABASE, TRUST_USER, Postgres
from support.process import wait_for
from support.proxy import Proxy
from support.wire import PATIENCE, Client, ServerError, connect

Start = Callable[..., Proxy]


def _client(proxy: Proxy) -> Client:
    return connect(proxy.port, TRUST_USER, DATABASE)


def _last_words(client: Client) -> str:
    """The SQLSTATE of the error that ends the connection."""
    errors = [reply for reply in client.until_closed() if reply.kind == "E"]
    return errors[-1].fields()["C"] if errors else "closed without a word"


def _can_run(proxy: Proxy) -> None:
    with _client(proxy) as other:
        assert other.value("select 1") == "1"


def test_query_timeout(start: Start) -> None:
    """A query over its time ends its connection and frees the only server."""
    proxy = start(serverConnections=1, timeouts={"querySeconds": 1})
    with _client(proxy) as client:
        client.send(p.query("select pg_sleep(60)"))
        assert _last_words(client) == "57014"
    _can_run(proxy)


def test_transaction_timeout(start: Start) -> None:
    """Time in a transaction counts, whether busy or not."""
    proxy = start(serverConnections=1, timeouts={"transactionSeconds": 1})
    with _client(proxy) as client:
        client.run("begin")
        assert _last_words(client) == "25P04"
    _can_run(proxy)


def test_idle_in_transaction_timeout(start: Start) -> None:
    """A client that is silent in a transaction is cut off, and the transaction is rolled back."""
    proxy = start(serverConnections=1, timeouts={"idleInTransactionSeconds": 1})
    with _client(proxy) as client:
        client.run("begin")
        assert _last_words(client) == "25P03"
    _can_run(proxy)


def test_client_idle_timeout(start: Start) -> None:
    """A client that is silent outside a transaction is cut off."""
    proxy = start(timeouts={"clientIdleSeconds": 1})
    with _client(proxy) as client:
        client.run("select 1")
        assert _last_words(client) == "57P05"


@pytest.mark.parametrize("mode", ["Transaction", "Session"])
@pytest.mark.parametrize(
    ("timeout", "sqlstate"),
    [("idleInTransactionSeconds", "25P03"), ("transactionSeconds", "25P04"), ("clientIdleSeconds", "57P05")],
)
def test_silence_in_an_unsynced_batch(start: Start, mode: str, timeout: str, sqlstate: str) -> None:
    """After Parse, and after a Flush that was answered: the server is held for the client, so each timeout ends it."""
    proxy = start(poolMode=mode, serverConnections=2, timeouts={timeout: 1})
    with _client(proxy) as parsed, _client(proxy) as flushed:
        parsed.send(p.parse("", "select 1"))
        flushed.send(p.parse("", "select 1"), p.flush())
        assert flushed.read()
        assert _last_words(parsed) == _last_words(flushed) == sqlstate
    _can_run(proxy)


def test_client_that_reads_nothing(start: Start) -> None:
    """Its server comes free after clientWriteSeconds without progress."""
    proxy = start(serverConnections=1, timeouts={"clientWriteSeconds": 1})
    with _client(proxy) as lazy:
        lazy.send(p.query("select repeat('l', 1000000) from generate_series(1, 300)"))
        lazy.read()
        _can_run(proxy)


def test_query_wait_timeout_keeps_the_connection(start: Start) -> None:
    """A transaction that waited too long is refused with 53300; its client may try again."""
    proxy = start(serverConnections=1, timeouts={"queryWaitSeconds": 1})
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        with pytest.raises(ServerError) as refused:
            waiting.run("select 1")
        assert refused.value.sqlstate == "53300"
        holder.run("commit")
        assert waiting.value("select 2") == "2"


def test_refused_batch_is_answered_like_a_failed_one(start: Start) -> None:
    """One ErrorResponse and one ReadyForQuery for each Sync, nothing else."""
    proxy = start(serverConnections=1, timeouts={"queryWaitSeconds": 1})
    with _client(proxy) as holder, _client(proxy) as waiting:
        holder.run("begin")
        waiting.send(p.parse("", "select 1"), p.bind(), p.execute(), p.sync())
        assert [reply.kind for reply in waiting.until_ready()] == ["E", "Z"]
        holder.run("commit")
        waiting.send(p.parse("", "select 1"), p.bind(), p.execute(), p.sync())
        assert [reply.kind for reply in waiting.until_ready()] == ["1", "2", "D", "C", "Z"]


def test_line_of_waiting_transactions_is_bounded(start: Start) -> None:
    """With two places in the line the third transaction is refused at once with 53300, and its client stays."""
    proxy = start(serverConnections=1, queue={"maxLength": 2, "maxWaitMilliseconds": 60_000})
    clients = [_client(proxy) for _ in range(4)]
    holder, first, second, third = clients
    holder.run("begin")
    for waiting in (first, second):
        waiting.send(p.query("select 'waited'"))
    wait_for("two wait", lambda: proxy.waiting() == 2, PATIENCE)
    with pytest.raises(ServerError) as refused:
        third.run("select 1")
    assert refused.value.sqlstate == "53300"
    holder.run("commit")
    for waiting in (first, second):
        assert [r.kind for r in waiting.until_ready()] == ["T", "D", "C", "Z"]
    assert third.value("select 3") == "3"
    for client in clients:
        client.close()


def test_line_of_one_database_refuses_nobody_of_another(start: Start) -> None:
    """queue.maxLength holds for each database and user, whichever worker they meet."""
    proxy = start(serverConnections=2, queue={"maxLength": 1, "maxWaitMilliseconds": 60_000})
    with _client(proxy) as slow, _client(proxy) as waits, connect(proxy.port, TRUST_USER, "postgres") as holder, \
            connect(proxy.port, TRUST_USER, "postgres") as other:
        slow.run("begin")
        holder.run("begin")
        waits.send(p.query("select 'slow'"))
        wait_for("one of the first database waits", lambda: proxy.waiting() == 1, PATIENCE)
        other.send(p.query("select 'other'"))
        wait_for("one of the second waits too", lambda: proxy.waiting() == 2, PATIENCE)
        holder.run("commit")
        assert [r.kind for r in other.until_ready()] == ["T", "D", "C", "Z"]
        slow.run("commit")
        assert [r.kind for r in waits.until_ready()] == ["T", "D", "C", "Z"]


def test_most_clients_and_one_more(start: Start) -> None:
    """53300 at login, and a place that is given back can be taken again."""
    proxy = start(limits={"maxClientConnections": 3})
    clients = [_client(proxy) for _ in range(3)]
    with pytest.raises(ServerError) as refused:
        _client(proxy)
    assert refused.value.sqlstate == "53300"
    clients.pop().close()

    def logs_in() -> bool:
        try:
            _client(proxy).close()
        except (ServerError, EOFError):
            return False
        return True

    wait_for("the free place is taken", logs_in, PATIENCE)
    for client in clients:
        client.close()


def test_idle_servers_are_closed(start: Start, postgres: Postgres) -> None:
    """serverIdleSeconds after their last use none is left."""
    proxy = start(timeouts={"serverIdleSeconds": 1})
    _can_run(proxy)
    wait_for("the idle server is closed", lambda: postgres.pooled() == 0, PATIENCE)


def test_old_servers_are_replaced(start: Start) -> None:
    """serverLifetimeSeconds: the same client is served by another backend afterwards, without a fault."""
    proxy = start(serverConnections=1, timeouts={"serverLifetimeSeconds": 1})
    with _client(proxy) as client:
        first = client.value("select pg_backend_pid()")
        wait_for("another backend", lambda: client.value("select pg_backend_pid()") != first, PATIENCE)


def test_waiting_transactions_are_served_in_order(start: Start) -> None:
    """First come, first served, among the clients of one worker."""
    proxy = start(serverConnections=1, workers=1)
    clients = [_client(proxy) for _ in range(6)]
    holder, waiting = clients[0], clients[1:]
    holder.run("create table if not exists public.arrivals (at serial, who int); truncate public.arrivals; begin")
    for number, client in enumerate(waiting):
        client.send(p.query(f"insert into public.arrivals (who) values ({number})"))
        wait_for(f"{number + 1} wait", lambda n=number: proxy.waiting() == n + 1, PATIENCE)  # type: ignore[misc]
    holder.run("commit")
    for client in waiting:
        client.until_ready()
    order = [int(row[0] or b"-1") for row in holder.run("select who from public.arrivals order by at")]
    holder.run("drop table public.arrivals")
    assert order == sorted(order)
    for client in clients:
        client.close()


def test_client_that_left_the_line_gets_no_server(start: Start) -> None:
    """It broke away: its place goes to the next, and nobody runs its statement."""
    proxy = start(serverConnections=1)
    with _client(proxy) as holder, _client(proxy) as next_one:
        leaver = _client(proxy)
        holder.run("create table if not exists public.ghosts (a int); truncate public.ghosts; begin")
        leaver.send(p.query("insert into public.ghosts values (1)"))
        wait_for("it waits", lambda: proxy.waiting() == 1, PATIENCE)
        leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        leaver.close()
        wait_for("it left the line", lambda: proxy.waiting() == 0, PATIENCE)
        runner = threading.Thread(target=lambda: next_one.run("select 1"))
        runner.start()
        holder.run("commit")
        runner.join(PATIENCE)
        assert holder.value("select count(*) from public.ghosts") == "0"
        holder.run("drop table public.ghosts")
