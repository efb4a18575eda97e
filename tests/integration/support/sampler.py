"""Counts the database's client backends ten times a second while a test runs."""

from __future__ import annotations

import threading
from types import TracebackType

from .pg import POOLED_SQL, Postgres

PERIOD_SECONDS = 0.1


class Sampler:
    """`with Sampler(postgres) as seen: ...` then `seen.highest` is the largest count of pooled backends."""

    def __init__(self, postgres: Postgres, sql: str = POOLED_SQL) -> None:
        self._sql = sql
        self._client = postgres.admin()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counts: list[int] = []

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    @property
    def highest(self) -> int:
        """The most backends that were ever seen at once."""
        return max(self.counts, default=0)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.counts.append(int(self._client.value(self._sql)))
            self._stop.wait(PERIOD_SECONDS)
