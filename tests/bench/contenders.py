"""The programs that are compared: PostgreSQL alone, PgBouncer, Penstock. All are pinned to one CPU."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "integration"))

from support.pg import DATABASE, TRUST_USER, Postgres  # noqa: E402 - the path above comes first
from support.process import free_port, start, stop, wait_for  # noqa: E402
from support.proxy import proxy_program, standard_config, write_users  # noqa: E402
from support.wire import PATIENCE, connect  # noqa: E402

CPU = "0"
POOL = 20
CLIENTS_MAX = 15_000
PGBOUNCER_WANTED = (1, 24)
HOW_TO_GET_PGBOUNCER = (
    "PgBouncer 1.24 or newer is needed (Debian 12 has 1.18, without prepared statements in transaction mode).\n"
    "Give one with PGBOUNCER=PATH, or let tests/bench/fetch_pgbouncer.sh put Debian 13's package below .cache."
)


@dataclass
class Contender:
    """Something that listens. `child` is None for PostgreSQL itself, whose CPU is not compared."""

    name: str
    port: int
    child: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """Ends it."""
        if self.child is not None:
            stop(self.child, signal.SIGTERM if self.name == "penstock" else signal.SIGQUIT, 30)


def pgbouncer_version(program: str) -> tuple[int, int]:
    """(1, 24); (0, 0) for what is none."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.match(r"PgBouncer (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_pgbouncer() -> str:
    """PGBOUNCER, the one in PATH, or Debian 13's package; raises FileNotFoundError that says what to do."""
    given = os.environ.get("PGBOUNCER")
    installed = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    for program in filter(None, [given] if given else [installed]):
        if pgbouncer_version(program) >= PGBOUNCER_WANTED:
            return program
        print(f"{program} is PgBouncer {'.'.join(map(str, pgbouncer_version(program)))}: too old to compare with")
    if given:
        raise FileNotFoundError(HOW_TO_GET_PGBOUNCER)
    print("fetching Debian 13's PgBouncer into .cache")
    fetched = subprocess.run(
        [str(SOURCE / "tests/bench/fetch_pgbouncer.sh"), str(SOURCE / ".cache/pgbouncer")],
        stdout=subprocess.PIPE, text=True, check=False,
    )
    if fetched.returncode != 0:
        raise FileNotFoundError(HOW_TO_GET_PGBOUNCER)
    return fetched.stdout.strip()


def start_pgbouncer(program: str, postgres: Postgres, folder: Path) -> Contender:
    """PgBouncer in transaction mode with the same pool. It refuses to run as root."""
    port = free_port()
    user = "postgres" if os.geteuid() == 0 else None
    (folder / "userlist.txt").write_text(f'"{TRUST_USER}" ""\n', encoding="ascii")
    settings = {
        "listen_addr": "127.0.0.1", "listen_port": port, "listen_backlog": 4096, "unix_socket_dir": "",
        "auth_type": "trust", "auth_file": folder / "userlist.txt", "pool_mode": "transaction",
        "default_pool_size": POOL, "max_client_conn": CLIENTS_MAX, "max_prepared_statements": 200,
        "server_tls_sslmode": "disable", "log_connections": 0, "log_disconnections": 0, "log_stats": 0,
    }
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        f"[databases]\n{DATABASE} = host=127.0.0.1 port={postgres.port}\n[pgbouncer]\n"
        + "".join(f"{key} = {value}\n" for key, value in settings.items()),
        encoding="ascii",
    )
    child = start(["taskset", "-c", CPU, program, "-q", str(ini)], folder / "pgbouncer.log", user, cwd="/")
    return ready(Contender("pgbouncer", port, child), folder / "pgbouncer.log")


def penstock_config(postgres: Postgres, folder: Path) -> tuple[dict[str, Any], Path]:
    """A configuration with one worker, one CPU as PgBouncer has, and the file that it is in."""
    write_users(folder / "userlist.txt", {TRUST_USER: "unused"})
    config = standard_config(
        folder, postgres.port, serverConnections=POOL, workers=1, logLevel="Warning",
        limits={"maxClientConnections": CLIENTS_MAX}, drain={"timeoutSeconds": 1},
    )
    file = folder / "proxy.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")
    return config, file


def start_penstock(postgres: Postgres, folder: Path) -> Contender:
    """Penstock beside PgBouncer."""
    config, file = penstock_config(postgres, folder)
    log = folder / "penstock.log"
    child = start(["taskset", "-c", CPU, str(proxy_program()), "--config", str(file)], log)
    return ready(Contender("penstock", config["listen"]["port"], child), log)


def ready(contender: Contender, log: Path) -> Contender:
    """The contender, once it serves."""
    child = contender.child
    assert child is not None

    def serves() -> bool:
        if child.poll() is not None:
            raise RuntimeError(f"{contender.name} ended with {child.returncode}:\n{log.read_text(errors='replace')}")
        try:
            connect(contender.port, TRUST_USER, DATABASE).close()
        except OSError:
            return False
        return True

    wait_for(f"{contender.name} serves", serves, PATIENCE)
    return contender
