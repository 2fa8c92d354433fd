"""What is typed for an interaction's pictures: touches in words, frames and seconds."""

from __future__ import annotations

import pytest
from duologue.brief.interactions import Interaction
from duologue.errors import DuologueError
from duologue.footage.asked import parse_touch, stretch
from duologue.passes.options import Span


@pytest.mark.parametrize(
    ("text", "touch"),
    [
        ("B stroke cheek of A 3.2-5.0", Interaction("stroke-cheek", "B", 3.2, 5.0, target="A")),
        ("A poke-nose 1-2", Interaction("poke-nose", "A", 1.0, 2.0, target="A")),
        ("A  shake hands  2.5 - 4", Interaction("shake-hands", "A", 2.5, 4.0)),
        ("A arm round shoulders 1-2 left", Interaction("arm-round-shoulders", "A", 1.0, 2.0, hand="left")),
        (
            "B swipe forehead of A 1-3 right press 0.8 repeat 3",
            Interaction("swipe-forehead", "B", 1.0, 3.0, target="A", hand="right", press=0.8, repeat=3),
        ),
    ],
)
def test_a_touch_in_words(text: str, touch: Interaction) -> None:
    assert parse_touch(text) == touch


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ("B strok cheek of A 3-5", "unknown-label", "stroke-cheek"),
        ("C stroke cheek 3-5", "touch-malformed", "of A 3.2-5.0"),
        ("B stroke cheek of A", "touch-malformed", "BEGIN-END"),
        ("B stroke cheek of A 3-5 softly", "touch-malformed", "'softly'"),
        ("B stroke cheek of A 3-5 press", "touch-malformed", "'press'"),
        ("", "touch-malformed", "PATTERN"),
    ],
)
def test_no_touch(text: str, reason: str, says: str) -> None:
    with pytest.raises(DuologueError) as error:
        parse_touch(text)
    assert error.value.reason == reason
    assert says in error.value.message
    assert error.value.field == "--add"


TOUCH = (Interaction("poke-nose", "A", 3.0, 4.0),)


@pytest.mark.parametrize(
    ("frames", "seconds", "total", "span"),
    [
        ("91:155:2", "", 450, Span(91, 155, 2)),
        ("7:7", "", 450, Span(7, 7)),
        ("1:2001", "", 2001, Span(1, 2001)),
        ("", "3.0-5.2", 450, Span(91, 155, 2)),  # 2.2 s are 34 frames at 15 a second; 33 are 4k + 1
        ("", "14.8-15", 450, Span(445, 449, 1)),
        ("", "2-2", 450, Span(61, 61, 1)),
        ("", "", 450, Span(62, 150, 2)),  # of a touch of 1 s, and a little around
        ("", "", 100, Span(62, 94, 2)),
    ],
)
def test_which_frames(frames: str, seconds: str, total: int, span: Span) -> None:
    found = stretch(frames, seconds, TOUCH, total, 30)
    assert (found.first, found.last, found.step) == (span.first, span.last, span.step)
    assert found.count % 4 == 1
    assert found.last <= total


@pytest.mark.parametrize(
    ("frames", "seconds", "reason"),
    [
        ("1:16", "", "frames-shape"),
        ("9:1", "", "frames-empty"),
        ("ten", "", "frames-malformed"),
        ("449:453", "", "out-of-range"),
        ("0:4", "", "out-of-range"),
        ("", "5-3", "frames-empty"),
        ("", "16-17", "frames-empty"),
        ("", "soon", "frames-malformed"),
        ("1:5", "1-2", "frames-malformed"),
    ],
)
def test_no_frames(frames: str, seconds: str, reason: str) -> None:
    with pytest.raises(DuologueError) as error:
        stretch(frames, seconds, TOUCH, 450, 30)
    assert error.value.reason == reason
