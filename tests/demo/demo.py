"""`./dev demo`: two pools in front of a throw-away PostgreSQL, under load that rises and falls again.

Everything that it starts ends with it, also at Ctrl-C; the table and the picture stay in demo-out/.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests" / "integration"), str(SOURCE / "tests" / "demo")]
os.environ.setdefault("PENSTOCK_BUILD", "build/release")

from picture import Series, spark, svg  # noqa: E402 - the paths above come first
from support.local_mode import ROLES, LocalMode, make_roles  # noqa: E402
from support.pg import DATABASE, Postgres, program  # noqa: E402
from support.process import die_with_parent  # noqa: E402

OUT = SOURCE / "demo-out"
MAX_CONNECTIONS = 100
PERIOD_SECONDS = 0.5
# (clients of orders, clients of reports, seconds)
STEPS = [(10, 2, 15), (60, 4, 20), (200, 8, 25), (400, 12, 30), (200, 8, 20), (60, 4, 20), (10, 2, 30)]
# A client thinks, then holds a connection; the server sleeps rather than computes, so that a laptop can show it.
SCRIPTS = {
    "orders": "\\set think random(120, 280)\n\\sleep :think ms\nbegin;\nselect pg_sleep(0.02);\nselect pg_sleep(0.02);\n"
    "commit;\n",
    "reports": "\\set think random(300, 700)\n\\sleep :think ms\nselect pg_sleep(0.4);\n",
}
USER_OF = {"orders": "orders_app", "reports": "reports_app"}


@dataclass
class Samples:
    """What is seen twice a second: connections in the database, and what the operator says."""

    times: list[float] = field(default_factory=list)
    rows: dict[str, list[float]] = field(default_factory=dict)

    def add(self, at: float, values: dict[str, float]) -> None:
        """One row."""
        self.times.append(at)
        for name, value in values.items():
            self.rows.setdefault(name, []).append(value)

    def write(self, path: Path) -> None:
        """As CSV."""
        with open(path, "w", newline="", encoding="ascii") as file:
            table = csv.writer(file)
            table.writerow(["seconds", *self.rows])
            table.writerows([f"{at:.1f}", *values] for at, *values in zip(self.times, *self.rows.values()))


class Watcher:
    """Samples in a thread of its own until it is told to stop."""

    def __init__(self, postgres: Postgres, local: LocalMode) -> None:
        self.samples = Samples()
        self.clients = {"orders": 0, "reports": 0}
        self._local = local
        self._client = postgres.admin()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            values: dict[str, float] = {}
            counted = self._client.run(
                "select usename, count(*) from pg_stat_activity where backend_type = 'client backend' group by 1"
            )
            open_now = {(row[0] or b"").decode(): float(row[1] or 0) for row in counted}
            for pool, user in USER_OF.items():
                status = self._local.status(pool)
                budget, latency = status.get("budget") or {}, status.get("latency") or {}
                values[f"{pool} clients"] = self.clients[pool]
                values[f"{pool} connections"] = open_now.get(user, 0.0)
                values[f"{pool} granted"] = float(budget.get("granted", 0))
                values[f"{pool} ceiling"] = float(budget.get("ceiling", 0))
                values[f"{pool} wait p99 ms"] = float(latency.get("queueWaitP99Milliseconds", 0))
            self.samples.add(time.monotonic() - self._began, values)


def pgbench(local: LocalMode, pool: str, clients: int, seconds: int, folder: Path) -> subprocess.Popen[bytes]:
    """The load on one pool for one step."""
    script = folder / f"{pool}.sql"
    script.write_text(SCRIPTS[pool], encoding="ascii")
    user = USER_OF[pool]
    with open(folder / f"{pool}.log", "wb") as log:  # a pipe that nobody reads would stop it
        return subprocess.Popen(
            [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(local.ports[pool]), "-U", user, "-M", "extended",
             "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", str(script), DATABASE],
            stdout=log, stderr=log, preexec_fn=die_with_parent,
            env={**os.environ, "PGPASSWORD": ROLES[user][0]},
        )


def drive(local: LocalMode, watcher: Watcher, folder: Path) -> int:
    """All steps. Returns how many pgbench runs reported errors; `describe` is printed at the highest load."""
    faults = 0
    highest = max(step[0] for step in STEPS)
    print(f"\n{'time':>5}  {'clients':>14}  {'connections':>14}  {'granted':>14}  {'wait p99':>16}")
    for orders, reports, seconds in STEPS:
        watcher.clients = {"orders": orders, "reports": reports}
        runs = {pool: pgbench(local, pool, count, seconds, folder) for pool, count in watcher.clients.items()}
        deadline = time.monotonic() + seconds
        described = orders != highest
        while time.monotonic() < deadline:
            time.sleep(min(5.0, max(0.1, deadline - time.monotonic())))
            show(watcher.samples)
            if not described and deadline - time.monotonic() < seconds / 2:
                describe(local, "at the highest load")
                described = True
        for pool, run in runs.items():
            code = run.wait(60)
            said = (folder / f"{pool}.log").read_text(errors="replace")
            if refused := said.count("the connection pool is overloaded"):
                print(f"{refused} clients of {pool} were refused with 53300 by the policy; pgbench gives such clients up")
            elif code != 0:
                faults += 1
                print(f"pgbench on {pool} ended with {code}:\n{said[-600:]}")
    return faults


def show(samples: Samples) -> None:
    """The last row, orders and reports beside each other."""
    if not samples.times:
        return
    last = {name: values[-1] for name, values in samples.rows.items()}

    def pair(what: str) -> str:
        return f"{last[f'orders {what}']:.0f} + {last[f'reports {what}']:.0f}"

    print(f"{samples.times[-1]:4.0f}s  {pair('clients'):>14}  {pair('connections'):>14}  {pair('granted'):>14}"
          f"  {pair('wait p99 ms'):>13} ms", flush=True)


def describe(local: LocalMode, when: str) -> None:
    """`get` and `describe`, as a user would see them."""
    print(f"\n--- penstock-operator, {when} ---")
    print(local.run("get", "cpool"))
    print(local.run("describe", "cpool", "orders"), flush=True)


def draw(samples: Samples) -> None:
    """The table and both pictures."""
    OUT.mkdir(exist_ok=True)
    samples.write(OUT / "samples.csv")

    def lines(what: str, unit: str = "") -> list[Series]:
        return [Series(f"{pool} {what}", samples.rows.get(f"{pool} {what}", []), unit) for pool in USER_OF]

    everything = [sum(pair) for pair in zip(*(line.values for line in lines("connections")))]
    print("\n" + "\n".join(spark(line) for line in (
        *lines("clients"), *lines("connections"), Series("connections together", everything), *lines("granted"),
        *lines("wait p99 ms", " ms"))))
    ceiling = Series("ceiling", samples.rows.get("orders ceiling", []))
    picture = svg(samples.times, [
        ("Clients", lines("clients")),
        ("Connections", [*lines("connections"), Series("together", everything), ceiling]),
        ("Wait p99 (ms)", lines("wait p99 ms")),
    ])
    (OUT / "demo.svg").write_text(picture, encoding="utf-8")
    print(f"\nmost connections at once: {max(everything, default=0):.0f} of {MAX_CONNECTIONS}"
          f"\ntable and picture: {OUT / 'samples.csv'}, {OUT / 'demo.svg'}")


def interrupted(*_: object) -> None:
    """SIGTERM as Ctrl-C: the clean-up below runs."""
    raise KeyboardInterrupt


def main() -> int:
    """Starts everything, drives it, and ends it whatever happens."""
    signal.signal(signal.SIGTERM, interrupted)
    folder = Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    postgres: Postgres | None = None
    local: LocalMode | None = None
    watcher: Watcher | None = None
    try:
        print(f"a PostgreSQL with max_connections = {MAX_CONNECTIONS}")
        postgres = Postgres(max_connections=MAX_CONNECTIONS)
        make_roles(postgres)
        local = LocalMode(folder, postgres)
        print("penstock-operator local, on a copy of manifests/samples")
        local.start(60)
        watcher = Watcher(postgres, local)
        describe(local, "before")
        faults = drive(local, watcher, folder)
        describe(local, "after")
        draw(watcher.samples)
        return 1 if faults else 0
    except KeyboardInterrupt:
        print("\nstopped; cleaning up")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if watcher is not None:
            watcher.stop()
        try:
            if local is not None:
                local.close()
        finally:
            if postgres is not None:
                postgres.close()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
