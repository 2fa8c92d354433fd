"""A batch's one connection to a server, and a performance over it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from duologue import __version__
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.take import Notice, Progress, Take, Window
from duologue.units import Sound
from duologue.wire.client import Client


class HaltError(Exception):
    """An error after which no other shot could be made either: no server, no Blender."""

    def __init__(self, error: DuologueError) -> None:
        super().__init__(str(error))
        self.error = error


class Line:
    """One connection for a whole batch: opened when the first shot needs it, and again when it was lost."""

    def __init__(self, open_client: Callable[[], AbstractContextManager[Client]]) -> None:
        self._open = open_client
        self._stack = ExitStack()
        self._client: Client | None = None

    def client(self) -> Client:
        """Return a client that is ready.

        Raises:
            HaltError: there is no server; no other shot could be made either.
        """
        if self._client is not None and self._client.error is not None:
            self.close()
        if self._client is None:
            try:
                self._client = self._stack.enter_context(self._open())
            except DuologueError as error:
                raise HaltError(error) from error
        return self._client

    def close(self) -> None:
        """Close the connection, and stop a server that was started for it. May be called twice."""
        self._client = None
        self._stack.close()


def perform(
    client: Client, brief: Brief, voices: tuple[Sound, Sound], on_progress: Callable[[str, int, int], None]
) -> tuple[Take, list[str]]:
    """Have a server perform a brief; return the take and what the server had to say.

    Raises:
        DuologueError: what the server names; see :meth:`Client.perform`.
    """
    told: list[str] = []
    windows: list[Window] = []

    def on_event(event: object) -> None:
        if isinstance(event, Notice):
            told.append(event.message)

    for event in client.perform(brief, voices, on_event):
        if isinstance(event, Progress):
            on_progress(event.stage, event.done, event.total)
        else:
            windows.append(event)
    described = client.performance
    provenance = {
        "brief": brief.digest(voices),
        "seed": brief.seed,
        "steps": brief.steps,
        "checkpoints": described.get("checkpoints", {}),
        "duologue": __version__,
    }
    return Take.from_windows(Skeleton.from_json(described["skeleton"]), windows, provenance), told
