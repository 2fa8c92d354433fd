"""One connection's life on the client's side: hello, welcome, heartbeats."""

from __future__ import annotations

import time
from typing import Any, Final

import zmq

from duologue import __version__
from duologue.errors import DuologueError
from duologue.wire import messages
from duologue.wire.connection import Connection
from duologue.wire.framing import MAJOR, Array, Packet
from duologue.wire.job import Job
from duologue.wire.transport import Transport

CONNECT_SECONDS: Final = 5.0
"""How long a first connection may take to show a sign of life."""
LIVENESS: Final = 3
"""After how many heartbeats without an answer a connection counts as lost."""


class Link:
    """Not for more than one thread. ``wake``: a socket that another thread writes to when there is something to do."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        connection: Connection,
        wake: zmq.Socket[bytes],
        *,
        name: str,
        plain: bool,
    ) -> None:
        self.transport = Transport(context, connection, plain=plain)
        self.welcomed = False
        self.resuming = False
        self.jobs: set[Job[Any]] = set()
        """The jobs that were opened or resumed over this connection."""
        self._wake = wake
        self._poller = zmq.Poller()
        for socket in (self.transport.socket, self.transport.monitor, wake):
            self._poller.register(socket, zmq.POLLIN)
        self._heartbeat = CONNECT_SECONDS / LIVENESS
        self._last_message = time.monotonic()
        self._pinged = 0.0
        self.send(messages.Hello(protocol=(MAJOR, MAJOR), client=name, version=__version__), {})

    def send(self, message: messages.Message, arrays: dict[str, Array]) -> bool:
        """Send a message; False when the connection takes none."""
        return self.transport.send(message, arrays)

    def welcome(self, message: messages.Welcome, before: messages.Welcome | None) -> None:
        """Note the server. Jobs are resumed in the session that opened them, if the server is still the same one."""
        self.welcomed = True
        self.resuming = before is not None and before.instance == message.instance
        self._heartbeat = min(max(message.heartbeat_ms / 1000, 0.2), 30.0)

    def wait(self) -> list[Packet]:
        """Return the messages that came, after waiting for some a little while.

        Raises:
            DuologueError: what ``Transport.check`` and ``framing.decode`` raise; UNAVAILABLE ``server-silent``.
        """
        self._poller.poll(self._beat())
        while self._wake.poll(0):
            self._wake.recv()
        packets: list[Packet] = []
        while len(packets) < 16 and (packet := self.transport.receive()) is not None:
            packets.append(packet)
        if packets:
            self._last_message, self._pinged = time.monotonic(), 0.0
        else:
            self.transport.check()
        return packets

    def _beat(self) -> int:
        """Ping when it was quiet; raise when even that brought no answer. Returns how long to wait, in ms.

        What counts is the time since our ping, not since the last message: after Blender was frozen for minutes the answer
        of the server may lie unread in the socket.
        """
        now = time.monotonic()
        if not self._pinged and now - self._last_message >= self._heartbeat:
            self._pinged = now
            self.send(messages.Ping(), {})
        quiet = self._pinged and now - self._pinged > self._heartbeat * (LIVENESS - 1)
        if quiet and not self.transport.socket.poll(0):
            raise DuologueError(
                "UNAVAILABLE",
                "server-silent",
                "the server does not answer any more; is its machine busy or asleep?",
                retryable=True,
            )
        due = self._pinged + self._heartbeat * (LIVENESS - 1) if self._pinged else self._last_message + self._heartbeat
        return max(1, int((due - now) * 1000))
