"""What listens at an address, as its ZMTP greeting says (https://rfc.zeromq.org/spec/23): a CURVE server, or something else.

libzmq's monitor says no more of a failed handshake than that the other side hung up. A server hangs up on a client with the wrong
server key, and so does whatever else may listen there; but only the former greets before.
"""

from __future__ import annotations

import socket
import time
from typing import Final

_SIGNATURE: Final = b"\xff" + bytes(7) + b"\x01\x7f"
_GREETING: Final = _SIGNATURE + b"\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)


def address_of(endpoint: str) -> tuple[str, int]:
    """Return host and port of ``tcp://host:port``.

    Raises:
        ValueError: there is no port in it.
    """
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def speaks_curve(endpoint: str, seconds: float = 1.0) -> bool:
    """Return whether a ZeroMQ socket with CURVE listens there."""
    greeting, until = b"", time.monotonic() + seconds
    try:
        with socket.create_connection(address_of(endpoint), timeout=seconds) as probe:
            probe.sendall(_GREETING)
            while len(greeting) < len(_GREETING) and (left := until - time.monotonic()) > 0:
                probe.settimeout(left)
                if not (part := probe.recv(len(_GREETING) - len(greeting))):
                    return False
                greeting += part
    except (OSError, ValueError):
        return False
    return greeting[:1] == b"\xff" and greeting[9:10] == b"\x7f" and greeting[12:32].rstrip(b"\0") == b"CURVE"
