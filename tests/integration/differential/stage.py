"""Where a scenario is played: against PostgreSQL itself or through the proxy, with all replies written down."""

from __future__ import annotations

import contextlib
import random

from support import protocol as p
from support.pg import DATABASE, TRUST_USER, Postgres, password_of
from support.process import wait_for
from support.wire import PATIENCE, Client, connect, send_cancel

from .scenario import Errors, Variant
from .transcript import ordered, shown

# First bytes of messages that ReadyForQuery answers, and of those that hold a server until there is one.
_ASKS_FOR_READY = (b"Q", b"S", b"F")
_HOLDS_UNTIL_SYNC = (b"P", b"B", b"D", b"E", b"C", b"H")
_PIECE_BYTES_MAX = 7
_CUT_BYTES_MAX = 20_000  # of a long message only so much is cut small


class Player(Client):
    """A client whose replies are part of the transcript."""

    def __init__(self, stage: Stage, name: str, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.name = name
        self._stage = stage
        self.owed = 0
        self._unsynced = False
        self.on_message = lambda reply: self._hear(reply)

    def send(self, *messages: bytes) -> None:
        """Sends messages; before the first of a transaction the stage may move the servers around."""
        self._stage.before_send()
        for sent in messages:
            if sent[:1] in _ASKS_FOR_READY:
                self.owed += 1
                self._unsynced = False
            elif sent[:1] in _HOLDS_UNTIL_SYNC:
                self._unsynced = True
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # what it said before is still to be read
            super().send(*messages)

    def is_settled(self) -> bool:
        """Whether no server is held for this client."""
        return self.owed == 0 and not self._unsynced and self.status in ("I", "")

    def _hear(self, reply: p.Message | None) -> None:
        if reply is not None and reply.kind == "Z":
            self.owed = max(0, self.owed - 1)  # nobody asked for the one that ends the login
        self._stage.note(self.name, reply)


class Stage:
    """One run of one scenario."""

    def __init__(self, postgres: Postgres, port: int, variant: Variant | None, errors: Errors) -> None:
        self._postgres = postgres
        self._port = port
        self._variant = variant
        self._errors = errors
        self._lines: dict[str, list[str]] = {}
        self._players: list[Player] = []
        self._stack = contextlib.ExitStack()
        self._random = random.Random(20260)
        self._disturbers: list[Client] = []

    def __enter__(self) -> Stage:
        if self._variant is Variant.HOP:
            self._disturbers = [self._stack.enter_context(self._disturber()) for _ in range(2)]
            _occupy(self._disturbers[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def transcript(self) -> dict[str, list[str]]:
        """Each client's replies in order. Between clients there is no order to compare."""
        return {name: ordered(lines) for name, lines in self._lines.items()}

    def raw(self, name: str = "a") -> Player:
        """A connection that has sent nothing yet."""
        player = self._stack.enter_context(Player(self, name, self._port))
        self._players.append(player)
        self._lines[name] = []
        if self._variant is Variant.SPLIT:
            player.send_pieces = self._cut
        return player

    def client(self, name: str = "a", user: str = TRUST_USER, **parameters: str) -> Player:
        """A logged-in client."""
        player = self.raw(name)
        player.log_in(user, DATABASE, password_of(user), **parameters)
        return player

    def cancel_sleep(self, player: Player) -> None:
        """Cancels what the player runs, once PostgreSQL is inside its pg_sleep."""
        asleep = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep'"
        wait_for("a backend sleeps", lambda: self._postgres.execute(asleep) == [[b"t"]], PATIENCE)
        self.cancel(player)

    def cancel(self, player: Player) -> None:
        """Cancels what the player runs."""
        send_cancel(("127.0.0.1", self._port), player.process_id, player.secret)

    def note(self, name: str, reply: p.Message | None) -> None:
        """Writes a reply down."""
        self._lines[name].append(shown(reply, self._errors))

    def say(self, name: str, line: str) -> None:
        """Writes down what a scenario saw by other means than messages."""
        self._lines.setdefault(name, []).append(line)

    def before_send(self) -> None:
        """In variant HOP: hands the one free server to a stranger and frees the other, so that the client moves.

        The order matters: the second stranger takes the only idle server before the first gives its own back.
        """
        if not self._disturbers or not all(player.is_settled() for player in self._players):
            return
        holding, free = self._disturbers
        _occupy(free)
        _leave(holding)
        self._disturbers = [free, holding]

    def _disturber(self) -> Client:
        return connect(self._port, TRUST_USER, DATABASE, password_of(TRUST_USER), TimeZone="Asia/Tokyo")

    def _cut(self, data: bytes) -> list[bytes]:
        pieces, at = [], 0
        while at < min(len(data), _CUT_BYTES_MAX):
            size = self._random.randint(1, _PIECE_BYTES_MAX)
            pieces.append(data[at : at + size])
            at += size
        return pieces + ([data[at:]] if at < len(data) else [])


def _occupy(stranger: Client) -> None:
    """A transaction that leaves on the server what must never reach anybody else."""
    stranger.send(
        p.query("begin; set datestyle to 'German'"),
        p.parse("s1", "select 'a stranger s1'"), p.parse("", "select 'a stranger'"), p.bind(), p.execute(),
        p.sync(),
    )
    stranger.until_ready(2)


def _leave(stranger: Client) -> None:
    stranger.send(p.close_statement("s1"), p.sync(), p.query("commit"))
    stranger.until_ready(2)
