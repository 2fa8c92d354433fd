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
    return "srt" if _CUE.search(content) else "text"
