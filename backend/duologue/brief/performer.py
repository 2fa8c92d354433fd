"""The parts of a brief, and how each is read from and written to a document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

from duologue import labels
from duologue.brief.expression import Expression, face_json, read_face
from duologue.brief.timeline import EmotionTimeline, Timeline, read_emotions, read_timeline
from duologue.errors import DuologueError, invalid
from duologue.files.document import Table, read_text, within
from duologue.units import Sound

TranscriptFormat = Literal["text", "srt", "textgrid", "json", "recognise"]
FORMATS: Final[tuple[TranscriptFormat, ...]] = ("text", "srt", "textgrid", "json", "recognise")
"""``recognise``: nobody wrote it down; a recogniser guesses."""
TRANSCRIPT_FORMATS: Final[dict[str, TranscriptFormat]] = {
    ".txt": "text", ".srt": "srt", ".textgrid": "textgrid", ".json": "json",
}  # fmt: skip


@dataclass(frozen=True)
class Speech:
    """One performer's speech: a sound file, or a sound in memory; neither once a brief has left for a server, where the
    sound travels beside it."""

    path: Path | None = None
    channel: int | None = None
    """Which channel of the file, from 0; None mixes all of them."""
    sound: Sound | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Transcript:
    """What a performer says, as it was written: :mod:`duologue.brief.transcript` makes words of it."""

    content: str
    format: TranscriptFormat = "text"
    tier: str = ""
    """For a TextGrid: the tier with this performer's words; by default the one named "words", else the first."""


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
        speech=_read_speech(table, folder),
        transcript=_read_transcript(table, folder),
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


def _read_speech(table: Table, folder: Path | None) -> Speech:
    value = table.get("speech")
    place = table.at("speech")
    if folder is None:
        # From another machine: a path would be one of theirs.
        if value is not None and Table(value, place, ("path", "channel")).get("path") is not None:
            raise invalid("path-not-allowed", "names a file; send its samples beside the brief", field=place)
        return Speech()
    if value is None:
        raise invalid("missing-key", "is needed: the sound file of what this performer says", field=place)
    if isinstance(value, str):
        value = {"path": value}
    speech = Table(value, place, ("path", "channel"))
    if not (path := speech.text("path")):
        raise invalid("missing-key", "is needed: the sound file of what this performer says", field=speech.at("path"))
    channel = speech.whole("channel") if "channel" in speech else None
    if channel is not None:
        within(channel, 0, 255, speech.at("channel"))
    return Speech((folder / path).resolve(), channel)


def _read_transcript(table: Table, folder: Path | None) -> Transcript | None:
    """Read a transcript: text, the path of a file, ``{path, tier}``, or ``{content, format}``, as :meth:`Brief.to_json`
    does."""
    value, place = table.get("transcript"), table.at("transcript")
    if value is None:
        return None
    if isinstance(value, str):
        is_file = folder is not None and "\n" not in value and Path(value).suffix.lower() in TRANSCRIPT_FORMATS
        value = {"path": value} if is_file else {"content": value}
    written = Table(value, place, ("path", "content", "format", "tier"))
    tier = written.text("tier")
    if "path" not in written:
        form = labels.check(written.text("format", "text"), FORMATS, field=written.at("format"))
        return Transcript(written.text("content"), cast("TranscriptFormat", form), tier)
    path = Path(written.text("path"))
    if folder is None:
        raise invalid("path-not-allowed", "names a file; send its content", field=written.at("path"))
    form = TRANSCRIPT_FORMATS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(TRANSCRIPT_FORMATS)
        raise invalid("transcript-format", f"{path.name} has none of the suffixes {known}", field=written.at("path"))
    try:
        return Transcript(read_text(folder / path), form, tier)
    except DuologueError as error:
        reason = "transcript-not-found" if error.code == "NOT_FOUND" else error.reason
        raise DuologueError(error.code, reason, error.message, field=place) from error


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
        document["transcript"] = dict(vars(performer.transcript))
    return document


def without_nones(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what isn't there: TOML and people have no null."""
    return {key: value for key, value in values.items() if value is not None}
