"""A transcript as it is read: in what format and encoding, how many words, from when to when, and what isn't said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from duologue.brief import Transcript
from duologue.brief.speech import read_transcript
from duologue.brief.transcript import Reading, read
from duologue.diagnosis.examined import Examined
from duologue.diagnosis.scripts import note_script
from duologue.errors import DuologueError, invalid
from duologue.files.document import MAX_BYTES, Table
from duologue.files.encodings import decode_foreign
from duologue.files.reading import read_bytes

_SHOWN: Final = 6
"""Words of each end that are shown."""
FORMATS: Final = {
    "text": "plain text", "srt": "SubRip (SRT)", "vtt": "WebVTT", "ass": "SubStation Alpha (ASS)", "textgrid": "Praat TextGrid",
    "json": "JSON with times",
}  # fmt: skip


def examine_transcript(examined: Examined) -> None:
    """Read a transcript as a brief that names it does."""
    path = examined.path
    try:
        transcript = read_transcript(Table({"transcript": {"path": path.name}}, "", ("transcript",)), path.parent)
        assert transcript is not None
        examined.facts |= {"format": FORMATS[transcript.format], "encoding": _encoding(path)}
        reading = read(transcript, "")
        if not reading.words:
            raise invalid("transcript-empty", "the transcript has no words")
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= facts_of(transcript, reading)
    examined.note(reading.notes)
    if transcript.format == "text":
        note_script(examined)


def facts_of(transcript: Transcript, reading: Reading) -> dict[str, Any]:
    """Return how many words a transcript has, when they are said, and the first and the last of them."""
    if isinstance(reading.words, str):
        words = reading.words.split()
        times: dict[str, Any] = {"times": "none: the words are laid over the speech"}
    else:
        words = [word.text for word in reading.words]
        spread = sum(word.line is not None for word in reading.words)
        times = {
            "entries": reading.entries,
            "times": f"of {spread} words by their lines, of {len(words) - spread} their own",
            "first_s": round(reading.words[0].start, 3),
            "last_s": round(max(word.end for word in reading.words), 3),
        }
    ends = {"first_words": " ".join(words[:_SHOWN]), "last_words": " ".join(words[-_SHOWN:])}
    return {"words": len(words), **times, **ends}


def _encoding(path: Path) -> str:
    found = decode_foreign(read_bytes(path, MAX_BYTES))
    return found.encoding if found is not None else ""
