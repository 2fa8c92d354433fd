# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting to a server, or starting one first, in a thread of its own: both take seconds that a UI does not have."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from duologue.errors import DuologueError
from duologue.wire.client import Client
from duologue.wire.connection import Connection, default_connection_file
from duologue.wire.local import LocalServer, find_server


@dataclass(frozen=True)
class ServerTarget:
    """Which server to use: one whose address and keys are known, or this machine's, started with ``python`` where none runs."""

    connection: Connection | None = None
    file: Path | None = None
    """The file that the connection is from: read again after a break, since a server that was started anew has other keys."""
    python: str = ""
    log: Path | None = None
    """Where a server that is started here writes its log."""


@dataclass(frozen=True)
class Opened:
    """A connection that stands, and the server that was started for it, if one was."""

    client: Client
    server: LocalServer | None

    def close(self) -> None:
        """Drop the connection and stop the server. May be called twice."""
        self.client.close()
        if self.server is not None:
            self.server.stop()


class Opening:
    """A connection that is being made. Its thread touches nothing of Blender's."""

    def __init__(self, target: ServerTarget) -> None:
        """Begin at once."""
        self._target = target
        self._result: Opened | DuologueError | None = None
        self._given_up = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="duologue-open", daemon=True)
        self._thread.start()

    def result(self) -> Opened | DuologueError | None:
        """Return what came of it, or None while that is open."""
        return self._result

    def give_up(self, patience: float = 1.0) -> None:
        """Want it no more: what is still coming closes itself when it is there. Waits for that a moment, not for ever."""
        with self._lock:
            self._given_up = True
            result = self._result
        if isinstance(result, Opened):
            result.close()
        self._thread.join(patience)

    def _run(self) -> None:
        try:
            result = _open(self._target)
        except DuologueError as error:
            result = error
        except Exception as error:  # a fault in this thread must reach the panel
            result = DuologueError("INTERNAL", "client-fault", f"{type(error).__name__}: {error}")
        with self._lock:
            self._result = result
            unwanted = self._given_up
        if unwanted and isinstance(result, Opened):
            result.close()


def _open(target: ServerTarget) -> Opened:
    """Find or start the server and connect."""
    server = None
    connection, file = target.connection, target.file
    if connection is None and (connection := find_server()) is not None:
        file = default_connection_file()
    if connection is None:
        if not target.python:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "server-missing",
                "no server runs on this computer, and no Python with Duologue is known to start one; set it in the Duologue "
                "preferences, or run `duologue serve`",
            )
        server = LocalServer.start(python=target.python, log=target.log)
        connection = server.connection
    client = Client(
        connection,
        name="blender",
        alive=server.alive if server else None,
        reload=(lambda: Connection.load(file)) if file else None,
    )
    try:
        client.wait_ready()
    except BaseException:
        client.close()
        if server is not None:
            server.stop()
        raise
    return Opened(client, server)
