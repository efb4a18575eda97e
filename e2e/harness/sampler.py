"""Counts the proxies' server connections in the database ten times a second while a case runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

PERIOD_SECONDS = 0.1
# Server connections of proxies are named after them.
PROXIES_SQL = (
    "select count(*) from pg_stat_activity where backend_type = 'client backend' and application_name like 'penstock/%'"
)


@dataclass
class Seen:
    """counts: one for each sample. breaches: when and how many, for each sample above the budget."""

    counts: list[int] = field(default_factory=list)
    breaches: list[tuple[float, int]] = field(default_factory=list)
    gaps: int = 0  # samples that the database did not answer, while it restarts

    @property
    def highest(self) -> int:
        """The most connections that were ever seen at once."""
        return max(self.counts, default=0)


class Sampler:
    """`with Sampler(count, budget) as seen: ...`; `count` asks the database, on the sampler's own thread."""

    def __init__(self, count: Callable[[], int], budget: int) -> None:
        self._count = count
        self._budget = budget
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen = Seen()

    def __enter__(self) -> Seen:
        self._thread.start()
        return self.seen

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                count = self._count()
            except Exception:  # the database is down or starting
                self.seen.gaps += 1
            else:
                self.seen.counts.append(count)
                if count > self._budget:
                    self.seen.breaches.append((time.monotonic() - began, count))
            self._stop.wait(PERIOD_SECONDS)
