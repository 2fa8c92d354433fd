"""Is it well? What a PONG tells of the server, and the checks that ``duologue doctor`` makes."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duologue.errors import DuologueError
from duologue.wire.client import Client
from duologue.wire.connection import Connection

if TYPE_CHECKING:
    from duologue.service.router import Router


def load(router: Router) -> dict[str, Any]:
    """Return a server's load: JSON-safe, small, without anything about what it performs."""
    return {
        "workers": [{"device": worker.device, "state": worker.state} for worker in router.pool.workers],
        "running": sum(job.state == "running" for job in router.book.jobs.values()),
        "queue": len(router.book.queue),
        "jobs": len(router.book.jobs),
        "spool_bytes": sum(job.size for job in router.book.jobs.values()),
        "restarts": router.pool.restarts,
        "refused": router.clients.refused,
    }


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
    from dataclasses import replace

    from duologue.service.auth import KeyPair
    from duologue.service.router import Router, Settings

    with tempfile.TemporaryDirectory(prefix="duologue-check-") as folder:
        router = Router(Settings(devices=(), state=Path(folder)))
        router.pool.described = {}  # it has no worker: only the handshake is looked at
        stop = threading.Event()
        thread = threading.Thread(target=router.run, args=(stop,), name="duologue-check")
        try:
            connection = router.bind()
            thread.start()
            begun = time.monotonic()
            Client.connect(connection).close()
            right = time.monotonic() - begun
            wrong = "accepted"
            try:
                Client.connect(replace(connection, server_key=KeyPair.new().public)).close()
            except DuologueError as error:
                wrong = error.reason
        finally:
            stop.set()
            if thread.is_alive():
                thread.join()
            router.close()
    return {"right_key": right, "wrong_key": wrong}
