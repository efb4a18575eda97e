"""A relay in front of PostgreSQL that a test can stop: what then arrives is kept, or lost for ever."""

from __future__ import annotations

import select
import socket
import threading
from types import TracebackType

_TURN = 0.01  # seconds until a changed wish of the test is seen


class Relay:
    """Listens on loopback and passes bytes both ways, on a thread of its own."""

    def __init__(self, target: int) -> None:
        self.connections = 0  # accepted so far
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._peers: dict[socket.socket, socket.socket] = {}
        self._all: list[socket.socket] = [self._listener]
        self._lock = threading.Lock()
        self._is_held = False
        self._is_over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._thread.join()
        for end in self._all:
            end.close()

    def hold(self) -> None:
        """Connections are accepted; what comes on them is kept until release()."""
        with self._lock:
            self._is_held = True

    def release(self) -> None:
        """Passes on what was kept."""
        with self._lock:
            self._is_held = False

    def swallow(self) -> None:
        """The connections that there are stay open and say nothing any more, as behind a broken network."""
        with self._lock:
            self._peers.clear()

    def _run(self) -> None:
        while not self._is_over:
            with self._lock:
                ends = [] if self._is_held else list(self._peers)
            ready, _, _ = select.select([self._listener, *ends], [], [], _TURN)
            with self._lock:
                for end in ready:
                    if end is self._listener:
                        self._accept()
                    elif end in self._peers and not self._is_held:
                        self._pass_on(end)

    def _accept(self) -> None:
        client = self._listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self._target))
        self.connections += 1
        self._all += (client, server)
        self._peers |= {client: server, server: client}

    def _pass_on(self, end: socket.socket) -> None:
        peer = self._peers[end]
        try:
            data = end.recv(65536)
            if data:
                peer.sendall(data)
                return
        except OSError:
            pass
        for either in (end, peer):
            self._peers.pop(either, None)
            try:
                either.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
