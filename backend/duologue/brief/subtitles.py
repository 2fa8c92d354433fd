"""Subtitles: SubRip (.srt), WebVTT (.vtt) and SubStation Alpha (.ass, .ssa), read by pysubs2.

pysubs2 takes all that stands between two lines of times for text, and its patterns take time with the square of a file's
length. So a file is reduced to its cues first: without WebVTT's notes, styles and cue names (W3C's WebVTT, section 4.1),
without cues' numbers, with one line of text a cue and without tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pysubs2 import SSAFile
from pysubs2.formats.subrip import SubripFormat
from pysubs2.formats.webvtt import WebVTTFormat

from duologue.brief.formats import cue_times, guess_format
from duologue.brief.words import Entry, malformed

_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_MARK = re.compile(r"\s{0,20}\d{1,4}:[^>]{0,30}-->")
_KARAOKE = re.compile(r"<(?:\d{2}:)?\d{2}:\d{2}\.\d{3}>")
_NOT_TEXT: Final = ("NOTE", "STYLE", "REGION")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}")
_ENTITIES: Final = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&lrm;": "", "&rlm;": "", "&amp;": "&"}


def read_subtitles(content: str) -> list[Entry]:
    """Return a line of words for every cue, seconds; its format is told from the content, its lines stay apart.

    Raises:
        DuologueError: INVALID_ARGUMENT ``transcript-malformed`` with the line.
    """
    text = content.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    form = guess_format(text)
    return _substation(text) if form == "ass" else _cues(text, is_vtt=form == "vtt")


def _cues(text: str, *, is_vtt: bool) -> list[Entry]:
    lines = text.split("\n") if is_vtt else [cue_times(line) or line for line in text.split("\n")]
    marks = [index for index, line in enumerate(lines) if _MARK.match(line)]
    if not marks:
        first = next((index for index, line in enumerate(lines) if line.strip()), None)
        if first is None or (is_vtt and first == 0):
            return []
        raise _no_times(lines, first)
    format_ = WebVTTFormat if is_vtt or not SubripFormat.TIMESTAMP.search(lines[marks[0]]) else SubripFormat
    rolling = (
        is_vtt and _KARAOKE.search(text) is not None
    )  # YouTube's show each line twice: while it is said, and above the next
    reduced: list[str] = []
    cues: list[tuple[int, str]] = []
    last = ""
    for mark, text_lines in _blocks(lines, marks, is_vtt=is_vtt):
        times = lines[mark][:200].replace(",", ".")
        if len(format_.TIMESTAMP.findall(times)) != 2:
            raise _no_times(lines, mark)
        shown = [_untagged(line) for line in text_lines]
        above, last = last, shown[-1] if shown else last
        if rolling and shown and shown[0] == above:
            del shown[0]
        # The text goes past the library: it would take times that somebody says for another cue's.
        reduced += [times, "-", ""]
        cues.append((mark, "\n".join(shown).strip()))
    subtitles = SSAFile.from_string("\n".join(reduced), format_="vtt" if format_ is WebVTTFormat else "srt")
    return [
        Entry(event.start / 1000, event.end / 1000, shown, f"the cue at line {mark + 1}")
        for (mark, shown), event in zip(cues, subtitles, strict=True)
    ]


def _blocks(lines: list[str], marks: list[int], *, is_vtt: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each cue's times, and its lines of text, without what belongs to the next cue or to none."""
    for mark, following in zip(marks, [*marks[1:], len(lines)], strict=True):
        block = lines[mark + 1 : following]
        if following < len(lines) and block:
            above = block[-1].strip()
            is_name = is_vtt and above and (len(block) == 1 or not block[-2].strip())
            if above.isdigit() or is_name:
                block.pop()
        if is_vtt:
            block = _before_notes(block)
        yield mark, [line.strip() for line in block if line.strip()]


def _before_notes(block: list[str]) -> list[str]:
    """Return a block up to the empty line at which WebVTT ends it, as far as notes follow there."""
    for index, line in enumerate(block):
        if line.partition(" ")[0].strip() in _NOT_TEXT and index and not block[index - 1].strip():
            return block[:index]
    return block


def _untagged(line: str) -> str:
    bare = _TAG.sub("", line).replace("{", "").replace("\\", "")
    for name, character in _ENTITIES.items():
        bare = bare.replace(name, character)
    return " ".join(bare.replace("<", " ").split())


def _no_times(lines: list[str], index: int) -> Exception:
    problem = f"is {lines[index].strip()!r:.40} where a cue's times are needed (00:00:01,000 --> …)"
    return malformed(f"line {index + 1}", problem)


def _substation(text: str) -> list[Entry]:
    """Read the dialogue's lines; comments and drawings are none, and styles don't matter."""
    numbered = [
        (number, line.strip())
        for number, line in enumerate(text.split("\n"), start=1)
        if line.lstrip().startswith("Dialogue:") and not _DRAWING.search(line)
    ]
    form = "ass" if "V4+" in text or "ScriptType: v4.00+" in text else "ssa"
    entries: list[Entry] = []
    bare = [_TAG.sub("", line).replace("{", "") for _, line in numbered]
    try:
        subtitles = SSAFile.from_string("\n".join(["[Events]", *bare]), format_=form)
    except ValueError as error:
        raise malformed("the subtitles", f"have a line of dialogue that can't be read: {error}") from error
    if len(subtitles) != len(numbered):
        raise malformed("the subtitles", "have a line of dialogue that can't be read")
    for (number, _), event in zip(numbered, subtitles, strict=True):
        entries.append(Entry(event.start / 1000, event.end / 1000, event.plaintext.strip(), f"line {number}"))
    return entries
