"""A PostgreSQL of one's own: made by initdb in a folder that goes away, listening on loopback only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import process
from .certificates import Authority
from .wire import PATIENCE, Client, connect

DATABASE = "app"
# Who logs in how (pg_hba.conf below). The password of each user is its own name with "-secret" behind it.
TRUST_USER, SCRAM_USER, MD5_USER, CLEAR_USER = "trusted", "scrammed", "hashed", "cleared"
ADMIN = "postgres"
# In pg_stat_activity: client backends that are not the tests' own.
POOLED = "backend_type = 'client backend' and application_name <> 'test-admin'"
POOLED_SQL = f"select count(*) from pg_stat_activity where {POOLED}"


def password_of(user: str) -> str:
    """The password that user was created with."""
    return f"{user}-secret"


def bin_folder() -> Path:
    """Where this machine's newest PostgreSQL programs are; Debian keeps initdb out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not found:
        raise FileNotFoundError("no PostgreSQL under /usr/lib/postgresql: apt install postgresql")
    return found[-1]


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    return str(bin_folder() / name)


class Postgres:
    """A running server. PostgreSQL refuses to run as root, so root starts it as the user postgres."""

    def __init__(self, max_connections: int = 100, authority: Authority | None = None, **settings: str) -> None:
        self.port = process.free_port()
        self.max_connections = max_connections
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
        self._user = "postgres" if os.geteuid() == 0 else None
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._make_cluster(authority, settings)
            self.start()
            self._make_users()
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "log"

    def start(self) -> None:
        """Starts the server and waits until it takes logins."""
        self._server = process.start(
            [program("postgres"), "-D", str(self.folder / "data")], self.log, self._user, cwd="/"
        )
        process.wait_for("PostgreSQL takes logins", self._takes_logins, PATIENCE)

    def stop(self, mode: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown by default; the data stays for the next start."""
        if self._server is not None:
            process.stop(self._server, mode, PATIENCE)
            self._server = None

    def close(self) -> None:
        """Ends the server without ceremony and removes its folder."""
        try:
            self.stop(signal.SIGQUIT)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, database: str = DATABASE) -> Client:
        """A superuser's session, straight to the server."""
        return connect(self.port, ADMIN, database, application_name="test-admin")

    def execute(self, sql: str) -> list[list[bytes | None]]:
        """One statement as superuser."""
        with self.admin() as client:
            return client.run(sql)

    def pooled(self) -> int:
        """Client backends that the tests themselves did not open."""
        with self.admin() as client:
            return int(client.value(POOLED_SQL))

    def _takes_logins(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended at its start:\n{self.log.read_text(errors='replace')}")
        try:
            self.admin("postgres").close()
        except Exception:  # any refusal means: not yet
            return False
        return True

    def _make_cluster(self, authority: Authority | None, settings: dict[str, str]) -> None:
        data = self.folder / "data"
        if self._user:
            shutil.chown(self.folder, self._user)
        subprocess.run(
            [program("initdb"), "-D", str(data), "-N", "-U", ADMIN, "-E", "UTF8", "--locale=C", "-A", "trust"],
            check=True, capture_output=True, user=self._user, cwd="/",
        )
        values = {
            "port": str(self.port), "listen_addresses": "'127.0.0.1'", "unix_socket_directories": "''",
            "fsync": "off", "max_connections": str(self.max_connections), "autovacuum": "off",
            "log_min_messages": "warning", "password_encryption": "'scram-sha-256'", "timezone": "'UTC'",
            **settings,
        }
        if authority is not None:
            pair = authority.issue("postgres", owner=self._user)
            values |= {"ssl": "on", "ssl_cert_file": f"'{pair.certificate}'", "ssl_key_file": f"'{pair.key}'"}
        with open(data / "postgresql.conf", "a", encoding="ascii") as file:
            file.writelines(f"{name} = {value}\n" for name, value in values.items())
        hba = f"host all {ADMIN},{TRUST_USER} all trust\nhost replication {ADMIN},{TRUST_USER} all trust\n"
        hba += f"host all {SCRAM_USER} all scram-sha-256\nhost all {MD5_USER} all md5\n"
        hba += f"host all {CLEAR_USER} all password\nhost all all all scram-sha-256\n"
        (data / "pg_hba.conf").write_text(hba, encoding="ascii")

    def _make_users(self) -> None:
        with self.admin("postgres") as client:
            for user in (TRUST_USER, SCRAM_USER, CLEAR_USER):
                client.run(f"create role {user} login password '{password_of(user)}'")
            client.run("set password_encryption = 'md5'")
            client.run(f"create role {MD5_USER} login password '{password_of(MD5_USER)}'")
            client.run(f"create database {DATABASE}")
        with self.admin() as client:
            client.run("grant all on schema public to public")
