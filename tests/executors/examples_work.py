"""Work for executors, in a module that their processes can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from duologue.errors import DuologueError


def slow_square(folder: Path, number: int) -> tuple[int, Path]:
    """Write down who begins (task and process as a file's name, the node in it) and, a moment later, the result."""
    ray = sys.modules.get("ray")
    node = ray.get_runtime_context().get_node_id() if ray is not None and ray.is_initialized() else ""
    (folder / f"{number}.began.{os.getpid()}").write_text(node)
    time.sleep(0.3)
    part = folder / f"{number}.part.{os.getpid()}"
    part.write_text(str(number * number))
    part.replace(folder / f"{number}.result")
    return number * number, Path.cwd()


def refuse(number: int) -> int:
    if number == 2:
        raise DuologueError("DATA_LOSS", "file-unreadable", "it is torn", field="two", retryable=True, retry_after_ms=3)
    if number == 9:
        raise ZeroDivisionError("nine")
    return number


def end_this_process(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def tidy(folder: Path, number: int) -> int:
    """Work long, and leave a note when stopped."""
    try:  # first: it may be stopped at any moment
        (folder / f"{number}.began").touch()
        time.sleep(60 if number else 0)
    finally:
        (folder / f"{number}.tidied").touch()
    return number


def counted(numbers: Iterable[int], taken: list[int]) -> Iterator[int]:
    for number in numbers:
        taken.append(number)
        yield number
