"""Fixtures: a folder of manifests with an operator on it, in front of stand-ins or of real proxies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from operator_on import OperatorOn  # noqa: E402
from support.local_mode import LocalMode, make_roles  # noqa: E402
from support.pg import Postgres  # noqa: E402
from support.wire import PATIENCE  # noqa: E402


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[OperatorOn]:
    """An operator whose proxies are stand-ins; it is not started yet."""
    on = OperatorOn(tmp_path / "manifests", tmp_path / "operator.log")
    yield on
    on.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL of this module's own: the budget is counted on all of it."""
    postgres = Postgres(max_connections=100)
    make_roles(postgres)
    yield postgres
    postgres.close()


@pytest.fixture
def local(server: Postgres, tmp_path: Path) -> Iterator[LocalMode]:
    """The sample pools, Ready, on real proxies."""
    mode = LocalMode(tmp_path, server)
    try:
        mode.start(4 * PATIENCE)
        yield mode
    finally:
        mode.close()
