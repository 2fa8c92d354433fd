"""One connection of a client to a server: a DEALER socket, its CURVE keys and its monitor.

A wrong key is silent to send and receive; only the socket's monitor tells. So the monitor is read beside the socket, and what
it says becomes a named error. ZeroMQ's own reconnecting is off: it would send what was queued for the old connection over the
new one, before HELLO. The client makes a new ``Transport`` instead.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Mapping
from typing import Any, Final

import zmq
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.wire.connection import Connection
from duologue.wire.framing import MAX_FRAME, Packet, decode, encode
from duologue.wire.greeting import address_of, speaks_curve
from duologue.wire.messages import Message

HIGH_WATER: Final = 4096  # far above what credits allow to be in flight, so that ZeroMQ never drops anything
HANDSHAKE_MS: Final = 4000


class Transport:
    """A connection being made, in use, or lost. For one thread only."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], connection: Connection, *, plain: bool = False) -> None:
        """Begin to connect; ``plain`` leaves CURVE away (for measuring what CURVE costs, never otherwise)."""
        self._endpoint = connection.endpoint
        self.connected = False
        """The handshake succeeded."""
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        self.socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self.socket.setsockopt(zmq.CONNECT_TIMEOUT, HANDSHAKE_MS)
        if not plain:
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, connection.server_key.encode())
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, connection.client_public.encode())
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, connection.client_secret.encode())
        self.monitor = self.socket.get_monitor_socket()
        try:
            self.socket.connect(connection.endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise DuologueError(
                "INVALID_ARGUMENT",
                "endpoint",
                f"{connection.endpoint} is not an address to connect to; it should look like tcp://host:port",
            ) from error
        self._check_host()

    def _check_host(self) -> None:
        """libzmq looks a name up in the background and says nothing when there is none of that name.

        Raises:
            DuologueError: UNAVAILABLE ``host-unknown``.
        """
        try:
            socket.getaddrinfo(*address_of(self._endpoint), type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            self.close()
            raise _unavailable(
                "host-unknown", f"{self._endpoint} names a machine that can't be found; is its name right?"
            ) from error

    def send(self, message: Message, arrays: Mapping[str, NDArray[Any]] | None = None) -> bool:
        """Send a message; False when the connection takes none (it is lost, and the monitor will say so)."""
        try:
            self.socket.send_multipart(encode(message, arrays), flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        return True

    def receive(self) -> Packet | None:
        """Return the next message, or None when there is none now. Raises what ``framing.decode`` raises."""
        try:
            frames = self.socket.recv_multipart(flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return None
        return decode([frame.buffer for frame in frames])

    def check(self) -> None:
        """Read what the monitor has to say.

        Raises:
            DuologueError: UNAUTHENTICATED ``server-key`` or ``client-refused``; UNAVAILABLE ``not-a-server``,
                ``server-not-reachable`` or ``connection-lost`` (these three are retryable).
        """
        from zmq.utils.monitor import recv_monitor_message  # brings asyncio along, which nothing else of ours needs

        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor, flags=zmq.DONTWAIT)
            kind, value = int(event["event"]), int(event["value"])
            if kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.connected = True
            elif kind == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise DuologueError(
                    "UNAUTHENTICATED",
                    "client-refused",
                    f"the server at {self._endpoint} does not know this client's key; use the connection file of the server "
                    "that runs now, or let its owner make one with `duologue serve --new-client NAME`",
                )
            elif kind == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                raise _unavailable(
                    "not-a-server",
                    f"what listens at {self._endpoint} is no Duologue server, or one without our encryption",
                )
            elif kind == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and value != errno.EAGAIN:
                # A server closes without a word on a client that has the wrong key for it (and a dying one does the same).
                if not speaks_curve(self._endpoint):
                    raise self._hung_up()
                raise DuologueError(
                    "UNAUTHENTICATED",
                    "server-key",
                    f"the server at {self._endpoint} has another key than the one we were given; "
                    "get its present connection file",
                )
            elif kind in (zmq.EVENT_CLOSED, zmq.EVENT_CONNECT_RETRIED) and not self.connected:
                raise _unavailable(
                    "server-not-reachable",
                    f"nothing answers at {self._endpoint}; is the server running? (`duologue serve`)",
                )
            elif kind == zmq.EVENT_DISCONNECTED and self.connected:
                raise _unavailable("connection-lost", f"the connection to {self._endpoint} broke")
            elif kind == zmq.EVENT_DISCONNECTED:
                raise self._hung_up()

    def _hung_up(self) -> DuologueError:
        return _unavailable(
            "not-a-server", f"what listens at {self._endpoint} hung up; it is no Duologue server, or it is just ending"
        )

    def close(self) -> None:
        """Give everything back at once; what is still unsent is dropped."""
        with contextlib.suppress(zmq.ZMQError):
            self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)


def _unavailable(reason: str, message: str) -> DuologueError:
    return DuologueError("UNAVAILABLE", reason, message, retryable=True)
