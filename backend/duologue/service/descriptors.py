"""File descriptors: as many as the system gives, and a few put aside for starting a worker when clients took all others."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

SPARE = 12
"""A new process takes two pipes, its error channel and what it inherits, for a moment."""


def raise_limit() -> None:
    """Let this process open as many files as the system allows it: a connection takes one, a job under way three."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        if hard != resource.RLIM_INFINITY and soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class SpareDescriptors:
    """Holds ``SPARE`` descriptors open and gives them up while ``lent``."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._hold()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Have them free for the block. Who is quicker may take them: then the block fails as it would have without."""
        self.close()
        try:
            yield
        finally:
            self._hold()

    def close(self) -> None:
        """Give them back for good."""
        while self._held:
            os.close(self._held.pop())

    def _hold(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._held) < SPARE:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
