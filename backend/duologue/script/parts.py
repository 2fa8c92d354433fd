"""Speech and the parentheticals in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARENTHETICAL = re.compile(r"\(([^()]{0,200})\)|\[([^\[\]]{0,200})\]")


def parted(said: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (directions, text) for each stretch of a speech: directions stand before what they are for.

    Those at the end have a stretch without text.
    """
    directions: list[str] = []
    at = 0
    for match in _PARENTHETICAL.finditer(said):
        if text := said[at : match.start()].strip():
            yield tuple(directions), text
            directions = []
        directions.append((match[1] or match[2] or "").strip())
        at = match.end()
    text = said[at:].strip()
    if text or directions:
        yield tuple(directions), text
