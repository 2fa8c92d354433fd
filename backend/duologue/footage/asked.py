"""What is typed for an interaction's pictures: a touch in words, and which frames of the take are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from duologue.brief.constraints import PerformerName, Side
from duologue.brief.interactions import Interaction
from duologue.errors import invalid
from duologue.labels import FACE_INTERACTIONS, INTERACTIONS, check
from duologue.passes.contract import check_frames, nearest_frames
from duologue.passes.options import USUAL, Span, parse_span

STEP: Final = 2
"""Of the take's frames, how many are one of the pictures' where nobody says: 15 a second, as the network was trained on."""
_ROOM: Final = 0.6
"""Seconds before the first touch and after the last that are shown where nobody says."""
_TOUCH: Final = re.compile(
    r"(?P<who>[AB]) (?P<what>[a-z]+(?:[ -][a-z]+){1,2}?)(?: of (?P<whom>[AB]))? "
    r"(?P<since>\d+(?:\.\d+)?)\s*-\s*(?P<until>\d+(?:\.\d+)?)(?P<more>(?: [a-z]+(?: ?[\d.]+)?)*)"
)
_HOW: Final = (
    "write: A|B PATTERN [of A|B] BEGIN-END [left|right] [press 0.5] [repeat 1], as in 'B stroke cheek of A 3.2-5.0'"
)


def parse_touch(text: str) -> Interaction:
    """Return the touch that ``B stroke cheek of A 3.2-5.0 left press 0.7`` asks for; seconds of the take.

    Raises:
        DuologueError: INVALID_ARGUMENT ``touch-malformed``, ``unknown-label``.
    """
    match = _TOUCH.fullmatch(" ".join(text.split()))
    if match is None:
        raise invalid("touch-malformed", f"{text!r:.80} is no touch; {_HOW}", field="--add")
    pattern = check(match["what"].replace(" ", "-"), INTERACTIONS, field="--add")
    more: dict[str, Any] = {}
    words = match["more"].split()
    while words:
        word = words.pop(0)
        try:
            if word in {"left", "right"}:
                more["hand"] = cast("Side", word)
            elif word == "press":
                more["press"] = float(words.pop(0))
            elif word == "repeat":
                more["repeat"] = int(words.pop(0))
            else:
                raise ValueError(word)
        except (ValueError, IndexError):
            raise invalid(
                "touch-malformed", f"{word!r} of {text!r:.80} means nothing here; {_HOW}", field="--add"
            ) from None
    whom = match["whom"]
    if whom is None and pattern in FACE_INTERACTIONS:
        whom = match["who"]
    who = cast("PerformerName", match["who"])
    return Interaction(
        pattern, who, float(match["since"]), float(match["until"]), target=cast("PerformerName | None", whom), **more
    )


def stretch(frames: str, seconds: str, interactions: Sequence[Interaction], total: int, fps: int) -> Span:
    """Return which frames of a take are shown, counted from 1: those asked for, or those of the first touch.

    Args:
        frames: ``A:B`` or ``A:B:STEP``, 4k + 1 of them.
        seconds: ``3.0-5.2``, of which as many as make 4k + 1.
        interactions: what is done.
        total: frames of the take.
        fps: of the take.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-malformed``, ``frames-empty``, ``frames-shape``, ``out-of-range``.
    """
    if frames and seconds:
        raise invalid("frames-malformed", "--frames and --range say the same; give one of them", field="--range")
    if frames:
        span = parse_span(frames)
        check_frames(span.count)
    else:
        if seconds:
            begin, end = _seconds(seconds)
        elif interactions:
            begin, end = interactions[0].begins - _ROOM, interactions[0].ends + _ROOM
        else:
            begin, end = 0.0, total / fps
        first = max(round(begin * fps), 0) + 1
        last = min(round(end * fps) + 1, total)
        if last < first:
            raise invalid("frames-empty", f"the take ends at {total / fps:.2f} s, before that", field="--range")
        step = STEP if last - first >= 4 * STEP else 1
        count = nearest_frames((last - first) // step + 1)
        while first + (count - 1) * step > total:
            count -= 4
        if not seconds:
            count = min(count, USUAL)
        span = Span(first, first + (max(count, 1) - 1) * step, step)
    if span.first < 1 or span.last > total:
        raise invalid(
            "out-of-range", f"frames {span.first} to {span.last}: the take has 1 to {total}", field="--frames"
        )
    return span


def _seconds(text: str) -> tuple[float, float]:
    match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d+)?)\s*[-:]\s*(\d{1,6}(?:\.\d+)?)\s*", text)
    if match is None:
        raise invalid("frames-malformed", f"{text!r:.40} is no range of seconds; write 3.0-5.2", field="--range")
    begin, end = float(match[1]), float(match[2])
    if end < begin:
        raise invalid("frames-empty", f"{text} ends before it begins", field="--range")
    return begin, end
