"""`./dev bench --instructions`: instructions per query under callgrind, which a noisy machine does not change.

Each cell runs the proxy twice, with few and with many queries for each client; the difference is what queries cost.
Instructions of the kernel are not counted.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("PENSTOCK_BUILD", "build/release")

from contenders import POOL, Contender, Postgres, penstock_config, ready  # noqa: E402 - the path above comes first
from measure import SELECT, pgbench  # noqa: E402
from support.process import start, stop  # noqa: E402
from support.proxy import proxy_program  # noqa: E402

PROTOCOLS = ("simple", "extended", "prepared")
CLIENTS = (1, 8)
FEW, MANY = 20, 420  # queries of each client
END_SECONDS = 60


def collected(program: Path, postgres: Postgres, protocol: str, clients: int, queries: int) -> int:
    """All instructions of one proxy's life in which each client ran so many queries."""
    with tempfile.TemporaryDirectory(prefix="penstock-callgrind-") as name:
        folder = Path(name)
        config, file = penstock_config(postgres, folder)
        script = folder / "select.sql"
        script.write_text(SELECT, encoding="ascii")
        log = folder / "callgrind.log"
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
        child = start([*command, str(program), "--config", str(file)], folder / "penstock.log")
        contender = Contender("penstock", config["listen"]["port"], child)
        try:
            ready(contender, folder / "penstock.log")
            pgbench(contender, protocol, clients, script, "-t", str(queries))
        finally:
            stop(child, signal.SIGTERM, END_SECONDS)
        found = re.search(r"Collected : (\d+)", log.read_text(encoding="ascii"))
        if found is None:
            raise RuntimeError(f"callgrind printed no count:\n{log.read_text(encoding='ascii')}")
        return int(found[1])


def per_query(program: Path, postgres: Postgres, protocol: str, clients: int) -> float:
    """Instructions of the proxy for each query."""
    few, many = (collected(program, postgres, protocol, clients, queries) for queries in (FEW, MANY))
    return (many - few) / ((MANY - FEW) * clients)


def main() -> int:
    """Prints a row for each cell; 1 if one is above the bar."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--against", type=Path, help="another penstock-proxy to compare with")
    options.add_argument("--bar", type=float, default=1.03, help="the ratio to it that no cell may exceed")
    options.add_argument("--protocols", default=",".join(PROTOCOLS), help="some of them, with a comma between")
    options.add_argument("--clients", default=",".join(map(str, CLIENTS)), help="numbers, with a comma between")
    chosen = options.parse_args()
    subprocess.run(["valgrind", "--version"], check=True)
    postgres = Postgres(max_connections=POOL + 20)
    met = True
    try:
        print(f"{'protocol':>9} {'clients':>7} {'instructions':>12}" + (f" {'against':>9} {'ratio':>6}" if chosen.against else ""))
        for protocol in chosen.protocols.split(","):
            for clients in map(int, chosen.clients.split(",")):
                ours = per_query(proxy_program(), postgres, protocol, clients)
                row = f"{protocol:>9} {clients:>7} {ours:>12.0f}"
                if chosen.against:
                    theirs = per_query(chosen.against, postgres, protocol, clients)
                    is_bad = ours > theirs * chosen.bar
                    met = met and not is_bad
                    row += f" {theirs:>9.0f} {ours / theirs:>6.3f}{'  above the bar' if is_bad else ''}"
                print(row, flush=True)
    finally:
        postgres.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
