"""Does the wire work on this machine? The handshakes that ``duologue doctor`` tries, and its look at a server that runs."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from duologue.errors import DuologueError
from duologue.service.auth import KeyPair
from duologue.service.router import Router
from duologue.service.settings import Settings
from duologue.wire.client import Client
from duologue.wire.connection import Connection


def check_server(connection: Connection, timeout: float = 10.0) -> dict[str, Any]:
    """Connect to a server and return its version, round-trip time (seconds) and load.

    Raises:
        DuologueError: what ``Client.connect`` raises.
    """
    with Client(connection, patience=timeout) as client:
        welcome = client.wait_ready(timeout)
        seconds = client.ping(timeout)
        return {"version": welcome.version, "round_trip": seconds, "load": client.load}


def check_handshake() -> dict[str, Any]:
    """Listen on a free port of this machine, connect with the right key and with a wrong one, and say what came of it.

    Returns:
        ``{"right_key": seconds, "wrong_key": reason}``; the reason is ``"server-key"`` where all is well.

    Raises:
        DuologueError: the port can't be had, or the right key is refused.
    """
    with _idle_server() as connection:
        begun = time.monotonic()
        Client.connect(connection).close()
        seconds = time.monotonic() - begun
        try:
            Client.connect(replace(connection, server_key=KeyPair.new().public)).close()
        except DuologueError as error:
            return {"right_key": seconds, "wrong_key": error.reason}
        return {"right_key": seconds, "wrong_key": "accepted"}


@contextmanager
def _idle_server() -> Iterator[Connection]:
    """Run a server without workers: only the handshake is looked at."""
    with tempfile.TemporaryDirectory(prefix="duologue-check-") as folder:
        router = Router(Settings(devices=(), state=Path(folder)))
        router.pool.described = {}
        stop = threading.Event()
        thread = threading.Thread(target=router.run, args=(stop,), name="duologue-check")
        try:
            connection = router.bind()
            thread.start()
            yield connection
        finally:
            stop.set()
            if thread.is_alive():
                thread.join()
            router.close()
