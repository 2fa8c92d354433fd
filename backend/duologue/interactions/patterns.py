"""The patterns: what each interaction is, read from ``patterns.toml``. To add one is to add a table there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.files.reading import MAX_TOML, parse_toml, read_bytes
from duologue.labels import INTERACTIONS
from duologue.rigs.joints import FINGERS

FACE: Final = ("cheek", "nose", "chin", "forehead", "lips", "ear")
"""Landmarks of a face."""
BODY: Final = ("hand", "shoulder", "arm", "back")
"""Places on the partner's body."""
PALM: Final = "Palm"
SIDED: Final = ("cheek", "ear", "hand", "shoulder", "arm")
"""Landmarks that there are two of."""

_FILE: Final = Path(__file__).with_name("patterns.toml")
_KEYS: Final = {
    "landmark",
    "shape",
    "touch",
    "along",
    "palm",
    "swing",
    "tilt",
    "roll",
    "axis",
    "askew",
    "across",
    "path",
    "seconds",
    "depth",
    "width",
    "press",
    "height",
    "rise",
    "pump",
    "far",
    "clasps",
    "web",
    "along_palm",
    "cross",
    "highest",
    "elsewhere",
    "lasts",
    "taps",
    "strikes",
}


@dataclass(frozen=True, eq=False)
class Pattern:
    """One way to touch. Directions and places are in the landmark's frame: outwards (from the middle), up, out of the skin."""

    name: str
    landmark: str
    shape: str
    """Of the hand: ``hand_shapes.toml``."""
    touch: tuple[str, ...]
    """The fingers whose tips meet the skin, or ``PALM``; with a digit, as ``Index2``, the side of that bone of a finger."""
    along: NDArray[np.float64]
    """(3,), unit: where the fingers point."""
    swing: float
    """Radians by which the hand may be turned about the skin's normal, either way."""
    tilt: float
    """Radians by which the fingers may be raised off the skin or laid down on it."""
    roll: float
    """Radians by which the hand may be rolled about its length."""
    axis: NDArray[np.float64]
    """(2,), unit: from the thumb to the other finger of a pinch, outwards and up."""
    path: NDArray[np.float64]
    """(n, 2) metres on the skin, from first touch to release; one row: it stays."""
    seconds: float
    """One run along the path."""
    depth: float
    """Metres at press 1, before what the tissue allows."""
    press: NDArray[np.float64]
    """(n, 2): share of the contact, share of the depth."""
    width: tuple[float, float]
    """Metres between the two fingers of a pinch, open and closed; 0 for all others."""
    height: float = 0.0
    """Where two hands meet: share of the way from the hips' joints to the shoulders'."""
    rise: float = 0.0
    """How much the fingers of two hands that meet point up, for each unit ahead."""
    pump: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of shaken hands: metres up, times a second, seconds in which it fades."""
    far: bool = False
    """Whether of two places the farther one is touched, where that is left open."""

    clasps: bool = False
    """Whether the fingers of two hands that meet close round the other hand; else they lie on it."""
    web: bool = False
    """Whether two hands meet where thumb and index part; else their palms' middles do."""
    along_palm: float = 0.74
    """Of the way from the wrist to the knuckles, which points of two palms meet."""

    askew: float = 0.0
    """Radians by which the axis of a pinch may be turned on the skin, either way."""

    across: bool = False
    """Whether a thumb that rests too far aside to pinch is laid so that it and the finger lie across the hand, which then hangs
    below what is pinched from aside."""

    cross: float = 0.0
    """Radians by which hands that lie on each other point inwards."""
    highest: float = 0.0
    """Where two hands meet above the shoulders: up to which share of the way as in ``height`` they do where that is easier."""
    palm: NDArray[np.float64] | None = None
    """(3,): where the palm faces; None: the skin, as nearly as the fingers let it."""
    elsewhere: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    """(n, 2) metres outwards and up: other places on the skin that do as well, where an arm lies there with less strain."""

    taps: tuple[int, float, float] = (1, 0.0, 0.0)
    """How often a hand comes down at most where a brief says nothing, seconds from one to the next, metres it lifts between."""
    strikes: float = 0.0
    """How fast a hand still comes down as it touches, of what it does on average: 0 lays it there."""
    lasts: float = np.inf
    """Seconds that it lasts at most, however long it is asked for: hands that are struck together part again."""

    @property
    def on_face(self) -> bool:
        """Whether it is a face that is touched."""
        return self.landmark in FACE

    @property
    def family(self) -> str:
        """``poke``, ``pinch``, ``stroke``, ``swipe``, …: the name's first word."""
        return self.name.partition("-")[0]


@cache
def patterns(*, own: bool = False) -> Mapping[str, Pattern]:
    """Return all patterns by name, in the order of ``labels.INTERACTIONS``: on a partner, or on the ``own`` face, where a table
    ``own`` within a pattern's says what is otherwise."""
    tables = cast("dict[str, dict[str, Any]]", parse_toml(read_bytes(_FILE, MAX_TOML).decode()))
    found: dict[str, Pattern] = {}
    for name, table in tables.items():
        otherwise = table.pop("own", {})
        found[name] = read_pattern(name, table | otherwise if own else table)
    return {name: found[name] for name in INTERACTIONS}


def finger_of(part: str) -> str:
    """Return which finger touches: of ``Index``, its tip, and of ``Index2``, one of its bones, the index finger."""
    return part.rstrip("123")


def read_pattern(name: str, table: Mapping[str, Any]) -> Pattern:
    """Read one pattern from its table.

    Raises:
        DuologueError: INVALID_ARGUMENT ``pattern-malformed`` saying what does not hold.
    """
    try:
        if unknown := set(table) - _KEYS:
            raise ValueError(f"unknown keys {sorted(unknown)}")
        along = np.array(table.get("along", (0.0, 1.0, 0.0)), np.float64)
        path = np.array(table.get("path", [[0.0, 0.0]]), np.float64).reshape(-1, 2) / 1000
        press = np.array(table.get("press", [[0.0, 1.0], [1.0, 1.0]]), np.float64).reshape(-1, 2)
        wide = tuple(float(value) / 1000 for value in table.get("width", (0.0, 0.0)))
        up, hertz, fades = (float(value) for value in table.get("pump", (0.0, 0.0, 0.0)))
        often, every, lifted = (float(value) for value in table.get("taps", (1, 0.0, 0.0)))
        turns = (("swing", 0.0), ("tilt", 20.0), ("roll", 15.0))
        swing, tilt, roll = (float(np.radians(table.get(key, default))) for key, default in turns)
        pattern = Pattern(
            name,
            str(table["landmark"]),
            str(table["shape"]),
            tuple(str(finger) for finger in table["touch"]),
            along / np.linalg.norm(along),
            swing,
            tilt,
            roll,
            np.array(table.get("axis", (1.0, 0.0)), np.float64),
            path,
            float(table.get("seconds", 0.5)),
            float(table.get("depth", 0.0)) / 1000,
            press,
            cast("tuple[float, float]", wide),
            float(table.get("height", 0.0)),
            float(table.get("rise", 0.0)),
            (up / 1000, hertz, fades),
            bool(table.get("far", False)),
            bool(table.get("clasps", False)),
            bool(table.get("web", False)),
            float(table.get("along_palm", 0.74)),
            float(np.radians(table.get("askew", 0.0))),
            bool(table.get("across", False)),
            float(np.radians(table.get("cross", 0.0))),
            float(table.get("highest", 0.0)),
            np.array(table["palm"], np.float64) if "palm" in table else None,
            np.array(table.get("elsewhere", []), np.float64).reshape(-1, 2) / 1000,
            (int(often), every, lifted / 1000),
            float(table.get("strikes", 0.0)),
            float(table.get("lasts", np.inf)),
        )
        fingers = {finger_of(part) for part in pattern.touch}
        if pattern.landmark not in (*FACE, *BODY) or not fingers <= {*FINGERS, PALM} or len(wide) != 2:
            raise ValueError("landmark, touch or width is nothing that hands know")
        if often < 1 or (often > 1 and every <= 0):
            raise ValueError("taps are at least one, with seconds between")
        if not (np.diff(press[:, 0]) > 0).all() or not np.isfinite(path).all() or not np.isfinite(pattern.along).all():
            raise ValueError("press must rise in time, path and along must be numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise invalid("pattern-malformed", f"the pattern {name!r} is no pattern: {error}", field=name) from error
    return pattern
