"""Real clients: psql, pgbench in its three protocols, psycopg with its prepared statements and pipelines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import psycopg
import pytest
from support.pg import DATABASE, SCRAM_USER, TRUST_USER, Postgres, password_of, program
from support.proxy import Proxy

Start = Callable[..., Proxy]


@pytest.fixture
def bench_tables(postgres: Postgres) -> Iterator[None]:
    """pgbench's own tables."""
    subprocess.run([program("pgbench"), "-i", "-q", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", TRUST_USER,
                    DATABASE], check=True, capture_output=True)
    yield
    postgres.execute("drop table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers")


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pgbench(start: Start, bench_tables: None, protocol: str) -> None:
    """TPC-B: transactions of seven statements, more clients than servers.

    A thread for each client: pgbench prepares a statement synchronously, and would else wait for a server that another
    client of the same thread holds.
    """
    proxy = start(serverConnections=4)
    done = subprocess.run(
        [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", TRUST_USER, "-c", "16", "-j", "16",
         "-t", "60", "-M", protocol, DATABASE],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 960/960" in done.stdout, done.stdout


def test_psql(start: Start) -> None:
    """Its own commands, a COPY each way and an error that does not end the session."""
    proxy = start(clients={"authentication": "ScramSha256"})
    text = (
        "create table psql_test (a int);\n\\copy psql_test from stdin\n1\n2\n\\.\n\\d psql_test\n"
        "select 1/0;\nselect sum(a) as total from psql_test;\ncopy psql_test to stdout;\ndrop table psql_test;\n"
    )
    done = subprocess.run(
        [program("psql"), "-X", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", SCRAM_USER, DATABASE],
        input=text, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PGPASSWORD": password_of(SCRAM_USER)},
    )
    assert done.returncode == 0, done.stderr
    assert "DROP TABLE" in done.stdout and "division by zero" in done.stderr and "3" in done.stdout


def _connect(proxy: Proxy, **options: object) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1", port=proxy.port, user=TRUST_USER, dbname=DATABASE, autocommit=True, **options  # type: ignore
    )


def test_psycopg_prepares_by_itself(start: Start) -> None:
    """prepare_threshold 0: every statement becomes a named one, on two servers in turn."""
    proxy = start(serverConnections=2)
    with _connect(proxy, prepare_threshold=0) as one, _connect(proxy, prepare_threshold=0) as two:
        for number in range(50):
            for connection in (one, two):
                with connection.transaction():
                    assert connection.execute("select %s::int + 1", (number,)).fetchone() == (number + 1,)
                    assert connection.execute("select %s::text", (str(number),)).fetchone() == (str(number),)


def test_psycopg_pipeline(start: Start) -> None:
    """libpq's pipeline mode, with an error in the middle."""
    with _connect(start(serverConnections=1), prepare_threshold=0) as connection:
        with connection.pipeline():
            cursors = [connection.execute("select %s::int", (n,)) for n in range(20)]
        assert [c.fetchone() for c in cursors] == [(n,) for n in range(20)]
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            connection.execute("select 1/0")
        assert connection.execute("select 1").fetchone() == (1,)


def test_psycopg_outlives_a_changed_table(start: Start) -> None:
    """A statement whose result changes: one 0A000 is PostgreSQL's own answer, then the client recovers.

    One server: another would have no old plan, and so no error.
    """
    with _connect(start(serverConnections=1), prepare_threshold=0) as connection:
        connection.execute("create table changing (a int)")
        try:
            assert connection.execute("select * from changing").fetchall() == []
            connection.execute("alter table changing add b int")
            with pytest.raises(psycopg.errors.FeatureNotSupported):
                connection.execute("select * from changing")
        finally:
            connection.execute("drop table changing")
        assert connection.execute("select 1").fetchone() == (1,)


def test_psycopg_copy(start: Start) -> None:
    """COPY both ways by the extended protocol."""
    with _connect(start(serverConnections=1)) as connection, connection.transaction():
        connection.execute("create temporary table copied (a int, b text) on commit drop")
        cursor = connection.cursor()
        with cursor.copy("copy copied from stdin") as copy:
            for number in range(1000):
                copy.write_row((number, "x" * 100))
        with cursor.copy("copy copied to stdout") as copy:
            assert len(list(copy.rows())) == 1000


def test_psycopg_cancels(start: Start) -> None:
    """libpq's own cancel."""
    with _connect(start()) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("set statement_timeout to 100; select pg_sleep(60)")
        connection.execute("reset statement_timeout")
        connection.cancel()
        assert connection.execute("select 1").fetchone() == (1,)


def test_psycopg_server_side_cursor(start: Start) -> None:
    """A named cursor inside a transaction, fetched in pieces."""
    with _connect(start(serverConnections=1)) as connection, connection.transaction():
        with connection.cursor(name="pieces") as cursor:
            cursor.itersize = 100
            cursor.execute("select generate_series(1, 1000)")
            assert sum(int(str(row[0])) for row in cursor) == 500_500
