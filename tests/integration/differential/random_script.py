"""What the random generator plays: messages as tuples, so that a script can be cut down, printed and sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from support import protocol as p

Message = tuple[Any, ...]

CLIENTS = "ab"
STRANGERS = "xy"  # they play through the proxy only, on connections that outlive a script


@dataclass(frozen=True)
class Step:
    """What one client sends in one go, and whether it then waits for all that it may get.

    `cut`: a stranger moves between the first bytes of the send and the rest. `leave`: how the client ends behind it.
    """

    who: str
    messages: tuple[Message, ...] = ()
    cut: int = 0
    waits: bool = True
    leave: str = ""

    def __str__(self) -> str:
        said = ", ".join(_shown(m) for m in self.messages)
        marks = [f"cut at {self.cut}"] if self.cut else []
        marks += [] if self.waits else ["does not wait"]
        marks += [f"leaves by {self.leave}"] if self.leave else []
        return f"{self.who}: {said}" + (f"  [{', '.join(marks)}]" if marks else "")


@dataclass(frozen=True)
class Script:
    """A play: who logs in with what, and the steps in order."""

    seed: int
    mode: str
    startup: dict[str, dict[str, str]]
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def with_steps(self, steps: tuple[Step, ...]) -> Script:
        """The same cast with another play."""
        return replace(self, steps=steps)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, pool mode {self.mode}", *self.notes]
        lines += [f"{who} logs in with {values}" for who, values in self.startup.items()]
        return "\n".join([*lines, *map(str, self.steps)])


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    kind, *rest = message
    if kind == "raw":
        return bytes(rest[0])
    return _ENCODERS[kind](*rest)


_ENCODERS: dict[str, Any] = {
    "Query": p.query,
    "Parse": p.parse,
    "Bind": p.bind,
    "Describe": lambda what, name: (p.describe_statement if what == "S" else p.describe_portal)(name),
    "Execute": p.execute,
    "Close": lambda what, name: (p.close_statement if what == "S" else p.close_portal)(name),
    "Flush": p.flush,
    "Sync": p.sync,
    "Terminate": p.terminate,
    "CopyData": p.copy_data,
    "CopyDone": p.copy_done,
    "CopyFail": p.copy_fail,
    "FunctionCall": p.function_call,
}


def _shown(message: Message) -> str:
    kind, *rest = message
    words = []
    for part in rest:
        word = repr(part)
        words.append(word if len(word) <= 160 else f"{word[:150]}..{len(word)}")
    return f"{kind}({', '.join(words)})"
