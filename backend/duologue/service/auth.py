"""Who may talk to the server: its own keys, the keys it gives out, and the list of those it lets in.

ZeroMQ's CURVE without a ZAP handler accepts everyone who holds the server's public key, so there always is a handler with a
list. The keys of clients on other machines live in the server's state folder and outlast it; the key for this machine's users
is made anew at every start and lies in the connection file.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from duologue import __version__
from duologue.errors import DuologueError, invalid
from duologue.service import logs
from duologue.wire.connection import Connection, write_private

log = logging.getLogger("duologue.auth")

CLIENTS, WORKERS = "clients", "workers"


@dataclass(frozen=True)
class KeyPair:
    """A CURVE key pair, Z85 text."""

    public: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> KeyPair:
        """Make a key pair."""
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode())


class Authority:
    """Lets in whose public key is on the list, for clients and workers apart: ZeroMQ's ZAP handler (RFC 27).

    The router's loop answers its socket. pyzmq's own handlers run asyncio, which on Windows has no event loop for ZeroMQ.
    """

    def __init__(self, context: zmq.Context) -> None:
        self._allowed: dict[str, set[str]] = {CLIENTS: set(), WORKERS: set()}
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind("inproc://zeromq.zap.01")
        self.refused = 0
        """Handshakes refused so far."""

    def allow(self, domain: str, public_key: str) -> None:
        """Let a key in."""
        self._allowed[domain].add(public_key)

    def guard(self, socket: zmq.Socket, domain: str, keys: KeyPair) -> None:
        """Make a socket a CURVE server of a domain. Before ``bind``."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
        socket.setsockopt(zmq.ZAP_DOMAIN, domain.encode())

    def answer(self) -> None:
        """Judge one handshake. The key that was let in becomes the connection's ``User-Id``."""
        request = self.socket.recv_multipart()
        version, sequence, domain = request[:3]
        mechanism, credentials = request[5], request[6:]
        key = z85.encode(credentials[0]).decode() if mechanism == b"CURVE" and len(credentials[0]) == 32 else ""
        if key in self._allowed.get(domain.decode(errors="replace"), ()):
            verdict = [b"200", b"OK", key.encode(), b""]
        else:
            self.refused += 1
            log.warning("unknown key refused", extra=logs.facts(domain=domain.decode(errors="replace")))
            verdict = [b"400", b"unknown key", b"", b""]
        self.socket.send_multipart([version, sequence, *verdict])

    def close(self) -> None:
        """Close the socket."""
        self.socket.close(linger=0)


class KeyStore:
    """The keys in the server's state folder: ``keys.json`` (0600), with the server's own pair and the clients' public keys."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "keys.json"

    def server_keys(self) -> KeyPair:
        """Return the server's lasting key pair; the first call makes it."""
        stored = self._load()
        if "server" not in stored:
            keys = KeyPair.new()
            stored["server"] = {"public": keys.public, "secret": keys.secret}
            self._save(stored)
        return KeyPair(**stored["server"])

    def clients(self) -> dict[str, str]:
        """Return the names and public keys of the clients that may come from other machines."""
        return dict(self._load().get("clients", {}))

    def new_client(self, name: str, endpoint: str, path: Path) -> Connection:
        """Give a client a key: put its public half on the list and write its connection file to ``path``.

        Raises:
            DuologueError: INVALID_ARGUMENT ``client-name``; FAILED_PRECONDITION ``client-exists``; the file can't be written.
        """
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise invalid(
                "client-name", f"{name!r} is no name for a client; use letters, digits, dot, dash", field="new-client"
            )
        server, stored = self.server_keys(), self._load()
        clients = stored.setdefault("clients", {})
        if name in clients:
            raise DuologueError(
                "FAILED_PRECONDITION", "client-exists", f"there is a client named {name!r} already; choose another name"
            )
        keys = KeyPair.new()
        connection = Connection(endpoint, server.public, keys.public, keys.secret, version=__version__)
        connection.save(path)
        clients[name] = keys.public
        self._save(stored)
        return connection

    def _load(self) -> dict[str, Any]:
        try:
            return json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise DuologueError(
                "DATA_LOSS",
                "keys-malformed",
                f"{self._file} can't be read; restore it, or remove it and give out new keys",
            ) from error

    def _save(self, stored: dict[str, Any]) -> None:
        write_private(self._file, json.dumps(stored, indent=2))


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    try:
        return all(
            ipaddress.ip_address(info[4][0]).is_loopback
            for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        )
    except (OSError, ValueError):
        return False


def check_exposure(host: str, clients: dict[str, str]) -> None:
    """Refuse to listen on an address that others reach while nobody is on the list.

    Raises:
        DuologueError: FAILED_PRECONDITION ``no-clients``.
    """
    if not is_loopback(host) and not clients:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "no-clients",
            f"{host} can be reached from other machines and no client has a key; "
            "make one with `duologue serve --new-client NAME`, or listen on 127.0.0.1",
            field="host",
        )
