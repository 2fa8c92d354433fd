"""What is asked of one performer, and how it is read from and written to a document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from duologue import labels
from duologue.brief.expression import Expression, check_face, face_json, read_face
from duologue.brief.speech import Speech, Transcript, read_speech, read_transcript
from duologue.brief.timeline import (
    EmotionTimeline,
    Timeline,
    check_emotions,
    check_timeline,
    read_emotions,
    read_timeline,
)
from duologue.files.document import Table, within


@dataclass(frozen=True)
class Start:
    """Where a performer begins: metres on the floor, and the yaw of the hips (forward = (sin h, 0, cos h)), radians."""

    x: float
    z: float
    heading: float


@dataclass(frozen=True)
class PerformerBrief:
    """What is asked of one performer. ``role``, ``start`` and ``style`` left out are filled in by :class:`Brief`."""

    speech: Speech
    transcript: Transcript | None = None
    role: str = ""
    """One half of the relationship ("boss"); by default A has the first and B the second."""
    emotion: EmotionTimeline = ((0.0, "calmness"),)
    actions: Timeline = ((0.0, "stand"),)
    start: Start | None = None
    style: int | None = None
    """Speaker id of the model; by default 0 for A and 1 for B."""
    intensity: float = 1.0
    """How large gestures are: 0 is none, 1 as performed, up to 2."""
    mirror: bool = False
    """Performed as in a mirror: the other hand, the other leg."""
    face: Expression = field(default_factory=Expression)


_MAX_STYLE: Final = 65535

OPEN: Final = math.radians(65.0)
"""Yaw of the default starts. Straight at each other would be 90°; 25° less opens both to an audience at +Z, as actors "cheat
out" on a stage and as people stand in an L to talk, and the chest still points at the partner."""
STARTS: Final = (Start(-0.6, 0.0, OPEN), Start(0.6, 0.0, -OPEN))


def read_performer(performers: Table, name: str, folder: Path | None) -> PerformerBrief:
    """Read A's or B's table. Relative paths start from ``folder``; without one no files may be named."""
    known = ("speech", "transcript", "role", "emotion", "actions", "start", "style", "intensity", "mirror", "face")
    table = performers.table(name, known)
    start = table.table("start", ("x", "z", "heading"))
    default = STARTS[labels.PERFORMERS.index(name)]
    return PerformerBrief(
        speech=read_speech(table, folder),
        transcript=read_transcript(table, folder),
        role=table.text("role"),
        emotion=read_emotions(table, "emotion", "calmness"),
        actions=read_timeline(table, "actions", "stand"),
        start=Start(
            start.number("x", default.x), start.number("z", default.z), start.number("heading", default.heading)
        ),
        style=table.whole("style") if "style" in table else None,
        intensity=table.number("intensity", 1.0),
        mirror=table.flag("mirror"),
        face=read_face(table),
    )


def check_performer(performer: PerformerBrief, place: str) -> PerformerBrief:
    """Return what is asked of a performer with its timelines in order, after checking it; ``place`` is where it stands.

    Raises:
        DuologueError: what :mod:`duologue.brief.timeline`, ``check_face`` and ``within`` raise.
    """
    if performer.style is not None:
        within(performer.style, 0, _MAX_STYLE, f"{place}.style")
    within(performer.intensity, 0, 2, f"{place}.intensity")
    return replace(
        performer,
        emotion=check_emotions(performer.emotion, "calmness", f"{place}.emotion"),
        actions=check_timeline(performer.actions, labels.ACTION_MODES, "stand", f"{place}.actions"),
        face=check_face(performer.face, f"{place}.face"),
    )


def performer_json(performer: PerformerBrief) -> dict[str, Any]:
    """Return a performer as a document, without the sound."""
    document: dict[str, Any] = {
        "role": performer.role,
        "emotion": [list(entry) for entry in performer.emotion],
        "actions": [list(entry) for entry in performer.actions],
        "start": dict(vars(performer.start)),
        "style": performer.style,
    }
    if performer.intensity != 1.0:
        document["intensity"] = performer.intensity
    if performer.mirror:
        document["mirror"] = True
    if face := face_json(performer.face):
        document["face"] = face
    if performer.transcript is not None:
        document["transcript"] = performer.transcript.to_json()
    return document


def without_nones(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what isn't there: TOML and people have no null."""
    return {key: value for key, value in values.items() if value is not None}
