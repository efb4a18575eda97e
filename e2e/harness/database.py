"""A PostgreSQL on this machine that Pods reach, and what the cases ask it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from support.pg import ADMIN, DATABASE, SCRAM_USER, Postgres, password_of

from .sampler import PROXIES_SQL, Sampler

MONITOR_USER = "penstock_monitor"
RESERVED = 3  # superuser_reserved_connections
ADMIN_NAME = "e2e-admin"


class Database:
    """Owned by the session. The integration tests' PostgreSQL, listening also where Pods reach this machine."""

    def __init__(self, host: str, max_connections: int = 60) -> None:
        addresses = "127.0.0.1" if host == "127.0.0.1" else f"127.0.0.1,{host}"
        self.server = Postgres(max_connections=max_connections, listen_addresses=f"'{addresses}'")
        self.host, self.port, self.max_connections = host, self.server.port, max_connections
        self.name, self.user, self.password = DATABASE, SCRAM_USER, password_of(SCRAM_USER)
        self.execute(f"create role {MONITOR_USER} login password '{self.monitor_password}' in role pg_monitor")

    @property
    def monitor_password(self) -> str:
        """Of the role that proxies ask the database's facts as."""
        return password_of(MONITOR_USER)

    def budget(self, percent: int = 70, headroom: int = 5) -> int:
        """B: the connections that all pools together may have, as the design says."""
        usable = self.max_connections - RESERVED
        return min(usable * percent // 100, usable - headroom)

    @contextlib.contextmanager
    def admin(self) -> Iterator[psycopg.Connection[Any]]:
        """A superuser's session that commits each statement."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=DATABASE, user=ADMIN, application_name=ADMIN_NAME, autocommit=True
        ) as connection:
            yield connection

    def execute(self, sql: str) -> None:
        """A statement as superuser."""
        with self.admin() as connection:
            connection.execute(sql)

    def value(self, sql: str) -> Any:
        """The first column of a query's first row."""
        with self.admin() as connection:
            row = connection.execute(sql).fetchone()
            assert row is not None
            return row[0]

    def proxies_have(self) -> int:
        """Server connections that proxies have right now."""
        return int(self.value(PROXIES_SQL))

    def watched(self, budget: int | None = None) -> Sampler:
        """Samples them while a case runs."""
        return Sampler(_Count(self), self.budget() if budget is None else budget)

    def close(self) -> None:
        """Ends the server and removes its folder."""
        self.server.close()


class _Count:
    """Counts over one connection for as long as that lives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                host="127.0.0.1", port=self._database.port, dbname=DATABASE, user=ADMIN, autocommit=True,
                application_name=ADMIN_NAME, connect_timeout=2,
            )
        row = self._connection.execute(PROXIES_SQL).fetchone()
        assert row is not None
        return int(row[0])
