"""Many clients from one thread: each has its own script of requests, and its replies are checked as they come."""

from __future__ import annotations

import random

from . import protocol as p
from .wire import Client, ServerError, connect


class TagKeeper:
    """A client whose every reply must carry its own tag: a row of another client would show at once.

    It takes turns between simple queries, named and unnamed statements, transactions and pipelines.
    """

    def __init__(self, port: int, user: str, database: str, tag: int, seed: int) -> None:
        self.client: Client = connect(port, user, database)
        self._tag = str(tag)
        self._random = random.Random(seed)
        self._expected: list[str] = []
        self._prepared = False
        self._sent = 0

    def send(self) -> None:
        """One unit of work, not awaited."""
        self._sent += 1
        word = f"{self._tag}.{self._sent}"
        kind = self._random.randrange(5)
        if kind == 0:
            self.client.send(p.query(f"select '{word}'"))
            self._expect(word)
        elif kind == 1:
            self._named(word)
        elif kind == 2:
            self.client.send(p.parse("", "select $1::text"), p.bind(values=[word]), p.execute(), p.sync())
            self._expect(word)
        elif kind == 3:
            self.client.send(p.query("begin"), p.query(f"select '{word}'"), p.query("commit"))
            self._expect("", word, "")
        else:
            one = (p.parse("", f"select '{word}'"), p.bind(), p.execute(), p.sync())
            self.client.send(*one, *one, *one)
            self._expect(word, word, word)

    def receive(self) -> None:
        """Reads all that is owed and compares."""
        for word in self._expected:
            rows = []
            for reply in self.client.until("Z"):
                if reply.kind == "E":
                    raise ServerError(reply)
                if reply.kind == "D":
                    rows.append((reply.columns()[0] or b"").decode())
            assert rows == ([word] if word else []), f"client {self._tag} wanted {word!r} and got {rows}"
        self._expected = []

    def _named(self, word: str) -> None:
        if not self._prepared:
            self.client.send(p.parse("same name", f"select '{self._tag}.' || $1::text"))
            self._prepared = True
        suffix = word.split(".", 1)[1]
        self.client.send(p.bind("", "same name", [suffix]), p.execute(), p.sync())
        self._expect(word)

    def _expect(self, *words: str) -> None:
        self._expected += words
