"""Clients of a pool: pgbench, and threads that count every transaction that failed."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

import psycopg
from support.pg import program


@dataclass(frozen=True)
class Login:
    """Where and as whom clients connect."""

    host: str
    port: int
    database: str
    user: str
    password: str

    def connect(self, seconds: int = 10) -> psycopg.Connection:
        """A new session."""
        return psycopg.connect(
            host=self.host, port=self.port, dbname=self.database, user=self.user, password=self.password,
            connect_timeout=seconds, autocommit=True, prepare_threshold=None,
        )

    def query(self, sql: str = "select 1") -> object:
        """One query on a session of its own."""
        with self.connect() as connection:
            row = connection.execute(sql).fetchone()
            assert row is not None
            return row[0]


@dataclass(frozen=True)
class BenchResult:
    """What pgbench says at its end."""

    transactions: int
    failed: int
    output: str


class Bench:
    """pgbench for some seconds; `finish()` waits for it. Statements sleep a little, so connections are held."""

    def __init__(self, login: Login, seconds: int, clients: int = 20, sql: str = "select pg_sleep(0.005);") -> None:
        self._process = subprocess.Popen(
            [
                program("pgbench"), "-h", login.host, "-p", str(login.port), "-U", login.user, "-n", "-f", "/dev/stdin",
                "-c", str(clients), "-j", "2", "-T", str(seconds), login.database,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PGPASSWORD": login.password},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(sql + "\n")
        self._process.stdin.close()
        self._process.stdin = None

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def finish(self) -> BenchResult:
        """Its result; raises if it broke off."""
        output, _ = self._process.communicate(timeout=600)
        done = re.search(r"number of transactions actually processed: (\d+)", output)
        failed = re.search(r"number of failed transactions: (\d+)", output)
        assert self._process.returncode == 0 and done, f"pgbench ended with {self._process.returncode}:\n{output}"
        return BenchResult(int(done[1]), int(failed[1]) if failed else 0, output)

    def stop(self) -> None:
        """Ends it, result or not."""
        if self.running():
            self._process.kill()
        self._process.wait()


@dataclass
class Tally:
    """done: transactions that the client knows to be committed. failed: those that broke after they had begun.
    reconnects: sessions that ended between transactions. refusals: connects that were tried again."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    reconnects: int = 0
    refusals: list[str] = field(default_factory=list)


class RetryingClients:
    """`with RetryingClients(login, 8) as tally`: sessions of short transactions, whose clients do what drivers' pools
    do: a session that was ended between two transactions is opened again, a refused connect is tried again.
    A transaction that fails after its BEGIN was answered is counted as failed and never hidden."""

    def __init__(self, login: Login, clients: int, pause_seconds: float = 0.005, query_seconds: float = 0.002) -> None:
        self._login = login
        self._sql = f"select pg_sleep({query_seconds})"
        self._pause = pause_seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self.tally = Tally()

    def __enter__(self) -> Tally:
        for thread in self._threads:
            thread.start()
        return self.tally

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        connection: psycopg.Connection | None = None
        while not self._stop.is_set():
            if connection is None:
                connection = self._connect()
                continue
            if not self._transaction(connection):
                connection.close()
                connection = None
            time.sleep(self._pause)
        if connection is not None:
            connection.close()

    def _connect(self) -> psycopg.Connection | None:
        try:
            return self._login.connect()
        except psycopg.Error as error:
            with self._lock:
                self.tally.refusals.append(str(error).strip())
            self._stop.wait(0.1)
            return None

    def _transaction(self, connection: psycopg.Connection) -> bool:
        begun = False
        try:
            connection.execute("begin")
            begun = True
            connection.execute(self._sql)
            connection.execute("commit")
        except psycopg.Error as error:
            with self._lock:
                if begun:
                    self.tally.failed.append(str(error).strip())
                else:
                    self.tally.reconnects += 1
            return False
        with self._lock:
            self.tally.done += 1
        return True
