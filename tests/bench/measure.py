"""One measurement: pgbench on the same CPU as everything else, and what the pooler used meanwhile."""

from __future__ import annotations

import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from contenders import CPU, DATABASE, TRUST_USER, Contender
from support.pg import program
from support.process import cpu_seconds
from support.wire import connect

SELECT = "\\set aid random(1, 100000)\nselect :aid;\n"
_LOGIN_SECONDS = 0.005
NOTHING = "\\set aid 1\n"


@dataclass(frozen=True)
class Run:
    """What one run gave. CPU is the pooler's own, without its logins."""

    tps: float
    cpu_us_per_query: float


def pgbench(contender: Contender, protocol: str, clients: int, script: Path, *length: str) -> tuple[int, float, float]:
    """Transactions, their rate, and the pooler's CPU seconds."""
    before = cpu_seconds(contender.child.pid) if contender.child else 0.0
    done = subprocess.run(
        ["taskset", "-c", CPU, program("pgbench"), "-n", "-h", "127.0.0.1", "-p", str(contender.port), "-U", TRUST_USER,
         "-M", protocol, "-c", str(clients), "-j", "1", "-f", str(script), *length, DATABASE],
        capture_output=True, text=True, check=False,
    )
    after = cpu_seconds(contender.child.pid) if contender.child else 0.0
    if done.returncode != 0:
        raise RuntimeError(f"pgbench on {contender.name} ended with {done.returncode}:\n{done.stderr[-1000:]}")
    count = re.search(r"transactions actually processed: (\d+)", done.stdout)
    rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    if count is None or rate is None:
        raise RuntimeError(f"pgbench printed no figures:\n{done.stdout}")
    return int(count[1]), float(rate[1]), after - before


def run(contender: Contender, protocol: str, clients: int, seconds: float, folder: Path) -> Run:
    """A timed run, and one that only logs in, whose CPU is taken off."""
    for name, text in (("select.sql", SELECT), ("nothing.sql", NOTHING)):
        (folder / name).write_text(text, encoding="ascii")
    _, _, logins = pgbench(contender, protocol, clients, folder / "nothing.sql", "-t", "1")
    # pgbench's clock runs while it connects.
    length = ("-T", str(max(1, round(seconds + clients * _LOGIN_SECONDS))))
    count, tps, used = pgbench(contender, protocol, clients, folder / "select.sql", *length)
    return Run(tps, max(0.0, used - logins) / count * 1e6)


def idle_bytes_per_client(contender: Contender, clients: int) -> float:
    """Growth of the pooler's resident memory with so many clients that have run one query each."""
    assert contender.child is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, clients + 200)), hard))
    before = _resident(contender.child.pid)
    connected = []
    try:
        for _ in range(clients):
            connected.append(connect(contender.port, TRUST_USER, DATABASE))
            connected[-1].run("select 1")
        return (_resident(contender.child.pid) - before) / clients
    finally:
        for client in connected:
            client.close()


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no Rss of {pid}")
