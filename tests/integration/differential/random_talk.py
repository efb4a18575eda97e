"""One connection of a random script. It models what PostgreSQL owes for what was sent: so nobody guesses how long to wait."""

from __future__ import annotations

import collections
import contextlib
import socket
import struct

from support import protocol as p
from support.wire import PATIENCE

from .random_script import Message, encode

REPLY_SECONDS = PATIENCE / 3
_ANSWERED = {"Parse": "1", "Bind": "2", "Close": "3", "Describe": "Tn", "Execute": "CsI"}
_READY = ("Query", "Sync", "FunctionCall")
_UNASKED = "SNA"


class Talk:
    """A client of a script. `heard` is the transcript."""

    def __init__(self, port: int, parameters: dict[str, str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The system's timeout: one of Python's would cost a second call for each read.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(REPLY_SECONDS), 0))
        self.heard: list[p.Message | str] = []
        self.status = ""
        self.is_open = True
        self._owed: collections.deque[str] = collections.deque()
        self._skips = False  # an error was answered and no Sync has come since
        self._copies = False  # the server wants data that was not sent yet
        self._received = b""
        self.socket.sendall(p.startup(parameters))
        while self.is_open and self.status == "":
            self._hear()

    def send(self, data: bytes) -> None:
        """Bytes as they are. What the other side said before it closed is still to be read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def owe(self, messages: tuple[Message, ...]) -> None:
        """Notes what the messages will be answered with."""
        for message in messages:
            kind = message[0]
            if kind in ("CopyDone", "CopyFail") and self._copies:
                self._copies = False
                continue
            if kind == "Sync":
                self._skips = False
            if self._skips or kind in ("CopyData", "Terminate", "raw"):
                continue
            self._owed.append("CopyDone" if kind == "CopyFail" else kind)

    def wait(self) -> None:
        """Reads all that is owed up to the last message that makes the server send."""
        while self.is_open and self._waits() and not self._copies:
            self._hear()

    def read_to_end(self) -> None:
        """Reads until the other side closes."""
        while self.is_open:
            self._hear()

    def leave(self, how: str) -> None:
        """FIN: says that nothing more comes, and reads to the end. RST: is gone."""
        if not self.is_open:
            return
        if how == "RST":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()
            return
        if how == "FIN":
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        self.read_to_end()

    def close(self) -> None:
        """Closes the socket."""
        self.is_open = False
        self.socket.close()

    def is_settled(self) -> bool:
        """Whether it owns no server in pool mode Transaction."""
        return not self.is_open or (not self._owed and not self._skips and self.status == "I")

    def _waits(self) -> bool:
        while self._owed and self._owed[0] in ("Flush", "CopyDone"):
            self._owed.popleft()
        return any(kind == "Flush" or kind in _READY for kind in self._owed)

    def _hear(self) -> None:
        reply = self._next()
        if isinstance(reply, str):
            self.heard.append(reply)
            self.close()
            return
        if reply.kind != "K":
            self.heard.append(reply)
        if reply.kind == "Z":
            self.status = chr(reply.body[0])
            while self._owed and self._owed.popleft() not in _READY:
                pass
        elif reply.kind == "E":
            self._fail()
        elif reply.kind == "G":
            self._begin_copy_in()
        elif reply.kind not in _UNASKED and self._owed and reply.kind in _ANSWERED.get(self._owed[0], ""):
            self._owed.popleft()

    def _fail(self) -> None:
        self._copies = False
        while self._owed and self._owed[0] in ("Flush", "CopyDone"):
            self._owed.popleft()
        if not self._owed or self._owed[0] in _READY:
            return
        while self._owed and self._owed[0] != "Sync":
            self._owed.popleft()
        self._skips = not self._owed

    def _begin_copy_in(self) -> None:
        """Sync and Flush in front of the end of the data are passed over by the server."""
        head, *rest = self._owed or [""]
        self._copies = "CopyDone" not in rest
        end = len(rest) if self._copies else rest.index("CopyDone")
        kept = [kind for kind in rest[:end] if kind not in ("Sync", "Flush")]
        self._owed = collections.deque([head, *kept, *rest[end + 1 :]])

    def _next(self) -> p.Message | str:
        try:
            while True:
                have = len(self._received)
                if have >= 5:
                    size = 1 + int.from_bytes(self._received[1:5], "big")
                    if have >= size:
                        whole, self._received = self._received[:size], self._received[size:]
                        return p.Message(chr(whole[0]), whole[5:])
                more = self.socket.recv(262_144)
                if not more:
                    return "closed" if not self._received else "closed inside a message"
                self._received += more
        except BlockingIOError:
            return f"nothing more within {REPLY_SECONDS:g} s, owed: {' '.join(self._owed)}"
        except ConnectionResetError:
            return "closed"


def send_step(talk: Talk, messages: tuple[Message, ...]) -> bytes:
    """Notes what is owed; the bytes to send."""
    talk.owe(messages)
    return b"".join(encode(message) for message in messages)
