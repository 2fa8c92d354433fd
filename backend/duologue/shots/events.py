"""Event lines: how a Blender without a window tells its caller what happens, one JSON object a line of its standard output.

A line is ``{"duologue": WHAT, …}`` and stands among whatever Blender itself prints. ``addon/headless.py`` lists them all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

MARK: Final = "duologue"
"""The first key of every event line; its value names the event."""
_PROGRESS: Final = ("Fra:", "Append frame", "Saved:", " Time:")
"""How Blender's own lines about a frame begin: they say nothing of why it ended."""


def emit(what: str, **fields: object) -> None:
    """Print one event line, at once."""
    sys.stdout.write(json.dumps({MARK: what, **fields}) + "\n")
    sys.stdout.flush()


def parse(line: str) -> dict[str, Any] | None:
    """Return the event that a line of output holds, or None for what Blender itself prints."""
    if not line.startswith(f'{{"{MARK}"'):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def follow(command: Sequence[str], on_event: Callable[[dict[str, Any]], None]) -> tuple[int, list[str]]:
    """Run a command that prints event lines to its end; return its exit code and the last lines that were none.

    Whatever ``on_event`` raises, and Ctrl-C, ends the command as well.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    )
    assert process.stdout is not None
    last = deque[str](maxlen=8)
    try:
        for line in process.stdout:
            event = parse(line)
            if event is not None:
                on_event(event)
            elif line.strip() and not line.startswith(_PROGRESS):
                last.append(line.strip())
        return process.wait(), list(last)
    finally:
        if process.poll() is None:  # Ctrl-C ends the parent's wait, not always the child
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
