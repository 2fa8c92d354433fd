# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline markers as a performer's timeline: "A: sit", "B: joy 1.5". They are dragged, undone and saved as any marker is."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from bpy.app.translations import pgettext_iface as _t
from duologue.brief.timeline import MAX_EMOTION_STRENGTH
from duologue.labels import ACTION_MODES, EMOTIONS

if TYPE_CHECKING:
    from bpy.types import Scene

Kind = Literal["action", "emotion"]

_FORM = re.compile(r"\s*([ABab])\s*:\s*(.*?)(?:\s+([-+]?\d+(?:[.,]\d+)?))?\s*")


@dataclass(frozen=True)
class Cue:
    """From ``frame`` on a performer does or feels something else. ``marker``: the marker's name."""

    frame: int
    performer: str
    kind: Kind
    label: str
    strength: float
    marker: str


@dataclass(frozen=True)
class Unread:
    """A marker that begins as a cue does and isn't one, and why."""

    frame: int
    performer: str
    marker: str
    problem: str


def read_markers(scene: Scene) -> tuple[list[Cue], list[Unread]]:
    """Return the cues of a scene and what looks like one but can't be read, both in the order of time."""
    cues: list[Cue] = []
    unread: list[Unread] = []
    for marker in scene.timeline_markers:
        name = marker.name
        said = _parse(name)
        if said is None:
            continue
        performer, kind, label, strength = said
        if kind == "":
            unread.append(Unread(marker.frame, performer, name, _problem(label)))
        else:
            cues.append(Cue(marker.frame, performer, kind, label, strength, name))
    cues.sort(key=lambda cue: cue.frame)
    unread.sort(key=lambda marker: marker.frame)
    return cues, unread


def marker_name(performer: str, label: str, strength: float = 1.0) -> str:
    """Return the name of the marker that says so."""
    return f"{performer}: {label}" + (f" {strength:.3g}" if strength != 1.0 else "")


@lru_cache(maxsize=1024)
def _parse(name: str) -> tuple[str, Kind | Literal[""], str, float] | None:
    """Return performer, kind, label and strength; an empty kind where the label is unknown; None for anybody else's marker."""
    match = _FORM.fullmatch(name)
    if match is None:
        return None
    performer, text, number = match[1].upper(), match[2], match[3]
    label, strength = text.lower(), float(number.replace(",", ".")) if number else 1.0
    if label in ACTION_MODES and number is None:
        return performer, "action", label, 1.0
    if label in EMOTIONS and 0 <= strength <= MAX_EMOTION_STRENGTH:
        return performer, "emotion", label, strength
    return performer, "", f"{text} {number}" if number else text, strength


def _problem(said: str) -> str:
    label = re.sub(r"\s+[-+]?[\d.,]+$", "", said).lower()
    if label in ACTION_MODES:
        return _t("“{label}” takes no strength").format(label=label)
    if label in EMOTIONS:
        return _t("the strength of “{label}” lies between 0 and {most}").format(
            label=label, most=int(MAX_EMOTION_STRENGTH)
        )
    near = difflib.get_close_matches(label, (*ACTION_MODES, *EMOTIONS), n=1, cutoff=0.5)
    if near:
        return _t("“{label}” is neither an action nor an emotion; did you mean “{near}”?").format(
            label=said, near=near[0]
        )
    return _t("“{label}” is neither an action nor an emotion").format(label=said)
