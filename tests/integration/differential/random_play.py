"""Plays random scripts against PostgreSQL and through the proxy, and finds where the replies or the committed rows part."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from support import protocol as p
from support.pg import ADMIN, TRUST_USER
from support.process import wait_for
from support.wire import PATIENCE, Client, connect

from .random_grammar import epoch_settings
from .random_script import STRANGERS, Script, Step
from .random_talk import Talk, send_step
from .scenario import Errors
from .transcript import CLOSED, difference, ordered, shown, without_farewell

SCRIPTS_PER_CHECK = 50  # committed rows are compared so often
Heard = dict[str, list[p.Message | str]]
QUIET_SECONDS = PATIENCE / 3  # until servers whose clients have left must be idle
_STRANGERS_START = {"TimeZone": "Australia/Sydney", "DateStyle": "Postgres, DMY"}
_TABLES = """
create table effects (script int, client text, n int); create table strict (a int check (a > 1));
create sequence counter; create schema one; create schema two; create table kin (a int); insert into kin values (7);
create table one.kin (a text); insert into one.kin values ('one'); create table two.kin (b date); insert into two.kin values ('2024-01-02');
grant all on schema public, one, two to public; grant all on all tables in schema public, one, two to public;
grant all on sequence counter to public
"""


@dataclass
class Lane:
    """Two databases of one server, for PostgreSQL itself and for the way through the proxies; one process plays in a lane."""

    number: int
    port: int
    proxies: dict[str, int]  # pool mode to port
    direct: Client = field(init=False)
    proxied: Client = field(init=False)
    strangers: dict[str, Talk] = field(default_factory=dict)

    @property
    def databases(self) -> tuple[str, str]:
        """Directly and through the proxy."""
        return f"plain{self.number}", f"pooled{self.number}"

    def prepare(self) -> None:
        """Makes both databases anew."""
        with connect(self.port, ADMIN, "postgres", application_name="test-admin") as admin:
            for name in self.databases:
                admin.run(f"drop database if exists {name} with (force)")
                admin.run(f"create database {name}")
        self.direct, self.proxied = (
            connect(self.port, ADMIN, name, application_name="test-admin") for name in self.databases
        )
        for admin in (self.direct, self.proxied):
            admin.run(_TABLES)

    def begin_epoch(self, number: int) -> None:
        """Another role, or another administrator's day: new sessions begin with other values, and all servers are new."""
        for admin, name in zip((self.direct, self.proxied), self.databases, strict=True):
            admin.run(f"alter role {TRUST_USER} in database {name} reset all; alter database {name} reset all")
            for setting, value in epoch_settings(number).items():
                owner = f"role {TRUST_USER} in database" if number % 2 else "database"
                admin.run(f"alter {owner} {name} set {setting} to {value}")
        self.end_strangers()
        others = f"from pg_stat_activity where datname = '{self.databases[1]}' and pid <> pg_backend_pid()"
        self.proxied.run(f"select pg_terminate_backend(pid) {others}")
        wait_for("all servers are new", lambda: self.proxied.value(f"select count(*) {others}") == "0", PATIENCE)
        for mode, port in self.proxies.items():
            with contextlib.closing(self._talk(port, self.databases[1], {})) as first:
                first.send(send_step(first, (("Query", "select 1"),)))
                first.wait()
                first.leave("FIN")
            for who in STRANGERS:
                self.strangers[mode + who] = self._talk(port, self.databases[1], _STRANGERS_START)

    def end_strangers(self) -> None:
        """Before their servers end."""
        for talk in self.strangers.values():
            talk.close()
        self.strangers.clear()

    def parted(self, script: Script) -> str:
        """Where the replies part; empty if they do not."""
        expected = self._play(script, self.port, self.databases[0], {})
        strangers = {who: self.strangers[script.mode + who] for who in STRANGERS}
        got = self._play(script, self.proxies[script.mode], self.databases[1], strangers)
        return parted(expected, got)

    def rows_parted(self, seeds: Iterable[int]) -> dict[int, str]:
        """The scripts whose committed rows differ, once nothing runs any more."""
        chosen = ", ".join(map(str, seeds))
        found = []
        for admin, name in zip((self.direct, self.proxied), self.databases, strict=True):
            try:
                wait_for(f"nothing runs in {name}", lambda: admin.value(_busy(name)) == "0", QUIET_SECONDS)
            except TimeoutError as fault:
                held = admin.value(f"select string_agg(state || ': ' || query, '; ') from pg_stat_activity {_where_busy(name)}")
                admin.run(f"select pg_terminate_backend(pid) from pg_stat_activity {_where_busy(name)}")
                admin.run(f"delete from effects where script in ({chosen})")
                return {seed: f"{fault}: {held}" for seed in seeds}
            rows = admin.run(f"select script, client, n from effects where script in ({chosen}) order by 1, 2, 3")
            found.append([(int(s or 0), (c or b"").decode(), int(n or 0)) for s, c, n in rows])
            admin.run(f"delete from effects where script in ({chosen})")
        direct, proxied = found
        return {
            seed: f"committed rows:\n  PostgreSQL: {_of(direct, seed)}\n  proxy:      {_of(proxied, seed)}"
            for seed in {row[0] for row in direct + proxied}
            if _of(direct, seed) != _of(proxied, seed)
        }

    def close(self) -> None:
        """Ends its own connections."""
        self.end_strangers()
        self.direct.close()
        self.proxied.close()

    def fault_of(self, script: Script) -> str:
        """The first difference of a script that is played alone."""
        self.rows_parted([script.seed])
        return self.parted(script) or self.rows_parted([script.seed]).get(script.seed, "")

    def _play(self, script: Script, port: int, database: str, strangers: dict[str, Talk]) -> Heard:
        talks: dict[str, Talk] = {}
        try:
            for who, parameters in script.startup.items():
                talks[who] = self._talk(port, database, parameters)
            for step in script.steps:
                if step.who in STRANGERS:
                    if strangers:
                        _take_step(strangers[step.who], step)
                else:
                    _take_step(talks[step.who], step)
            for talk in talks.values():
                talk.leave("FIN")
            return {who: talk.heard for who, talk in talks.items()}
        finally:
            for talk in talks.values():
                talk.close()
            for talk in strangers.values():
                _settle(talk)

    def _talk(self, port: int, database: str, parameters: dict[str, str]) -> Talk:
        return Talk(port, {"user": TRUST_USER, "database": database, **parameters})


def _busy(name: str) -> str:
    return f"select count(*) from pg_stat_activity {_where_busy(name)}"


def _where_busy(name: str) -> str:
    return f"where datname = '{name}' and state <> 'idle' and pid <> pg_backend_pid()"


def _of(rows: list[tuple[int, str, int]], seed: int) -> list[tuple[str, int]]:
    return [(client, n) for script, client, n in rows if script == seed]


def _take_step(talk: Talk, step: Step) -> None:
    if not talk.is_open:
        return
    data = send_step(talk, step.messages)
    if step.cut:
        talk.send(data[: step.cut])
    talk.send(data[step.cut :])
    if step.waits:
        talk.wait()
    if step.leave == "nonsense" or step.leave == "end":
        talk.read_to_end()
    elif step.leave:
        talk.leave(step.leave)


def _settle(stranger: Talk) -> None:
    """A stranger whose last step was cut away gives its server back."""
    stranger.heard.clear()
    if stranger.is_open and stranger.status != "I":
        stranger.send(send_step(stranger, (("Query", "rollback"),)))
        stranger.wait()


def parted(expected: Heard, got: Heard) -> str:
    """Where two plays part. Equal bytes, which is the common case, are not rendered."""
    if all(_plain(got.get(who, [])) == _plain(heard) for who, heard in expected.items()):
        return ""
    return difference(_rendered(expected, got), _rendered(got, expected))


def _plain(heard: list[p.Message | str]) -> list[tuple[str, bytes] | str]:
    return [reply if isinstance(reply, str) else (reply.kind, reply.body) for reply in heard]


def _rendered(heard: Heard, other: Heard) -> dict[str, list[str]]:
    """What PostgreSQL wrote must be equal as a whole; what the proxy writes itself, in code and words."""
    result = {}
    for who, replies in heard.items():
        theirs = [r for r in other.get(who, []) if not isinstance(r, str) and r.kind == "E"]
        lines, errors = [], 0
        for reply in replies:
            kept = Errors.WHOLE
            if not isinstance(reply, str) and reply.kind == "E":
                partner = theirs[errors] if errors < len(theirs) else reply
                errors += 1
                if not ("R" in reply.fields() and "R" in partner.fields()):
                    kept = Errors.CODE if reply.fields().get("S") == "FATAL" else Errors.TEXT
            lines.append(reply if isinstance(reply, str) else shown(reply, kept))
        lines = without_farewell(ordered(lines)) if CLOSED in lines else ordered(lines)
        result[who] = lines
    return result
