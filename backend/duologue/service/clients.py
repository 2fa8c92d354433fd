"""The clients' side of the server: one ROUTER socket, a session for each connection, and nothing that could wait."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import zmq

from duologue import __version__
from duologue.errors import DuologueError
from duologue.service import admission, logs
from duologue.service.auth import CLIENTS, Authority, KeyPair
from duologue.service.jobs import Job
from duologue.service.limits import Limits
from duologue.wire import messages
from duologue.wire.framing import MAJOR, MAX_FRAME, Packet, decode, encode
from duologue.wire.messages import Message
from duologue.wire.transport import HIGH_WATER

log = logging.getLogger("duologue.clients")

TURN_SECONDS = 0.05
"""That clients are listened to at a time."""


@dataclass(eq=False)
class Session:
    """A client's connection, and no longer: a client that comes back has a new session and resumes its jobs in it."""

    id: str
    user: str
    """The client's public key, as the handshake proved it. Never a name that it gives itself."""
    identity: bytes
    """ZeroMQ's routing id of the connection."""
    last_active: float
    welcomed: bool = False


class Clients:
    """All sessions. ``receive`` hands every message that is in order on; errors go back to who caused them."""

    def __init__(self, context: zmq.Context, limits: Limits) -> None:
        self._limits = limits
        self._by_identity: dict[bytes, Session] = {}
        self._by_id: dict[str, Session] = {}
        self.refused = 0
        """Messages refused so far."""
        self.socket = context.socket(zmq.ROUTER)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.SNDHWM, HIGH_WATER),
            (zmq.RCVHWM, HIGH_WATER),
            (zmq.MAXMSGSIZE, MAX_FRAME),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.ROUTER_MANDATORY, 1),
            (zmq.TCP_KEEPALIVE, 1),
        ):
            self.socket.setsockopt(option, value)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_identity.values()))

    def bind(self, host: str, port: int, authority: Authority, keys: KeyPair | None) -> str:
        """Listen and return the endpoint; without ``keys`` there is no encryption.

        Raises:
            DuologueError: FAILED_PRECONDITION ``port-in-use`` or ``address``.
        """
        if keys is not None:
            authority.guard(self.socket, CLIENTS, keys)
        try:
            self.socket.bind(f"tcp://{host}:{port or '*'}")
        except zmq.ZMQError as error:
            raise _bind_error(error, host, port) from error
        bound = self.socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(bound, bytes)
        return bound.rstrip(b"\0").decode()

    def receive(self, handle: Callable[[Session, Packet], None]) -> None:
        """Hand on what clients have sent, but not for so long that workers starve."""
        until = time.monotonic() + TURN_SECONDS
        while time.monotonic() < until:
            try:
                identity, *frames = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._on_frames(identity.bytes, frames, handle)

    def _on_frames(self, identity: bytes, frames: list[zmq.Frame], handle: Callable[[Session, Packet], None]) -> None:
        session = self._by_identity.get(identity)
        about: Message | None = None
        try:
            packet = decode([frame.buffer for frame in frames])
            about = packet.message
            if isinstance(about, messages.Hello):
                session = self._hello(identity, _user(frames), about)
            elif session is None:
                raise DuologueError("FAILED_PRECONDITION", "session-unknown", "say HELLO first")
            session.last_active = time.monotonic()
            handle(session, packet)
        except DuologueError as error:
            self.refused += 1
            log.info("refused", extra=logs.facts(reason=error.reason))  # a field's name may be the brief's own text
            self._refuse(identity, error, about)
        except OSError as fault:
            # The disk is full or gone, or there are no descriptors: this request fails, the server goes on.
            log.error("storage", extra=logs.facts(fault=str(fault)))
            self._refuse(identity, admission.storage_error(fault), about)
        except Exception:
            # A fault of ours must not end everybody's performances because of one message.
            log.exception("fault")
            self._refuse(identity, admission.server_fault(), about)

    def _refuse(self, identity: bytes, error: DuologueError, about: Message | None) -> None:
        message = messages.ErrorMessage.of(error, job=getattr(about, "job", ""), key=getattr(about, "key", ""))
        self._send_frames(identity, encode(message))

    def _hello(self, identity: bytes, user: str, message: messages.Hello) -> Session:
        if not message.protocol or not min(message.protocol) <= MAJOR <= max(message.protocol):
            raise DuologueError(
                "UNIMPLEMENTED",
                "protocol-version",
                f"this server (Duologue {__version__}) speaks DUO/{MAJOR}, the client another version; "
                "install the same Duologue version on both",
            )
        self._drop(identity)
        self._make_room(user)
        session = Session(uuid.uuid4().hex, user, identity, time.monotonic())
        self._by_identity[identity] = self._by_id[session.id] = session
        return session

    def _make_room(self, user: str) -> None:
        """See that one more session fits. Those of clients that are gone look like silent ones, and who is not gone and loses
        its session makes a new one and resumes its jobs in it; so the one that was silent longest goes.

        Raises:
            DuologueError: RESOURCE_EXHAUSTED ``sessions`` when all are others' and alive.
        """
        own = [session for session in self if session.user == user]
        if len(own) >= self._limits.sessions_per_client:
            self._drop(min(own, key=lambda session: session.last_active).identity)
        elif len(self._by_identity) >= self._limits.sessions:
            silent = min(self, key=lambda session: session.last_active)
            if time.monotonic() - silent.last_active < 3 * self._limits.heartbeat:  # a live one has pinged since
                raise admission.busy("sessions", "the server has as many clients as it takes; try again later")
            self._drop(silent.identity)

    def send(self, session: Session, message: Message) -> bool:
        """Send a message; False when the client is gone or its queue is full."""
        return self._send_frames(session.identity, encode(message))

    def notify(self, job: Job, message: Message) -> None:
        """Send a message to a job's client, if it is there. For what may get lost: progress, notices, grants."""
        session = self._by_id.get(job.session)
        if session is not None:
            self.send(session, message)

    def deliver(self, job: Job) -> None:
        """Send a job's windows as far as its client's credit goes, and the ending after the last."""
        session = self._by_id.get(job.session)
        if session is None:
            return
        while job.may_send():
            if not self._send_frames(session.identity, job.spool.read(job.sent)):
                return
            job.sent += 1
        if job.ending is None or job.ending_sent:
            return
        # A take that is whole is delivered whole before DONE, and so are pictures that were stopped; what failed has nothing to
        # wait for.
        whole = messages.Done | messages.Cancelled if job.keeps_what_was_made else messages.Done
        if not isinstance(job.ending, whole) or job.sent == len(job.spool):
            job.ending_sent = self.send(session, job.ending)

    def drop_silent(self, now: float) -> None:
        """Forget clients that have said nothing for long. Their jobs are kept or dropped on their own account."""
        for session in self:
            if now - session.last_active > self._limits.keep:
                self._drop(session.identity)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close(linger=0)

    def _drop(self, identity: bytes) -> None:
        session = self._by_identity.pop(identity, None)
        if session is not None:
            del self._by_id[session.id]

    def _send_frames(self, identity: bytes, frames: list[Any]) -> bool:
        try:
            self.socket.send_multipart([identity, *frames], zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False  # its queue is full; the next tick tries again
        except zmq.ZMQError:
            self._drop(identity)  # it is gone; its jobs wait for it
            return False
        return True


def _user(frames: list[zmq.Frame]) -> str:
    try:
        return str(frames[-1].get("User-Id"))
    except (zmq.ZMQError, UnicodeDecodeError):
        return ""  # a socket without CURVE proves nobody


def _bind_error(error: zmq.ZMQError, host: str, port: int) -> DuologueError:
    if error.errno == zmq.EADDRINUSE:
        return DuologueError(
            "FAILED_PRECONDITION",
            "port-in-use",
            f"port {port} on {host} is in use; stop what listens there (another server?), or choose another with --port",
            field="port",
        )
    return DuologueError(
        "FAILED_PRECONDITION", "address", f"can't listen on {host}:{port}: {error.strerror}", field="host"
    )
