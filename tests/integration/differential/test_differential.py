"""Plays every scenario against PostgreSQL and through the proxy, and compares the replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.pg import Postgres
from support.proxy import Proxy, start_proxy

from . import commands, copy, extended, faults, parameters, pipeline, session_state, simple, startup, statements  # noqa: F401 - they register
from .scenario import ALL, Errors, Scenario, Variant
from .stage import Stage
from .transcript import difference, without_farewell

_SERVERS = {Variant.TRANSACTION: 5, Variant.HOP: 2, Variant.SPLIT: 5, Variant.SESSION: 8}


class Fleet:
    """The proxies of this module, started when first asked for, all in front of one server."""

    def __init__(self, postgres: Postgres, make_folder: Callable[[str], Path]) -> None:
        self._postgres = postgres
        self._make_folder = make_folder
        self._running: dict[tuple[str, int, str], Proxy] = {}

    def port(self, variant: Variant, authentication: str) -> int:
        """Where the proxy for this kind of scenario listens."""
        mode = "Session" if variant is Variant.SESSION else "Transaction"
        key = (mode, _SERVERS[variant], authentication)
        if key not in self._running:
            self._running[key] = start_proxy(
                self._postgres, self._make_folder("proxy"), poolMode=mode, serverConnections=_SERVERS[variant],
                clients={"authentication": authentication},
            )
        return self._running[key].port

    def close(self) -> None:
        """Ends them all."""
        for proxy in self._running.values():
            proxy.close()


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The proxies."""
    proxies = Fleet(postgres, tmp_path_factory.mktemp)
    yield proxies
    proxies.close()


_expected: dict[str, dict[str, list[str]]] = {}


def _play(scenario: Scenario, postgres: Postgres, port: int, variant: Variant | None) -> dict[str, list[str]]:
    """The transcript of one run. What stops a run through the proxy is a line of it, so that it is shown in its place."""
    postgres.execute(
        "drop schema if exists scratch cascade; create schema scratch; grant all on schema scratch to public"
    )
    with Stage(postgres, port, variant, scenario.errors) as stage:
        try:
            scenario.play(stage)
        except Exception as fault:
            if variant is None:
                raise
            stage.say("a", f"{type(fault).__name__}: {fault}")
        return stage.transcript()


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        pytest.param(s, v, id=f"{s.name}-{v.value}",
                     marks=[pytest.mark.xfail(strict=True, reason=s.difference)] if s.differs else [])
        for s in ALL
        for v in s.variants()
    ],
)
def test_replies_are_those_of_postgresql(
    scenario: Scenario, variant: Variant, postgres: Postgres, fleet: Fleet
) -> None:
    """The transcript through the proxy is that of the direct run."""
    if scenario.name not in _expected:
        _expected[scenario.name] = _play(scenario, postgres, postgres.port, None)
    got = _play(scenario, postgres, fleet.port(variant, scenario.authentication), variant)
    expected = _expected[scenario.name]
    if scenario.errors is Errors.FAREWELL:
        expected, got = ({k: without_farewell(v) for k, v in t.items()} for t in (expected, got))
    parted = difference(expected, got)
    assert not parted, parted
