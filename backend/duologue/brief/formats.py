"""What transcripts are written in: by a file's suffix, or told from the content."""

from __future__ import annotations

import re
from typing import Final, Literal

TranscriptFormat = Literal["text", "srt", "vtt", "ass", "textgrid", "json", "recognise", "none"]
FORMATS: Final[tuple[TranscriptFormat, ...]] = ("text", "srt", "vtt", "ass", "textgrid", "json", "recognise", "none")
"""``recognise``: nobody wrote it down, and it is heard; ``none``: nor is it to be heard (``transcript = false``)."""
TRANSCRIPT_FORMATS: Final[dict[str, TranscriptFormat]] = {
    ".txt": "text", ".srt": "srt", ".vtt": "vtt", ".ass": "ass", ".ssa": "ass", ".textgrid": "textgrid", ".json": "json",
}  # fmt: skip

_CUE = re.compile(r"^[ \t]*+(?:\d++:)?\d\d?:\d\d[,.]\d{1,3}[ \t]*+-->", re.MULTILINE)
_TIME = r"(?:\d{1,3}:\d\d?:\d\d|\d\d?:\d\d(?=[ ]?[.,]))(?:[ ]?[.,][ ]?\d{1,3}|:\d{3})?"
_TIMES = re.compile(
    rf"^[ \t]{{0,20}}({_TIME})[ \t]{{0,9}}(?:-{{1,2}}>|→|,)[ \t]{{0,9}}({_TIME})(?![\d:])", re.MULTILINE
)
"""A cue's times as people and tools also write them: 00:00:01 -> 00:00:02, 00:00:01, 500 --> …, 00:00:01:500 --> …, YouTube's
0:00:01.000,0:00:02.000 (.sbv)."""
_JSON = re.compile(r'\s*+(\{\s*+"|\[\s*+\{)')
_SUBSTATION = re.compile(r"\s*+\[(Script Info|V4\+? Styles|Events)\]", re.IGNORECASE)


def guess_format(content: str) -> TranscriptFormat:
    """Return what a text is written in, told from its content: many a .txt holds subtitles, many an .srt is WebVTT."""
    if "ooTextFile" in content[:200]:
        return "textgrid"
    if _JSON.match(content):
        return "json"
    if content[:200].lstrip("\ufeff \t\r\n").startswith("WEBVTT"):
        return "vtt"
    if _SUBSTATION.match(content.lstrip("\ufeff")):
        return "ass"
    return "srt" if _CUE.search(content) or _TIMES.search(content) else "text"


def cue_times(line: str) -> str | None:
    """Return a line of a cue's times as SubRip has them, or None where it is none (or one that only WebVTT has)."""
    times = _TIMES.match(line)
    return None if times is None else f"{_subrip(times[1])} --> {_subrip(times[2])}"


def _subrip(time: str) -> str:
    clock = re.split(r"[:.,]", time.replace(" ", ""))
    if len(clock) == 3 and re.search(r"[.,]", time):
        clock.insert(0, "00")  # hours
    hours, minutes, seconds, fraction = (*clock, "000")[:4]
    return f"{hours:0>2}:{minutes:0>2}:{seconds},{fraction}"
