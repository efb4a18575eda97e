"""Renders replies so that what must be equal is equal as text: keys, nonces, process ids and OIDs of tables are left out."""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Iterator

from support.protocol import Message

from .scenario import Errors

_SHOWN_BYTES_MAX = 200
CLOSED = "closed"


def shown(reply: Message | None, errors: Errors) -> str:
    """One line for a reply; None is the end of the stream."""
    if reply is None:
        return CLOSED
    if reply.kind == "K":
        return reply.name
    if reply.kind == "R":
        return f"{reply.name}({struct.unpack_from('!i', reply.body)[0]})"
    if reply.kind == "A":
        return f"{reply.name}({reply.body[4:]!r})"
    if reply.kind in "EN":
        kept = errors if reply.kind == "E" else Errors.WHOLE
        fields = {k: v for k, v in reply.fields().items() if k in kept.value}
        # A server may have to be taught a statement first. In a transaction that failed in the same send PostgreSQL
        # refuses that Parse by the same error as the client's own message, but at another line.
        if fields.get("C") == "25P02" and fields.get("R", "").startswith("exec_"):
            fields = {**fields, "R": "exec", "L": ""}
        return f"{reply.name}{dict(sorted(fields.items()))}"
    if reply.kind == "v":
        return f"{reply.name}({reply.body[4:]!r})"  # the minor version is that of the program that answers
    if reply.kind == "S":
        return f"{reply.name}{reply.parameter()}"
    if reply.kind == "T":
        return f"{reply.name}{list(_columns(reply.body))}"
    if len(reply.body) > _SHOWN_BYTES_MAX:
        return f"{reply.name}({len(reply.body)} bytes, sha256 {hashlib.sha256(reply.body).hexdigest()[:16]})"
    return f"{reply.name}({reply.body!r})"


def _columns(body: bytes) -> Iterator[tuple[object, ...]]:
    """The columns of a RowDescription. A table's OID is another one in each run: only whether there is one counts."""
    at = 2
    while at < len(body):
        end = body.index(0, at)
        table, *rest = struct.unpack_from("!IhIhih", body, end + 1)
        yield (body[at:end], "a table" if table else "no table", *rest)
        at = end + 19


def ordered(lines: list[str]) -> list[str]:
    """Sorts each run of ParameterStatus: PostgreSQL promises no order within it."""
    result: list[str] = []
    run: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("ParameterStatus"):
            run.append(line)
            continue
        result += sorted(run)
        run = []
        result.append(line)
    return result[:-1]


def without_farewell(lines: list[str]) -> list[str]:
    """Takes off the FATAL error before the end of the stream."""
    if len(lines) >= 2 and lines[-1] == CLOSED and lines[-2].startswith("ErrorResponse") and "FATAL" in lines[-2]:
        return [*lines[:-2], CLOSED]
    return lines


def difference(expected: dict[str, list[str]], got: dict[str, list[str]]) -> str:
    """Where two transcripts part, with the lines before it; empty if they do not."""
    for name in sorted(expected.keys() | got.keys()):
        theirs, ours = expected.get(name, []), got.get(name, [])
        for at, (one, other) in enumerate(itertools.zip_longest(theirs, ours, fillvalue="nothing more")):
            if one != other:
                before = "".join(f"\n    {line}" for line in theirs[max(0, at - 5) : at])
                return f"client {name}, reply {at}, after:{before}\n  PostgreSQL: {one}\n  proxy:      {other}"
    return ""
