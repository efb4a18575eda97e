"""Many clients on few servers: nothing lost, nothing mixed up, never a connection too many."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support.crowd import TagKeeper
from support.pg import ADMIN, DATABASE, TRUST_USER, Postgres, program
from support.process import wait_for
from support.proxy import Proxy
from support.sampler import Sampler
from support.wire import PATIENCE, Client, connect

Start = Callable[..., Proxy]
_IDLE, _BUSY, _POOL = 5_000, 500, 20
_KEEPERS, _ROUNDS = 200, 15


def test_five_thousand_idle_and_five_hundred_busy(start: Start, postgres: Postgres, tmp_path: Path) -> None:
    """pgbench counts what it got; the database counts the backends."""
    proxy = start(serverConnections=_POOL, limits={"maxClientConnections": _IDLE + _BUSY + 10})
    script = tmp_path / "select.sql"
    script.write_text("\\set a random(1, 1000)\nselect :a;\n", encoding="ascii")
    idle: list[Client] = []
    try:
        with Sampler(postgres) as seen:
            idle += (connect(proxy.port, TRUST_USER, DATABASE) for _ in range(_IDLE))
            done = subprocess.run(
                [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", TRUST_USER, "-c",
                 str(_BUSY), "-j", "2", "-T", "8", "-M", "prepared", "-f", str(script), DATABASE],
                capture_output=True, text=True, check=False, timeout=120,
            )
            assert done.returncode == 0, done.stderr
            assert "number of failed transactions: 0 " in done.stdout, done.stdout
            for client in random.Random(1).sample(idle, 200):
                assert client.value("select 'awake'") == "awake"
        assert 0 < seen.highest <= _POOL
    finally:
        for client in idle:
            client.close()


def test_every_client_reads_its_own_tag(start: Start, postgres: Postgres) -> None:
    """Two hundred clients interleave all kinds of requests on ten servers; every row must be the reader's own."""
    proxy = start(serverConnections=10)
    order = random.Random(7)
    keepers = [TagKeeper(proxy.port, TRUST_USER, DATABASE, tag, seed=tag) for tag in range(_KEEPERS)]
    with Sampler(postgres) as seen:
        for _ in range(_ROUNDS):
            order.shuffle(keepers)
            for keeper in keepers:
                keeper.send()
            order.shuffle(keepers)
            for keeper in keepers:
                keeper.receive()
    assert seen.highest <= 10
    for keeper in keepers:
        keeper.client.close()


def test_parameters_stay_with_their_client(start: Start) -> None:
    """Forty clients with ten time zones and styles on three servers, in random order."""
    proxy = start(serverConnections=3)
    order = random.Random(3)
    zones = ["UTC", "Europe/Paris", "Asia/Tokyo", "America/New_York", "Asia/Kolkata"]
    clients: list[tuple[Client, str, str]] = []
    for number in range(40):
        zone, style = zones[number % 5], ("ISO, MDY", "German, DMY")[number % 2]
        if number % 4 < 2:
            client = connect(proxy.port, TRUST_USER, DATABASE, TimeZone=zone, DateStyle=style)
        else:
            client = connect(proxy.port, TRUST_USER, DATABASE)
            client.run(f"set timezone to '{zone}'; set datestyle to '{style}'")
        clients.append((client, zone, style))
    for _ in range(10):
        order.shuffle(clients)
        for client, zone, style in clients:
            assert client.value("show timezone") == zone
            assert client.value("show datestyle") == style
    for client, _, _ in clients:
        client.close()


def test_a_tenant_that_saturates_the_pool_leaves_others_their_part(start: Start, tmp_path: Path) -> None:
    """Another user's queries wait for one transaction and a login, and then for nobody."""
    proxy = start(serverConnections=4)
    script = tmp_path / "sleep.sql"
    script.write_text("select pg_sleep(0.05);\n", encoding="ascii")
    crowd = subprocess.Popen(
        [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", TRUST_USER, "-c", "100", "-j", "1",
         "-T", "600", "-f", str(script), DATABASE],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the crowd waits", lambda: proxy.waiting() >= 90, PATIENCE)
        with connect(proxy.port, ADMIN, DATABASE) as other:
            times = []
            for _ in range(10):
                began = time.monotonic()
                assert other.value("select 1") == "1"
                times.append(time.monotonic() - began)
        # In the crowd's line each would wait for 96 others: more than a second.
        assert sorted(times)[5] < 0.5 * PATIENCE / 15, times
        assert proxy.waiting() >= 90
    finally:
        crowd.terminate()
        crowd.wait()


def test_no_client_waits_while_another_worker_has_an_idle_server(start: Start) -> None:
    """Two clients of different workers take turns on what servers there are: none waits for a timer."""
    proxy = start(serverConnections=5, workers=2)
    clients = [connect(proxy.port, TRUST_USER, DATABASE) for _ in range(10)]
    try:
        times = []
        for turn in range(100):
            began = time.monotonic()
            assert clients[turn % 10].value("select 1") == "1"
            times.append(time.monotonic() - began)
        assert sorted(times)[90] < 0.02 * PATIENCE / 15, times
    finally:
        for client in clients:
            client.close()


def test_reconnecting_clients(start: Start, postgres: Postgres, tmp_path: Path) -> None:
    """Thousands of logins in a row, while the number of backends stays within the pool."""
    proxy = start(serverConnections=5)
    script = tmp_path / "one.sql"
    script.write_text("select 1;\n", encoding="ascii")
    with Sampler(postgres) as seen:
        done = subprocess.run(
            [program("pgbench"), "-n", "-C", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", TRUST_USER, "-c", "20",
             "-j", "2", "-T", "4", "-f", str(script), DATABASE],
            capture_output=True, text=True, check=False, timeout=120,
        )
    assert done.returncode == 0 and "number of failed transactions: 0 " in done.stdout, done.stdout + done.stderr
    assert seen.highest <= 5
