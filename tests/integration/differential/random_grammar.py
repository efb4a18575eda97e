"""Draws random scripts from a grammar, one from each seed.

Out of it for pool mode Transaction, since it is defined to differ there: LISTEN (refused with 0A000), and over the end of
a transaction what PostgreSQL keeps in a session and never reports (temporary tables, advisory locks, cursors WITH HOLD,
statements of SQL's PREPARE, parameters such as work_mem, currval). Inside one transaction both modes play all of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from .random_script import CLIENTS, STRANGERS, Message, Script, Step
from .random_words import (
    BAD_SETTINGS,
    EPOCHS,
    PLAIN,
    REPORTED,
    SHOWN_ONLY,
    STARTUP,
    STATEMENTS,
    STRANGE,
    UNREPORTED,
    WRONG,
)

# Productions that the proxy is known to answer otherwise than PostgreSQL, and why. They are not drawn. Empty is the aim.
KNOWN: dict[str, str] = {
    "copy then FIN": "another SQLSTATE than PostgreSQL's 08006",
    "start-up DateStyle": "where role or database give a DateStyle, a part of one is judged on that, not on the configuration's",
    "reset": "goes back to the client's start-up value behind the text, not inside it or what is sent with it",
    "execute behind an exit": "of a failed transaction, in one text: what the server lacks cannot be parsed there before the text",
    "discard_all": "goes back to the client's start-up values behind its answer, not for what is sent with it",
}

Steps = list[Step]


class Drawer:
    """Draws one script."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._mode = "Session" if seed % 3 == 0 else "Transaction"
        self._who = "a"
        self._number = 0
        self._prepared: dict[str, list[str]] = {who: [] for who in CLIENTS}
        self._touched: set[str] = set()

    def script(self) -> Script:
        """The script of this seed."""
        cast = CLIENTS if self._chance(60) else CLIENTS[:1]
        startup = {who: self._startup() for who in cast}
        plays: dict[str, Steps] = {}
        for who in cast:
            self._who = who
            plays[who] = [step for _ in range(self._random.randint(1, 4)) for step in self._unit()] + self._end()
        return Script(self._seed, self._mode, startup, tuple(self._with_strangers(self._shuffled(plays))))

    # Who plays when.

    def _shuffled(self, plays: dict[str, Steps]) -> Steps:
        """The clients' steps, each client's in order."""
        result: Steps = []
        left = {who: list(steps) for who, steps in plays.items()}
        while left:
            who = self._random.choice(sorted(left))
            result.append(left[who].pop(0))
            if not left[who]:
                del left[who]
        return result

    def _with_strangers(self, steps: Steps) -> Steps:
        """Strangers take a server, leave something on it, and give it back, so that clients are moved."""
        result: Steps = []
        holding: set[str] = set()
        for step in steps:
            if self._chance(35):
                who = self._random.choice(STRANGERS)
                result.append(self._stranger(who, who in holding))
                holding ^= {who}
            result.append(step)
        return result + [self._stranger(who, True) for who in sorted(holding)]

    def _stranger(self, who: str, holds: bool) -> Step:
        if holds:
            return Step(who, (("Query", self._random.choice(["commit", "commit", "rollback"])),))
        known = [what for name, what in STRANGE.items() if name not in KNOWN]
        return Step(who, (("Query", "begin"), *self._random.choice(known)))

    def _startup(self) -> dict[str, str]:
        chosen = self._random.sample(STARTUP, self._random.choice([0, 0, 1, 1, 2]))
        return {name: self._random.choice(values) for name, values in chosen if f"start-up {name}" not in KNOWN}

    # A client's parts.

    def _unit(self) -> Steps:
        makers = [(maker, weight) for maker, weight in self._makers() if maker.__name__.lstrip("_") not in KNOWN]
        (maker,) = self._random.choices([m for m, _ in makers], [w for _, w in makers])
        steps = maker()
        if len(steps) > 1 and self._chance(25) and maker is not self._copy_in_when_asked:
            return [self._step(*(m for step in steps for m in step.messages))]
        return steps

    def _makers(self) -> list[tuple[Callable[[], Steps], int]]:
        makers: list[tuple[Callable[[], Steps], int]] = [
            (self._plain, 12), (self._several, 6), (self._transaction, 12), (self._setting, 14), (self._named, 14),
            (self._unnamed, 5), (self._pipeline, 10), (self._portal, 4), (self._copy_out, 2), (self._copy_in, 4),
            (self._copy_in_when_asked, 3), (self._copy_in_extended, 3), (self._close, 3), (self._deallocate, 4),
            (self._discard_all, 2), (self._function_call, 2), (self._cursor, 3), (self._hidden_setting, 4),
            (self._show_hidden, 4), (self._sql_prepare, 3), (self._execute_of_protocol_name, 3),
            (self._prepare_of_protocol_name, 2), (self._roles, 2), (self._rename, 3),
        ]
        if self._mode == "Session":
            makers += [(self._session_state, 10), (self._listen, 3)]
        return makers

    def _plain(self) -> Steps:
        return [self._step(("Query", self._random.choice(PLAIN + WRONG)))]

    def _several(self) -> Steps:
        words = [self._random.choice(PLAIN + WRONG[:3]) for _ in range(self._random.randint(2, 4))]
        if self._chance(30):
            words.insert(self._random.randrange(len(words)), self._random.choice(["begin", "commit", "rollback"]))
            words += ["rollback"]
        return [self._step(("Query", "; ".join(words)))]

    def _transaction(self) -> Steps:
        body = [self._in_transaction() for _ in range(self._random.randint(1, 4))]
        if self._chance(30):
            body = [("Query", "savepoint one"), *body, ("Query", "rollback to one")]
        begin = self._random.choice(["begin", "begin", "begin isolation level repeatable read", "start transaction read only"])
        end = self._random.choice(["commit", "commit", "rollback", "end", "commit and chain; rollback"])
        return [self._step(m) if m[0] == "Query" else self._step(*self._batch(m[1]), ("Sync",))
                for m in [("Query", begin), *body, ("Query", end)]]

    def _in_transaction(self) -> Message:
        kind = self._random.randrange(10)
        if kind < 4:
            return ("Query", self._random.choice(PLAIN + WRONG))
        if kind < 6:
            return ("Query", self._set(self._random.choice(["set", "set local", "set_config"])))
        if kind < 7:
            return ("Query", self._insert())
        return ("batch", self._random.choice(STATEMENTS))

    def _setting(self) -> Steps:
        kind = self._random.randrange(12)
        if kind < 6:
            sql = self._set(self._random.choice(["set", "set", "set session", "set_config"]))
        elif kind < 9:
            sql = self._reset()
        elif kind == 9:
            sql = self._random.choice(BAD_SETTINGS)
        elif kind == 10:
            sql = "; ".join(self._set("set") for _ in range(3))
        else:
            sql = self._set("set local")
        show = f"show {self._random.choice(list(REPORTED))}"
        if self._chance(30):
            return [self._step(*self._extended(sql), ("Sync",)), self._step(*self._extended(show), ("Sync",))]
        return [self._step(("Query", sql)), self._step(("Query", show))]

    def _reset(self) -> str:
        if "reset" in KNOWN:
            return self._set("set")
        if self._chance(30):
            self._touched.clear()
            return "reset all"
        return f"reset {self._random.choice(list(REPORTED))}"

    def _named(self) -> Steps:
        name = self._random.choice(["s1", "s1", "s2", "long" * 20])
        sql, values = self._random.choice(STATEMENTS)
        steps: Steps = []
        if name not in self._prepared[self._who] or self._chance(15):
            self._prepared[self._who].append(name)
            steps.append(self._step(("Parse", name, sql), *self._describe_at_times("S", name), ("Sync",)))
        for _ in range(self._random.randint(1, 3)):
            steps.append(self._step(*self._use(name, values), ("Sync",)))
            if self._chance(20):
                steps.append(self._step(("Query", self._set("set"))))
        return steps

    def _unnamed(self) -> Steps:
        sql, values = self._random.choice(STATEMENTS)
        between = self._random.choice([[], [("Query", "select 1")], [("Parse", "", "selct"), ("Sync",)],
                                       [("Close", "S", ""), ("Sync",)], [("Query", self._set("set"))]])
        return [self._step(("Parse", "", sql), ("Sync",)), *([self._step(*between)] if between else []),
                self._step(*self._use("", values), ("Sync",))]

    def _pipeline(self) -> Steps:
        messages: list[Message] = []
        for _ in range(self._random.randint(2, 5)):
            kind = self._random.randrange(8)
            if kind == 0:
                messages.append(("Query", self._random.choice(PLAIN + WRONG)))
            elif kind == 1:
                messages += [*self._extended(self._random.choice(WRONG)), *self._extended("select 'skipped'"), ("Sync",)]
            elif kind == 2:
                messages += [("Parse", "p1", "select 1"), ("Bind", "", "p1"), ("Close", "S", "p1"), ("Execute", ""), ("Sync",)]
            elif kind == 3:
                messages += [*self._extended(self._insert()), ("Sync",)]
            elif kind == 4:
                messages += [*self._extended(self._set("set")), ("Sync",)]
            else:
                messages += self._batch(self._random.choice(STATEMENTS))
                messages.append(self._random.choice([("Sync",), ("Sync",), ("Flush",)]))
        if self._chance(30) and len(messages) > 3:
            at = self._random.randrange(1, len(messages))
            return [self._step(*messages[:at], waits=False), self._step(*messages[at:], ("Sync",))]
        return [self._step(*messages, ("Sync",))]

    def _portal(self) -> Steps:
        rows = self._random.randint(1, 4)
        steps = [self._step(("Parse", "", "select generate_series(1, 7)"), ("Bind", "open", ""), ("Execute", "open", rows),
                            self._random.choice([("Sync",), ("Flush",)]))]
        steps += [self._step(("Execute", "open", rows), self._random.choice([("Sync",), ("Flush",)])) for _ in range(2)]
        steps.append(self._step(("Close", "P", "open"), ("Sync",)))
        if self._chance(60):
            steps = [self._step(("Query", "begin")), *steps, self._step(("Query", "commit"))]
        return steps

    def _copy_out(self) -> Steps:
        rows = self._random.choice([0, 3, 2000])
        copy = self._random.choice([f"copy (select g, null, 'x' from generate_series(1, {rows}) g) to stdout",
                                    "copy (select 1 / (3 - g) from generate_series(1, 9) g) to stdout"])
        return [self._step(("Query", copy)) if self._chance(60) else self._step(*self._extended(copy), ("Sync",))]

    def _copy_in(self) -> Steps:
        end = self._random.choice([("CopyDone",), ("CopyDone",), ("CopyFail", "no more")])
        behind = self._random.choice([(), (("Query", "select 'behind'"),)])
        return [self._step(("Query", self._copy_text()), *self._rows(), end, *behind)]

    def _copy_in_when_asked(self) -> Steps:
        steps = [self._step(("Query", self._copy_text())), self._step(*self._rows(), ("CopyDone",))]
        if self._chance(40):
            steps = [self._step(("Query", "begin")), *steps, self._step(("Query", self._random.choice(["commit", "rollback"])))]
        return steps

    def _copy_in_extended(self) -> Steps:
        early = self._random.choice([(), (), (("Flush",),), (("Sync",),)])
        return [self._step(*self._extended(self._copy_text()), *early, *self._rows(), ("CopyDone",), ("Sync",),
                           *self._extended("select 'behind'"), ("Sync",))]

    def _close(self) -> Steps:
        name = self._random.choice(["s1", "s2", "none", ""])
        self._forget(name)
        return [self._step(("Close", "S", name), ("Sync",)), self._step(("Bind", "", name), ("Execute", ""), ("Sync",))]

    def _deallocate(self) -> Steps:
        """SQL on the names of the protocol."""
        name = self._random.choice(["s1", "s2", "none", "all"])
        self._forget(name)
        sql = f"deallocate {name}"
        step = self._step(("Query", sql)) if self._chance(60) else self._step(*self._extended(sql), ("Sync",))
        again = self._random.choice([[("Parse", "s1", "select 'again'")], []])
        last = self._step(*again, ("Bind", "", "s1"), ("Execute", ""), ("Sync",))
        steps = [step, last]
        if self._chance(25):
            steps = [self._step(("Query", "begin")), *steps, self._step(("Query", self._random.choice(["commit", "rollback"])))]
        return steps

    def _discard_all(self) -> Steps:
        self._touched.clear()
        self._prepared[self._who].clear()
        show = f"show {self._random.choice(list(REPORTED))}"
        return [self._step(("Query", "discard all")), self._step(("Query", show)),
                self._step(("Bind", "", "s1"), ("Execute", ""), ("Sync",))]

    def _function_call(self) -> Steps:
        return [self._step(("FunctionCall", *self._random.choice([(177, [b"1", b"2"]), (177, [b"x", b"2"]), (1, [])])))]

    def _cursor(self) -> Steps:
        body = ["declare c cursor for select generate_series(1, 5)", "fetch 2 from c", "move 1 from c", "fetch all from c",
                self._random.choice(["close c", "fetch 1 from nowhere", "select 1"])]
        return [self._step(("Query", sql)) for sql in ["begin", *body, "commit"]]

    def _hidden_setting(self) -> Steps:
        """Parameters that PostgreSQL does not report, within one transaction."""
        how = self._random.choice(["set", "set local"])
        # What is kept must not show in a later step: in pool mode Transaction it is gone then.
        shows = [] if how == "set local" else ["search_path", "extra_float_digits", "bytea_output"]
        name, values = self._random.choice([each for each in UNREPORTED.items() if each[0] not in shows])
        if how == "set":
            self._touched.add(f"{self._who} {name}")
        end = "rollback" if self._chance(50) else "commit"
        body = ["begin", f"{how} {name} to {self._random.choice(values)}", f"show {name}", SHOWN_ONLY[name], end]
        return [self._step(("Query", sql)) for sql in body]

    def _show_hidden(self) -> Steps:
        """A client that never set it sees what a new session sees, whoever was on that server before."""
        names = [name for name in UNREPORTED if f"{self._who} {name}" not in self._touched]
        if not names:
            return []
        return [self._step(("Query", SHOWN_ONLY[self._random.choice(names)]))]

    def _sql_prepare(self) -> Steps:
        self._number += 1
        name = f"q{self._seed}_{self._number}"
        body = ["begin", f"prepare {name}(int) as select $1 + 1", f"execute {name}(1)", f"deallocate {name}", "commit"]
        return [self._step(("Query", sql)) for sql in body]

    def _execute_of_protocol_name(self) -> Steps:
        """SQL's EXECUTE, and what may stand around it, by both protocols."""
        texts = ["execute e1(1)", "execute e1", "EXECUTE E1 ( 1 ) ;", 'execute "e1"(2)', 'execute "E1"(2)', "execute e1(nothing)",
                 "explain (costs off) execute e1(1)", "create temp table made on commit drop as execute e1(1)",
                 "deallocate e1", "deallocate all"]
        several = [*texts, "begin", "commit", "rollback", "select ';execute e1'", "select $$;deallocate e1;$$", r"select 'a\\'",
                   "/* ; deallocate e1; */ execute e1(7) -- ; execute e1(8)\n", "select 1/0", "execute nobody", "execute e3"]
        steps = [self._step(("Parse", "e1", "select 'e1', $1::int"), ("Parse", "e3", "select timestamptz '2024-07-01 12:00'"), ("Sync",))]
        if self._chance(25):
            steps.append(self._step(("Query", self._random.choice(["begin", self._set("set")]))))
        for _ in range(self._random.randint(1, 3)):
            kind = self._random.randrange(10)
            if kind < 5:
                # Only while the protocol's is there: over transactions those of SQL are not kept.
                first = ["prepare e1 as select 'sql'"] if len(steps) == 1 and self._chance(20) else []
                chosen = self._before_exit(first + [self._random.choice(several) for _ in range(self._random.randint(1, 4))])
                steps.append(self._step(("Query", "; ".join(chosen))))
            elif kind < 8:
                steps.append(self._step(*self._described(self._random.choice(texts)), ("Sync",)))
            else:
                steps += [self._step(("Parse", "e4", self._random.choice(texts)), ("Sync",)),
                          *[self._step(*self._use("e4", []), ("Sync",)) for _ in range(2)],
                          self._step(("Close", "S", "e4"), ("Sync",))]
        return [*steps, self._step(("Query", "rollback")), *[self._step(("Close", "S", name), ("Sync",)) for name in ("e1", "e3")],
                self._step(("Query", "deallocate all"))]

    @staticmethod
    def _before_exit(commands: list[str]) -> list[str]:
        """Without what would be executed behind the end of a transaction that an earlier text began."""
        exits = [commands.index(end) for end in ("commit", "rollback") if end in commands]
        if "execute behind an exit" not in KNOWN or not exits or "begin" in commands[:min(exits)]:
            return commands
        return commands[:min(exits) + 1]

    def _described(self, sql: str) -> list[Message]:
        return [("Parse", "", sql), *self._use("", [])]

    def _prepare_of_protocol_name(self) -> Steps:
        sql = self._random.choice(["prepare e2 as select 'sql'", "prepare e2 as select nothing", "prepare e2 as"])
        again = self._step(("Query", sql)) if self._chance(50) else self._step(*self._described(sql), ("Sync",))
        return [self._step(("Parse", "e2", "select 'e2'"), ("Sync",)), again,
                self._step(("Bind", "", "e2"), ("Execute", ""), ("Sync",)), self._step(("Close", "S", "e2"), ("Sync",))]

    def _roles(self) -> Steps:
        body = ["begin", self._random.choice(["set local role other", "set local role nobody_at_all"]), "select current_user",
                "commit", "select current_user"]
        return [self._step(("Query", sql)) for sql in body]

    def _rename(self) -> Steps:
        """application_name, with characters that are cut or replaced."""
        name = self._random.choice(["shop", "", "it''s", "a" * 63, "a" * 64, "b" * 200, "\u00e9" * 40, "tab\there"])
        return [self._step(("Query", f"set application_name to '{name}'")), self._step(("Query", "show application_name"))]

    def _session_state(self) -> Steps:
        """What only pool mode Session keeps."""
        body = self._random.choice([
            ["create temp table mine (a int)", "insert into mine values (1)", "select * from mine", "drop table mine"],
            ["set work_mem to '5MB'", "show work_mem", "reset work_mem", "show work_mem"],
            ["set my.own to 'x'", "show my.own"],
            ["select pg_advisory_lock(7)", "select pg_advisory_unlock(7)", "select pg_advisory_unlock(7)"],
            ["begin; declare h cursor with hold for select generate_series(1, 4); commit", "fetch 2 from h", "close h"],
            [f"prepare keep{self._number} as select 1", f"execute keep{self._number}", f"deallocate keep{self._number}"],
            ["select setseed(0.5)", "select random()"],
            ["set role other", "select current_user", "reset role"],
            ["set session authorization trusted", "select current_user"],
            ["select nextval('counter') is not null", "select lastval() is not null"],
        ])
        return [self._step(("Query", sql)) for sql in body]

    def _listen(self) -> Steps:
        return [self._step(("Query", sql)) for sql in [f"listen own{self._seed}", f"notify own{self._seed}, 'hello'", "unlisten *"]]

    # How a client ends.

    def _end(self) -> Steps:
        insert = self._insert()
        ends: dict[str, Step] = {
            "Terminate": Step(self._who, (("Terminate",),), leave="end"),
            "FIN": Step(self._who, leave="FIN"),
            "RST": Step(self._who, leave="RST"),
            "work then Terminate": Step(self._who, (("Query", insert), ("Terminate",)), leave="end"),
            "work then FIN": Step(self._who, (*self._extended(insert), ("Sync",)), waits=False, leave="FIN"),
            "two works then Terminate": Step(
                self._who, (*self._extended(insert), ("Sync",), ("Query", self._insert()), ("Terminate",)), leave="end"),
            "half a message then FIN": Step(
                self._who, (("Query", insert), ("raw", b"Q\0\0\0\x40insert into eff")), waits=False, leave="FIN"),
            "unsynced batch then FIN": Step(self._who, (*self._extended(insert),), waits=False, leave="FIN"),
            "unsynced batch then Terminate": Step(self._who, (*self._extended(insert), ("Terminate",)), leave="end"),
            "unsynced batch then RST": Step(self._who, (*self._extended(insert),), waits=False, leave="RST"),
            "flushed batch then FIN": Step(self._who, (*self._extended(insert), ("Flush",)), leave="FIN"),
            "flushed batch then RST": Step(self._who, (*self._extended(insert), ("Flush",)), leave="RST"),
            "unsynced batch then half a message": Step(
                self._who, (*self._extended(insert), ("raw", b"S\0\0")), waits=False, leave="FIN"),
            "unsynced batch then nonsense": Step(
                self._who, (*self._extended(insert), ("raw", b"!\0\0\0\x04")), waits=False, leave="nonsense"),
            "transaction then FIN": Step(self._who, (("Query", "begin"), ("Query", insert)), leave="FIN"),
            "transaction then RST": Step(self._who, (("Query", "begin"), ("Query", insert)), leave="RST"),
            "copy then FIN": Step(
                self._who, (("Query", self._copy_text()), ("CopyData", "1\tx\t1\n")), waits=False, leave="FIN"),
        }
        chosen = self._random.choice(list(ends)) if self._chance(60) else "Terminate"
        return [ends["Terminate" if chosen in KNOWN else chosen]]

    # Words.

    def _step(self, *messages: Message, waits: bool = True) -> Step:
        size = self._random.randint(1, 40) if self._chance(8) else 0
        return Step(self._who, messages, cut=size, waits=waits)

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _insert(self) -> str:
        self._number += 1
        return f"insert into effects values ({self._seed}, '{self._who}', {self._number})"

    def _set(self, how: str) -> str:
        name, values = self._random.choice(list(REPORTED.items()))
        value = self._random.choice(values)
        if how == "set_config":
            return f"select set_config('{name}', '{value}', false)"
        return f"{how} {name} to '{value}'"

    def _extended(self, sql: str) -> list[Message]:
        return [("Parse", "", sql), ("Bind", "", ""), ("Execute", "")]

    def _batch(self, statement: tuple[str, list[str | None]]) -> list[Message]:
        sql, values = statement
        return [("Parse", "", sql), *self._use("", values)]

    def _use(self, name: str, values: list[str | None]) -> list[Message]:
        given = list(values)
        if given and self._chance(15):
            given[0] = self._random.choice(["x", None, "0"])
        if self._chance(5):
            given.append("one too many")
        results = [1] if self._chance(15) else []
        return [*self._describe_at_times("S", name), ("Bind", "", name, given, [], results),
                *self._describe_at_times("P", ""), ("Execute", "")]

    def _describe_at_times(self, what: str, name: str) -> list[Message]:
        return [("Describe", what, name)] if self._chance(30) else []

    def _forget(self, name: str) -> None:
        if name == "all":
            self._prepared[self._who].clear()
        elif name in self._prepared[self._who]:
            self._prepared[self._who].remove(name)

    def _copy_text(self) -> str:
        return self._random.choice(["copy effects from stdin", "copy effects from stdin", "copy nowhere from stdin"])

    def _rows(self) -> list[Message]:
        """Data for COPY, at times with a wrong row."""
        rows: list[Message] = []
        for _ in range(self._random.randint(0, 3)):
            self._number += 1
            good = f"{self._seed}\t{self._who}\t{self._number}\n"
            rows.append(("CopyData", self._random.choice([good, good, good * 50, "x\ty\tz\n", good[:3]])))
        return rows


def draw(seed: int) -> Script:
    """The script of a seed."""
    return Drawer(seed).script()


def epoch_settings(epoch: int) -> dict[str, str]:
    """What a new session begins with in an epoch, set by the database and the role."""
    return {} if "new defaults" in KNOWN else EPOCHS[epoch % len(EPOCHS)]
