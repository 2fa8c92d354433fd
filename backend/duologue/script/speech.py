"""What a script is made of, whatever it was written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_LINES: Final = 2_000
"""Of a script: two hours of dialogue."""
MAX_LINE: Final = 4_000
"""Characters of one of its lines."""


@dataclass(frozen=True)
class ScriptSpeech:
    """What one person says in one go, under one direction."""

    speaker: str
    text: str
    """What is said, and two marks: "/" where the next speech begins in the middle of this, "—" at the end: it is cut off."""
    directions: tuple[str, ...] = ()
    """The parentheticals before it, without their brackets: "angry", "sits down"."""
    dual: bool = False
    """Said at the same time as the speech before it (Fountain's ``^``)."""
    where: int = 0
    """Its line in the file, from 1."""


@dataclass(frozen=True)
class Script:
    """A scene of two: what they say in the order in which they begin, and what was left out."""

    speeches: tuple[ScriptSpeech, ...]
    cast: tuple[str, str]
    """Who is A and who is B."""
    title: dict[str, str] = field(default_factory=dict[str, str])
    """The title page, keys in lower case; ``relationship`` is Duologue's own."""
    notes: tuple[str, ...] = ()
