"""A TCP proxy that breaks connections on demand, in the way of toxiproxy but in a hundred lines."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from types import TracebackType


class Proxy:
    """Forwards ``port`` on this machine to ``target``. ``cut_after``: for each connection in turn, the number of bytes from
    the server after which it is cut (then connections are left alone)."""

    def __init__(self, target: int, cut_after: tuple[int, ...] = (), delay: float = 0.0, rate: float = 0.0) -> None:
        self.target = target
        self._cuts = list(cut_after)
        self.delay, self.rate = delay, rate
        self.frozen = threading.Event()
        self.connections = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Cut every connection, with a reset."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    # Without lingering, close sends RST instead of FIN: what is under way is lost.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing = True
        self._listener.close()
        self.frozen.clear()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._closing:
            try:
                if not select.select([self._listener], [], [], 0.1)[0]:
                    continue
                client, _ = self._listener.accept()
            except (OSError, ValueError):
                return
            with self._lock:
                self.connections += 1
                limit = self._cuts.pop(0) if self._cuts else None
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                self._pairs.append((client, server))
            thread = threading.Thread(target=self._forward, args=(client, server, limit), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket, server: socket.socket, limit: int | None) -> None:
        passed = 0
        with client, server:
            while not self._closing:
                try:
                    readable, _, _ = select.select([client, server], [], [], 0.05)
                    if self.frozen.is_set():
                        time.sleep(0.02)
                        continue
                    for source in readable:
                        down = source is server
                        data = source.recv(16384)
                        if not data:
                            return
                        if down and limit is not None and passed + len(data) >= limit:
                            client.sendall(data[: limit - passed])
                            return
                        passed += len(data) * down
                        time.sleep(self.delay + (len(data) / self.rate if self.rate else 0.0))
                        (client if down else server).sendall(data)
                except (OSError, ValueError):
                    return
