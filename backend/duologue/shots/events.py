"""Event lines: how a Blender without a window tells its caller what happens, one JSON object a line of its standard output.

A line is ``{"duologue": WHAT, …}`` and stands among whatever Blender itself prints. ``addon/headless.py`` lists them all.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

MARK: Final = "duologue"
"""The first key of every event line; its value names the event."""


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
