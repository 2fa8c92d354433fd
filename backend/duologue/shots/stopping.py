"""Stopping a batch as a farm does."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stoppable() -> Generator[None]:
    """Turn Ctrl-C and SIGTERM into KeyboardInterrupt while the block runs.

    A farm sends SIGTERM, which would end Python at once; Blender has ways of its own with both, and a shell may have had Ctrl-C
    ignored by what it starts in the background.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = [signal.SIGINT, *([] if sys.platform == "win32" else [signal.SIGTERM])]
    before = [(number, signal.signal(number, stop)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
