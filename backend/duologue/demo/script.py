"""The demo's dialogue as it is written: who says what, how, and when relative to the line before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Voice:
    """An espeak-ng voice at rest; lines raise and lower it."""

    name: str
    pitch: int
    speed: int
    pitch_range: int


@dataclass(frozen=True)
class Line:
    """One line. ``gap``: seconds after the end of the partner's line before (below 0: they overlap). ``cut``: the speaker
    falls silent after that many words. ``pitch`` and ``speed`` are added to the voice's own."""

    performer: Literal["A", "B"]
    text: str
    emotion: str
    gap: float
    pitch: int = 0
    speed: int = 0
    cut: int | None = None
    level: float = 1.0
    sounds: str = ""
    """espeak's phones, where it would spell the text out."""


VOICES: Final = {
    "A": Voice("en-us+f2", pitch=48, speed=166, pitch_range=70),
    "B": Voice("en-gb+m3", pitch=44, speed=158, pitch_range=62),
}
"""Ada and Ben."""

LAUGH: Final = "(laughs)"
"""A line that is a laugh: built of single syllables, each lower and softer than the last."""

SCRIPT: Final = (
    Line("A", "Ben. Don't look up. Promise me.", "anxiety", 0.5, pitch=-4, speed=8),
    Line("B", "I promise. Um, why are we whispering?", "confusion", 0.35),
    Line(
        "A",
        "Because somebody put a piano on the roof! A purple, beautiful piano, and maybe it belongs to the mayor.",
        "excitement",
        0.3,
        pitch=10,
        speed=18,
        cut=18,
    ),
    Line("B", "Mine! I bought it for my birthday.", "amusement", -0.75, pitch=8, speed=6),
    Line("A", "Yours?", "surprise", 0.25, pitch=22, speed=-10),
    Line(
        "B",
        "But I bumped my thumb, and then my poor mother climbed inside,",
        "amusement",
        0.4,
        speed=10,
    ),
    Line("A", "Mm-hm", "interest", -2.05, pitch=-6, level=0.6, sounds="m'@mh'@m"),
    Line("B", "and she won't come out.", "awkwardness", 0.1, pitch=-6, speed=-10),
    Line("A", LAUGH, "joy", 0.15, pitch=16),
    Line("A", "You impossible man. Play me something!", "amusement", 0.15, pitch=4, speed=-4),
    Line("B", "Later. First, help me feed my mum.", "amusement", 0.45, pitch=-4, speed=-8),
)
"""27 seconds: turns, one interruption (A is cut off), one back-channel (A's "mm-hm" under B's line) and one laugh."""
