# SPDX-License-Identifier: GPL-3.0-or-later
"""The one connection of this Blender to a server: being made, standing, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.wire.client import Client

from .opening import Opened, Opening, ServerTarget


@dataclass(frozen=True)
class ServerState:
    """One line about the server for the preferences."""

    text: str
    failed: bool = False


class Link:
    """A connection, and the server that was started for it, if one was. Nothing is connected before it is asked for."""

    def __init__(self) -> None:
        self._target: ServerTarget | None = None
        self._opening: Opening | None = None
        self._opened: Opened | None = None
        self._failure: DuologueError | None = None
        """Why there is no connection."""

    def server_state(self) -> ServerState:
        """Return the state of the connection in words."""
        if self._opening is not None:
            return ServerState(_t("Connecting…"))
        if self._failure is not None:
            return ServerState(str(self._failure), failed=True)
        if self._client is not None and self._client.error is not None:
            return ServerState(str(self._client.error), failed=True)
        if self._client is not None and self._client.ready:
            whose = _t("started by Blender") if self.owns_server else _t("running")
            version = self._client.server.version if self._client.server is not None else ""
            text = _t("Connected to {endpoint} ({whose}), Duologue {version}")
            return ServerState(text.format(endpoint=self._client.connection.endpoint, whose=whose, version=version))
        return ServerState(_t("Not connected"))

    def connected(self) -> Client | None:
        """Return the connection once it stands, None while it is being made.

        Raises:
            DuologueError: why there is none.
        """
        error = self._failure or (self._client.error if self._client is not None else None)
        if error is not None:
            raise error
        return self._client if self._client is not None and self._client.ready else None

    def backends(self) -> tuple[str, ...] | None:
        """Return who makes pictures of passes on the server that is connected; None where none is."""
        server = self._client.server if self._client is not None else None
        return server.backends if server is not None else None

    @property
    def owns_server(self) -> bool:
        """Whether this Blender has started a server that still runs."""
        server = self._opened.server if self._opened is not None else None
        return server is not None and server.alive()

    @property
    def _client(self) -> Client | None:
        return self._opened.client if self._opened is not None else None

    def open(self, target: ServerTarget) -> None:
        """Connect. Returns at once; what comes of it is taken in by and by."""
        self._failure = None
        self._drop_unfit(target)
        if self._opened is None and self._opening is None:
            self._target = target
            self._opening = Opening(target)

    def close(self) -> None:
        """Drop the connection and stop a server that was started here. May be called at any time, and twice."""
        opening, opened = self._opening, self._opened
        self._opening = self._opened = self._target = None
        if opening is not None:
            opening.give_up()
        if opened is not None:
            opened.close()

    def _drop_unfit(self, target: ServerTarget) -> None:
        """Drop a connection that has ended, or that leads elsewhere than is wanted now."""
        client = self._client
        if (client is not None and client.error is not None) or (self._target is not None and target != self._target):
            self.close()

    def _take_opened(self) -> None:
        result = self._opening.result() if self._opening is not None else None
        if result is None:
            return
        self._opening = None
        if isinstance(result, DuologueError):
            self._failure = result
            raise result
        self._opened = result
