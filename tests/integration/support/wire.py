"""A client that speaks the protocol message by message, so that a test sees every reply and its place."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Callable
from types import TracebackType

from . import login
from .protocol import Message, cancel_request, query, ssl_request, startup

# How long a reply may take before a test gives up. Sanitizer builds are slow: PENSTOCK_TEST_PATIENCE multiplies it.
PATIENCE = 15.0 * float(os.environ.get("PENSTOCK_TEST_PATIENCE", "1"))


class ServerError(Exception):
    """An ErrorResponse where the test wanted success."""

    def __init__(self, reply: Message) -> None:
        self.fields = reply.fields()
        super().__init__(f"{self.fields.get('C')}: {self.fields.get('M')}")

    @property
    def sqlstate(self) -> str:
        """The five characters of the SQLSTATE."""
        return self.fields.get("C", "")


class Client:
    """One connection. `read` returns None once the other side has closed it.

    `on_message` sees every message that is read (the differential transcript); `send_pieces` may cut what is sent.
    """

    def __init__(self, host: str, port: int) -> None:
        self.socket: socket.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = (host, port)
        self.parameters: dict[str, str] = {}
        self.process_id = 0
        self.secret = b""
        self.status = ""
        self.on_message: Callable[[Message | None], None] = lambda _: None
        self.send_pieces: Callable[[bytes], list[bytes]] = lambda data: [data]
        self._received = bytearray()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket without Terminate."""
        self.socket.close()

    def send(self, *messages: bytes) -> None:
        """Sends the messages as one run of bytes."""
        for piece in self.send_pieces(b"".join(messages)):
            self.socket.sendall(piece)

    def read(self) -> Message | None:
        """The next backend message, or None at the end of the stream."""
        header = self._take(5)
        if header is None:
            self.on_message(None)
            return None
        (size,) = struct.unpack("!i", header[1:])
        body = self._take(size - 4)
        if body is None:
            raise EOFError(f"closed inside a message of type {chr(header[0])!r} and length {size}")
        reply = Message(chr(header[0]), body)
        self._note(reply)
        self.on_message(reply)
        return reply

    def until(self, *kinds: str) -> list[Message]:
        """Reads up to and with the first message of one of the kinds; the end of the stream ends it too."""
        replies: list[Message] = []
        while True:
            reply = self.read()
            if reply is None:
                return replies
            replies.append(reply)
            if reply.kind in kinds:
                return replies

    def until_ready(self, count: int = 1) -> list[Message]:
        """Reads up to the count-th ReadyForQuery."""
        return [reply for _ in range(count) for reply in self.until("Z")]

    def until_closed(self) -> list[Message]:
        """Reads to the end of the stream; a reset counts as an end."""
        try:
            return self.until()
        except ConnectionResetError:
            self.on_message(None)
            return []

    def run(self, sql: str) -> list[list[bytes | None]]:
        """One simple Query: its rows, or ServerError."""
        self.send(query(sql))
        replies = self.until_ready()
        for reply in replies:
            if reply.kind == "E":
                raise ServerError(reply)
        if not replies or replies[-1].kind != "Z":
            raise EOFError(f"closed while running {sql!r}")
        return [reply.columns() for reply in replies if reply.kind == "D"]

    def value(self, sql: str) -> str:
        """The first column of the first row of a simple Query, as text."""
        cell = self.run(sql)[0][0]
        return "" if cell is None else cell.decode()

    def start_tls(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        """SSLRequest and the handshake. Raises ConnectionError if the server says no."""
        self.socket.sendall(ssl_request())
        answer = self.socket.recv(1)
        if answer != b"S":
            raise ConnectionError(f"TLS was refused with {answer!r}")
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name)

    def log_in(self, user: str, database: str, password: str = "", **parameters: str) -> list[Message]:
        """StartupMessage and authentication up to the first ReadyForQuery. Raises ServerError if refused."""
        self.send(startup({"user": user, "database": database, **parameters}))
        return self.authenticate(user, password)

    def authenticate(self, user: str, password: str) -> list[Message]:
        """Answers what the server asks until it is ready."""
        replies: list[Message] = []
        scram = login.Scram(password)
        while True:
            reply = self.read()
            if reply is None:
                raise EOFError("closed during login")
            replies.append(reply)
            if reply.kind == "E":
                raise ServerError(reply)
            if reply.kind == "Z":
                return replies
            if reply.kind != "R":
                continue
            (method,) = struct.unpack_from("!i", reply.body)
            if method == 3:
                self.send(login.clear_answer(password))
            elif method == 5:
                self.send(login.md5_answer(user, password, reply.body[4:8]))
            elif method == 10:
                self.send(scram.first())
            elif method == 11:
                self.send(scram.final(reply.body[4:]))
            elif method == 12:
                scram.check(reply.body[4:])

    def cancel(self) -> None:
        """Sends this session's CancelRequest over a second connection and waits until that one is closed."""
        send_cancel(self.address, self.process_id, self.secret)

    def _note(self, reply: Message) -> None:
        if reply.kind == "S":
            name, value = reply.parameter()
            self.parameters[name] = value
        elif reply.kind == "K":
            (self.process_id,) = struct.unpack_from("!i", reply.body)
            self.secret = reply.body[4:]
        elif reply.kind == "Z":
            self.status = chr(reply.body[0])

    def _take(self, count: int) -> bytes | None:
        while len(self._received) < count:
            try:
                more = self.socket.recv(65536)
            except ssl.SSLEOFError:
                more = b""
            if not more:
                return None
            self._received += more
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken


def send_cancel(address: tuple[str, int], process_id: int, secret: bytes) -> None:
    """Sends a CancelRequest and waits until the server closes, which says that it was dealt with."""
    with socket.create_connection(address, timeout=PATIENCE) as canceller:
        canceller.sendall(cancel_request(process_id, secret))
        try:
            canceller.recv(1)
        except ConnectionResetError:
            pass


def connect(
    port: int,
    user: str,
    database: str,
    password: str = "",
    tls: ssl.SSLContext | None = None,
    **parameters: str,
) -> Client:
    """A logged-in client on this host."""
    client = Client("127.0.0.1", port)
    try:
        if tls is not None:
            client.start_tls(tls, "localhost")
        client.log_in(user, database, password, **parameters)
    except BaseException:
        client.close()
        raise
    return client
