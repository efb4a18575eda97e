"""What a scenario is, and the list of all of them (filled by the decorator at import)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stage import Stage


class Errors(enum.Enum):
    """How much of an ErrorResponse must be equal."""

    WHOLE = "SVCMDHPpqWstcdnFLR"  # PostgreSQL wrote it, so the proxy must pass it on untouched
    TEXT = "SVCM"  # the proxy writes it itself, in PostgreSQL's words
    CODE = "SVC"  # the proxy writes it itself, in words of its own
    FAREWELL = "SVC "  # like CODE, and it may say why it closes where PostgreSQL closes without a word


class Variant(enum.Enum):
    """The ways in which the proxy is driven; PostgreSQL's replies are always from one plain run."""

    TRANSACTION = "transaction"
    HOP = "hop"  # two servers, and the client gets the other one for each transaction
    SPLIT = "split"  # the client's bytes arrive in small random pieces
    SESSION = "session"  # pool mode Session


@dataclass(frozen=True)
class Scenario:
    """A play for one or more clients. `session_state`: it needs a server of its own, so pool mode Session only.

    `authentication` is what the proxy asks its clients for. `hops` is off where two clients are in transactions at once: with two servers nobody could hop.
    `difference` is the reason why the proxy's replies differ; the test then proves that they do.
    """

    play: Callable[[Stage], None]
    errors: Errors
    session_state: bool
    hops: bool
    authentication: str
    difference: str

    @property
    def name(self) -> str:
        """module.function, for test ids."""
        return f"{self.play.__module__.rsplit('.', 1)[-1]}.{self.play.__name__}"

    @property
    def differs(self) -> bool:
        """Whether other replies than PostgreSQL's are expected."""
        return bool(self.difference)

    def variants(self) -> list[Variant]:
        """The ways in which this scenario is meaningful."""
        if self.session_state:
            return [Variant.SESSION]
        if self.authentication != "Trust":
            return [Variant.TRANSACTION, Variant.SPLIT]
        return [v for v in Variant if self.hops or v is not Variant.HOP]


ALL: list[Scenario] = []


def scenario(
    errors: Errors = Errors.WHOLE,
    session_state: bool = False,
    hops: bool = True,
    authentication: str = "Trust",
    difference: str = "",
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Registers a function as a scenario."""

    def register(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        ALL.append(Scenario(play, errors, session_state, hops, authentication, difference))
        return play

    return register
