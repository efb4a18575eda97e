"""`./dev bench`: Penstock beside PostgreSQL alone and PgBouncer, all on one CPU, rounds interleaved.

POOLBENCH=DIR runs the comparison with the lab in that folder instead, with the peers of tests/bench/peers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("PENSTOCK_BUILD", "build/release")

from contenders import (  # noqa: E402 - the path above comes first
    CPU, SOURCE, Contender, Postgres, find_pgbouncer, proxy_program, start_penstock, start_pgbouncer,
)
from measure import Run, idle_bytes_per_client, run  # noqa: E402

PROTOCOLS = ("simple", "extended", "prepared")
CLIENTS = (8, 64, 500)
IDLE_CLIENTS = 1_000
Results = dict[tuple[str, int], dict[str, list[Run]]]


def with_lab(lab: Path, arguments: list[str]) -> int:
    """The lab's own runner, with our peers added."""
    out = SOURCE / "build" / "poolbench"
    command = [
        sys.executable, str(lab / "poolbench.py"), "run", "--out", str(out), "--peers", "direct,pgbouncer,penstock",
        "--groups", "onecpu,idle", "--bin", f"pgbouncer={find_pgbouncer()}", "--bin", f"penstock={proxy_program()}",
    ]
    return subprocess.run(
        [*command, *arguments], env={**os.environ, "POOLBENCH_PEERS": str(HERE / "peers")}, check=False
    ).returncode


def measure_all(
    contenders: list[Contender], cells: list[tuple[str, int]], rounds: int, seconds: float, folder: Path
) -> Results:
    """Each round measures every contender, beginning with another one each time."""
    results: Results = defaultdict(lambda: defaultdict(list))
    for turn in range(rounds):
        for protocol, clients in cells:
            for at in range(len(contenders)):
                contender = contenders[(turn + at) % len(contenders)]
                one = run(contender, protocol, clients, seconds, folder)
                results[protocol, clients][contender.name].append(one)
            print(f"round {turn + 1} of {rounds}: {protocol}, {clients} clients", flush=True)
    return results


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the ratios inside each round: what slows the machine slows both."""
    return statistics.median(a / b if b else 0.0 for a, b in zip(ours, theirs))


def spread(ours: list[float], theirs: list[float]) -> str:
    """The least and the largest of the ratios inside each round."""
    ratios = [a / b if b else 0.0 for a, b in zip(ours, theirs)]
    return f"{min(ratios):.2f}-{max(ratios):.2f}"


def report(results: Results, memory: dict[str, float]) -> bool:
    """Prints the tables; whether the bars are met."""
    met = True
    print(f"\n{'protocol':>9} {'clients':>7} | {'TPS direct':>10} {'pgbouncer':>10} {'penstock':>10} {'ratio':>6} {'spread':>9}"
          f" | {'us/query pgb':>12} {'penstock':>9} {'ratio':>6} {'spread':>9}")
    for (protocol, clients), by_name in results.items():
        tps = {name: [one.tps for one in runs] for name, runs in by_name.items()}
        cpu = {name: [one.cpu_us_per_query for one in runs] for name, runs in by_name.items()}
        tps_ratio, cpu_ratio = ratio(tps["penstock"], tps["pgbouncer"]), ratio(cpu["penstock"], cpu["pgbouncer"])
        bad = cpu_ratio > 1.0 or (clients == max(CLIENTS) and tps_ratio < 1.0)
        met = met and not bad
        middle = statistics.median
        print(f"{protocol:>9} {clients:>7} | {middle(tps['direct']):>10.0f} {middle(tps['pgbouncer']):>10.0f}"
              f" {middle(tps['penstock']):>10.0f} {tps_ratio:>6.2f}"
              f" {spread(tps['penstock'], tps['pgbouncer']):>9} | {middle(cpu['pgbouncer']):>12.2f}"
              f" {middle(cpu['penstock']):>9.2f} {cpu_ratio:>6.2f} {spread(cpu['penstock'], cpu['pgbouncer']):>9}"
              f"{'  above the bar' if bad else ''}")
    share = memory["penstock"] / memory["pgbouncer"] if memory["pgbouncer"] else 0.0
    print(f"\nbytes per idle client: pgbouncer {memory['pgbouncer']:.0f}, penstock {memory['penstock']:.0f},"
          f" ratio {share:.2f}{'  above the bar of 1.5' if share > 1.5 else ''}")
    return met and share <= 1.5


def main() -> int:
    """Starts the contenders, measures, prints, and writes build/bench.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=3.0, help="of each run")
    options.add_argument("--protocols", default=",".join(PROTOCOLS), help="some of them, with a comma between")
    options.add_argument("--clients", default=",".join(map(str, CLIENTS)), help="numbers, with a comma between")
    if "POOLBENCH" in os.environ:
        return with_lab(Path(os.environ["POOLBENCH"]), sys.argv[1:])
    chosen = options.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pgbouncer = find_pgbouncer()
    os.sched_setaffinity(0, {int(CPU)})  # PostgreSQL and everything else that is started inherits it
    folder = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    folder.chmod(0o755)
    postgres = Postgres(max_connections=max(CLIENTS) + 100)
    contenders = [Contender("direct", postgres.port)]
    try:
        for start in (lambda at: start_pgbouncer(pgbouncer, postgres, at), lambda at: start_penstock(postgres, at)):
            own = folder / str(len(contenders))
            own.mkdir()
            contenders.append(start(own))
        # First, while nothing that a crowd left behind could be used again.
        memory = {c.name: idle_bytes_per_client(c, IDLE_CLIENTS) for c in contenders[1:]}
        cells = [(p, int(n)) for p in chosen.protocols.split(",") for n in chosen.clients.split(",")]
        results = measure_all(contenders, cells, chosen.rounds, chosen.seconds, folder)
        figures = {f"{p} {n}": {k: [vars(r) for r in v] for k, v in by.items()} for (p, n), by in results.items()}
        (SOURCE / "build").mkdir(exist_ok=True)
        (SOURCE / "build" / "bench.json").write_text(json.dumps({"runs": figures, "idle bytes": memory}, indent=1))
        return 0 if report(results, memory) else 1
    finally:
        for contender in contenders:
            contender.close()
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
