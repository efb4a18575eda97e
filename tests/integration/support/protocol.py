"""Builds every frontend message and takes backend messages apart.

Nothing here knows what is sensible to send: tests need to say wrong things too.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

PROTOCOL_3_0 = 196608
SSL_REQUEST_CODE = 80877103
GSSENC_REQUEST_CODE = 80877104
CANCEL_REQUEST_CODE = 80877102

# One letter stands for several messages depending on the direction; these are what a client receives.
BACKEND_NAMES = {
    "R": "Authentication", "K": "BackendKeyData", "2": "BindComplete", "3": "CloseComplete",
    "C": "CommandComplete", "d": "CopyData", "c": "CopyDone", "G": "CopyInResponse",
    "H": "CopyOutResponse", "W": "CopyBothResponse", "D": "DataRow", "I": "EmptyQueryResponse",
    "E": "ErrorResponse", "V": "FunctionCallResponse", "v": "NegotiateProtocolVersion", "n": "NoData",
    "N": "NoticeResponse", "A": "NotificationResponse", "t": "ParameterDescription",
    "S": "ParameterStatus", "1": "ParseComplete", "s": "PortalSuspended", "Z": "ReadyForQuery",
    "T": "RowDescription",
}


def message(kind: str, body: bytes = b"") -> bytes:
    """A typed message with a correct length."""
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def text(value: str | bytes) -> bytes:
    """A zero-terminated string."""
    return (value if isinstance(value, bytes) else value.encode()) + b"\0"


def untyped(code: int, body: bytes = b"") -> bytes:
    """A message of the start-up phase: no type byte, the code is its first field."""
    return struct.pack("!ii", len(body) + 8, code) + body


def startup(parameters: dict[str, str], version: int = PROTOCOL_3_0) -> bytes:
    """StartupMessage."""
    return untyped(version, b"".join(text(k) + text(v) for k, v in parameters.items()) + b"\0")


def ssl_request() -> bytes:
    """SSLRequest."""
    return untyped(SSL_REQUEST_CODE)


def gssenc_request() -> bytes:
    """GSSENCRequest."""
    return untyped(GSSENC_REQUEST_CODE)


def cancel_request(process_id: int, secret: bytes) -> bytes:
    """CancelRequest."""
    return untyped(CANCEL_REQUEST_CODE, struct.pack("!i", process_id) + secret)


def query(sql: str | bytes) -> bytes:
    """Query."""
    return message("Q", text(sql))


def parse(name: str = "", sql: str = "", types: Sequence[int] = ()) -> bytes:
    """Parse."""
    oids = b"".join(struct.pack("!I", oid) for oid in types)
    return message("P", text(name) + text(sql) + struct.pack("!H", len(types)) + oids)


def bind(
    portal: str = "",
    statement: str = "",
    values: Sequence[str | bytes | None] = (),
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    """Bind. A value of None is NULL; text is sent as it is."""
    parts = [text(portal), text(statement), struct.pack("!H", len(formats))]
    parts += [struct.pack("!h", code) for code in formats]
    parts.append(struct.pack("!H", len(values)))
    for value in values:
        if value is None:
            parts.append(struct.pack("!i", -1))
        else:
            raw = value if isinstance(value, bytes) else value.encode()
            parts.append(struct.pack("!i", len(raw)) + raw)
    parts.append(struct.pack("!H", len(results)))
    parts += [struct.pack("!h", code) for code in results]
    return message("B", b"".join(parts))


def describe_statement(name: str = "") -> bytes:
    """Describe of a prepared statement."""
    return message("D", b"S" + text(name))


def describe_portal(name: str = "") -> bytes:
    """Describe of a portal."""
    return message("D", b"P" + text(name))


def execute(portal: str = "", rows_max: int = 0) -> bytes:
    """Execute; 0 rows means all of them."""
    return message("E", text(portal) + struct.pack("!i", rows_max))


def close_statement(name: str = "") -> bytes:
    """Close of a prepared statement."""
    return message("C", b"S" + text(name))


def close_portal(name: str = "") -> bytes:
    """Close of a portal."""
    return message("C", b"P" + text(name))


def sync() -> bytes:
    """Sync."""
    return message("S")


def flush() -> bytes:
    """Flush."""
    return message("H")


def terminate() -> bytes:
    """Terminate."""
    return message("X")


def copy_data(data: str | bytes) -> bytes:
    """CopyData."""
    return message("d", data if isinstance(data, bytes) else data.encode())


def copy_done() -> bytes:
    """CopyDone."""
    return message("c")


def copy_fail(reason: str) -> bytes:
    """CopyFail."""
    return message("f", text(reason))


def function_call(oid: int, arguments: Sequence[bytes | None], result_format: int = 0) -> bytes:
    """FunctionCall with text arguments."""
    parts = [struct.pack("!IHH", oid, 0, len(arguments))]
    for value in arguments:
        parts.append(struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value)
    return message("F", b"".join(parts) + struct.pack("!h", result_format))


@dataclass(frozen=True)
class Message:
    """A backend message; `kind` is its type letter."""

    kind: str
    body: bytes

    @property
    def name(self) -> str:
        """The manual's word for it."""
        return BACKEND_NAMES.get(self.kind, f"unknown({self.kind!r})")

    def fields(self) -> dict[str, str]:
        """The fields of an ErrorResponse or NoticeResponse by their letter."""
        parts = [p.decode(errors="replace") for p in self.body.split(b"\0") if p]
        return {p[0]: p[1:] for p in parts}

    def columns(self) -> list[bytes | None]:
        """The values of a DataRow."""
        (count,) = struct.unpack_from("!H", self.body)
        at, values = 2, []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", self.body, at)
            at += 4
            values.append(None if size < 0 else self.body[at : at + size])
            at += max(size, 0)
        return values

    def parameter(self) -> tuple[str, str]:
        """Name and value of a ParameterStatus."""
        name, value, _ = self.body.split(b"\0", 2)
        return name.decode(), value.decode()

    def __str__(self) -> str:
        if self.kind in "EN":
            return f"{self.name}{self.fields()}"
        if self.kind == "S":
            return f"{self.name}{self.parameter()}"
        shown = self.body if len(self.body) <= 80 else self.body[:80] + b"..(%d bytes)" % len(self.body)
        return f"{self.name}({shown!r})"
