"""Renders replies so that what must be equal is equal as text: keys, nonces and process ids are left out."""

from __future__ import annotations

import hashlib
import struct

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
        return f"{reply.name}{dict(sorted(fields.items()))}"
    if reply.kind == "S":
        return f"{reply.name}{reply.parameter()}"
    if len(reply.body) > _SHOWN_BYTES_MAX:
        return f"{reply.name}({len(reply.body)} bytes, sha256 {hashlib.sha256(reply.body).hexdigest()[:16]})"
    return f"{reply.name}({reply.body!r})"


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
