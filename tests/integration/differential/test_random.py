"""Random scripts, played against PostgreSQL and through the proxy by clients that take turns.

DIFFERENTIAL_SEED=n replays one script and cuts it down; DIFFERENTIAL_SCRIPTS=n plays so many, from DIFFERENTIAL_FROM on.
"""

from __future__ import annotations

import concurrent.futures
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pg import Postgres
from support.process import die_with_parent
from support.proxy import Proxy, start_proxy

from .random_grammar import draw
from .random_play import SCRIPTS_PER_CHECK, Lane
from .random_shrink import shrunk

_LANES = 2  # processes, each with proxies and databases of its own
_SCRIPTS_PER_EPOCH = 250
_FAULTS_MAX = 3  # of one lane are cut down and shown
_SERVERS = {"Transaction": 4, "Session": 8}

Ports = dict[str, int]


@pytest.fixture(scope="module")
def lanes(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Ports]]:
    """The proxies of each lane by their pool mode."""
    running: list[Proxy] = []
    ports: list[Ports] = []
    postgres.execute("create role other; grant other to trusted")
    for _ in range(_LANES):
        ports.append({})
        for mode, servers in _SERVERS.items():
            running.append(start_proxy(postgres, tmp_path_factory.mktemp("random"), poolMode=mode, serverConnections=servers))
            ports[-1][mode] = running[-1].port
    yield ports
    for proxy in running:
        proxy.close()


def _number(name: str, otherwise: int) -> int:
    return int(os.environ.get(name, str(otherwise)))


def _play_lane(number: int, port: int, proxies: Ports, first: int, count: int) -> list[str]:
    """Plays seeds of one lane; what failed, cut down."""
    lane = Lane(number, port, proxies)
    lane.prepare()
    try:
        return _play_seeds(lane, range(first, first + count))
    except Exception:  # the other process shows no traceback
        return [traceback.format_exc()]
    finally:
        lane.close()


def _play_seeds(lane: Lane, seeds: range) -> list[str]:
    faults: list[str] = []
    epoch = -1
    for start in range(seeds.start, seeds.stop, SCRIPTS_PER_CHECK):
        if start // _SCRIPTS_PER_EPOCH != epoch:
            epoch = start // _SCRIPTS_PER_EPOCH
            lane.begin_epoch(epoch)
        chosen = range(start, min(start + SCRIPTS_PER_CHECK, seeds.stop))
        failed = {seed: found for seed in chosen if (found := lane.parted(draw(seed)))}
        failed = {**lane.rows_parted(chosen), **failed}
        for seed, found in sorted(failed.items()):
            faults.append(_explained(lane, seed, found))
            if len(faults) >= _FAULTS_MAX:
                return faults
    return faults


def _explained(lane: Lane, seed: int, found: str) -> str:
    script = draw(seed)
    smaller, fault = shrunk(script, lane.fault_of)
    if not fault:
        return f"DIFFERENTIAL_SEED={seed} (not when played alone)\n{script}\n{found}"
    return f"DIFFERENTIAL_SEED={seed}, cut down to:\n{smaller}\n{fault}"


def test_random_scripts_are_answered_as_by_postgresql(postgres: Postgres, lanes: list[Ports]) -> None:
    """Replies and committed rows of every script are those of a direct session."""
    first, count = _number("DIFFERENTIAL_FROM", 1), _number("DIFFERENTIAL_SCRIPTS", 500)
    if "DIFFERENTIAL_SEED" in os.environ:
        first, count = _number("DIFFERENTIAL_SEED", 1), 1
    share = -(-count // _LANES)
    with concurrent.futures.ProcessPoolExecutor(_LANES, initializer=die_with_parent) as pool:
        plays = [
            pool.submit(_play_lane, number, postgres.port, ports, first + number * share,
                        min(share, count - number * share))
            for number, ports in enumerate(lanes)
            if count > number * share
        ]
        faults = [fault for play in plays for fault in play.result()]
    assert not faults, "\n\n".join(faults)
