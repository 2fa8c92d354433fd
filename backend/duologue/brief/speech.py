"""What a performer says: the sound and, where there is one, its transcript; and how both are read from a brief."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from duologue import labels
from duologue.brief.formats import FORMATS, TRANSCRIPT_FORMATS, TranscriptFormat, guess_format
from duologue.errors import DuologueError, invalid
from duologue.files.document import Table, within
from duologue.files.encodings import read_foreign_text
from duologue.files.reading import resolved
from duologue.units import Sound

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    model: str = ""
    """Of what is recognised: the name of an imported Whisper (``duologue models``); by default the one that is there."""
    language: str = ""
    """ISO 639-1 ("de"): of what is written, by default English; of what is recognised, by default the model finds out."""

    def to_json(self) -> dict[str, str] | bool:
        """Return it as a brief has it: ``False`` where nothing is to be heard."""
        if self.format == "none":
            return False
        written = {"content": self.content, "format": self.format, "tier": self.tier}
        return written | {name: value for name in ("model", "language") if (value := getattr(self, name))}


def read_speech(table: Table, folder: Path | None) -> Speech:
    """Read the key ``speech`` of a performer's table: the path of a sound, or ``{path, channel}``."""
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
    return Speech(resolved(folder / path, speech.at("path")), channel)


def read_transcript(table: Table, folder: Path | None) -> Transcript | None:
    """Read a transcript: text, the path of a file, ``{path, tier}``, or ``{content, format}``, as :meth:`Brief.to_json`
    does; ``{format = "recognise", model, language}``; ``false``: no words, nor any recognised."""
    value, place = table.get("transcript"), table.at("transcript")
    if value is None:
        return None
    if value is False:
        return Transcript("", "none")
    if isinstance(value, str):
        is_file = folder is not None and "\n" not in value and Path(value).suffix.lower() in TRANSCRIPT_FORMATS
        value = {"path": value} if is_file else {"content": value}
    written = Table(value, place, ("path", "content", "format", "tier", "model", "language"))
    tier = written.text("tier")
    if "path" not in written:
        form = labels.check(written.text("format", "text"), FORMATS, field=written.at("format"))
        heard = _plain_name(written, "model"), _plain_name(written, "language")
        return Transcript(written.text("content"), cast("TranscriptFormat", form), tier, *heard)
    path = Path(written.text("path"))
    if folder is None:
        raise invalid("path-not-allowed", "names a file; send its content", field=written.at("path"))
    form = TRANSCRIPT_FORMATS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(TRANSCRIPT_FORMATS)
        raise invalid("transcript-format", f"{path.name} has none of the suffixes {known}", field=written.at("path"))
    try:
        content = read_foreign_text(folder / path)
    except DuologueError as error:
        reason = "transcript-not-found" if error.code == "NOT_FOUND" else error.reason
        raise DuologueError(error.code, reason, error.message, field=place) from error
    form = guess_format(content) if form == "text" else form
    return Transcript(content, form, tier, language=_plain_name(written, "language"))


def _plain_name(table: Table, key: str) -> str:
    """Read a name that a server looks up: never a path."""
    name = table.text(key)
    if name and not _NAME.fullmatch(name):
        message = f"is {name!r:.80}; it is a name of letters, digits, '-', '_' and '.' (`duologue models list`)"
        raise invalid("out-of-range", message, field=table.at(key))
    return name
