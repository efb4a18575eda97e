"""Fixtures: one PostgreSQL for the whole run, and proxies that end with their test."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.pg import POOLED, Postgres
from support.process import wait_for
from support.proxy import Proxy, start_proxy
from support.wire import PATIENCE

FILES_WANTED = 16_000  # for the tests with thousands of clients


def pytest_configure(config: pytest.Config) -> None:
    """Raises this process's limit on open files as far as it may go."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """A CA whose folder PostgreSQL's user can read too."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-ca-"))
    yield Authority(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server that tests share; they leave no objects behind in it."""
    server = Postgres(max_connections=100)
    yield server
    server.close()


def _end_backends(postgres: Postgres) -> None:
    """What the test before left running in the database (a killed proxy's pg_sleep) must not count for this one."""
    postgres.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {POOLED}")
    wait_for("all backends have ended", lambda: postgres.pooled() == 0, PATIENCE)


@pytest.fixture
def start(postgres: Postgres, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """start(**changes) starts a proxy in front of the shared server; it is ended, and judged, after the test."""
    running: list[Proxy] = []
    _end_backends(postgres)

    def start_one(**changes: Any) -> Proxy:
        folder = tmp_path / f"proxy-{len(running)}"
        folder.mkdir()
        running.append(start_proxy(postgres, folder, **changes))
        return running[-1]

    yield start_one
    faults = []
    for proxy in running:
        try:
            proxy.close()
        except (AssertionError, TimeoutError) as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)
