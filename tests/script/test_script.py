"""A page of dialogue, as screenwriters and as everybody else types it, becomes a scene of two."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.labels import EMOTIONS
from duologue.script import read_script
from duologue.script.directions import direction_of
from duologue.script.reading import parse_script

FOUNTAIN = """Title: The piano
Relationship: siblings

INT. OFFICE - DAY

Two desks. A window.

ANNA (CONT'D)
(whispering)
Ben. Don't look up.
(beat)
Promise *me*.

BEN ^
I promise--

[[a note of the writer's]]

@McAvoy
Who am I?

> CUT TO:
"""
PLAIN = """Relationship: siblings

**ANNA:** (angry) Get out, (beat) now.
and stay out!
Ben (laughing): Mm-hm

[They leave.]
Ben: 10:30, then?
"""


def test_fountain_is_read_as_screenwriters_write_it() -> None:
    pytest.importorskip("screenplay_tools")
    script = parse_script(FOUNTAIN, ["anna", "ben"], fountain=True)
    assert [(speech.speaker, speech.text, speech.directions, speech.dual) for speech in script.speeches] == [
        ("ANNA", "Ben. Don't look up.", ("whispering",), False),
        ("ANNA", "Promise me.", ("beat",), False),
        ("BEN", "I promise--", (), True),
    ]
    assert script.title["relationship"] == "siblings"
    assert any("MCAVOY" in note for note in script.notes)
    assert any("INT. OFFICE" in note for note in script.notes)
    assert script.speeches[0].where == 10


def test_plain_text_is_a_speech_a_line() -> None:
    script = parse_script(PLAIN, fountain=False)
    assert script.cast == ("ANNA", "BEN")
    assert [(speech.speaker, speech.text, speech.directions) for speech in script.speeches] == [
        ("ANNA", "Get out,", ("angry",)),
        ("ANNA", "now. and stay out!", ("beat",)),
        ("BEN", "Mm-hm", ("laughing",)),
        ("BEN", "10:30, then?", ()),
    ]
    assert any("They leave" in note for note in script.notes)


def test_the_cast_may_be_turned_round(tmp_path: Path) -> None:
    path = tmp_path / "scene.txt"
    path.write_text("Änne: Grüß dich!\r\nBen: Hallo.\r\n", "utf-16")
    assert read_script(path).cast == ("ÄNNE", "BEN")
    assert read_script(path, ["ben", "änne"]).cast == ("BEN", "ÄNNE")


@pytest.mark.parametrize(
    ("text", "cast", "reason", "says"),
    [
        ("", [], "script-no-speech", "empty"),
        ("A street. Night falls.", [], "script-no-speech", "A street"),
        ("(They embrace.)", [], "script-no-speech", "embrace"),
        ("ANNA: Hello?\nANNA: Hello!", [], "script-speakers", "ANNA (2)"),
        ("ANNA: One.\nBEN: Two.\nCARL: Three.", [], "script-speakers", "--cast"),
        ("ANNA: One.\nBEN: Two.", ["ANNA", "DORA"], "script-speakers", "DORA"),
        ("ANNA: One.\nBEN: Two.", ["ANNA"], "script-speakers", "scene has two"),
        ("ANNA: " + "a" * 5_000, [], "script-long", "scene by scene"),
        ("ANNA: hi\n" * 2_001, [], "script-long", "scene by scene"),
    ],
)
def test_what_is_no_scene_of_two_is_named(text: str, cast: list[str], reason: str, says: str) -> None:
    with pytest.raises(DuologueError) as refused:
        parse_script(text, cast, fountain=False)
    assert refused.value.reason == reason
    assert says in str(refused.value)


def test_five_hundred_lines_are_read() -> None:
    script = parse_script("ANNA: Yes?\nBEN: No! 😀\n" * 250, fountain=False)
    assert len(script.speeches) == 500


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("angrily", "emotion", "anger"),
        ("a little sad", "emotion", "sadness"),
        ("scared, whispering", "emotion", "fear"),
        ("scared, whispering", "level", 0.45),
        ("sits down", "action", "sit"),
        ("getting up", "action", None),
        ("gets up", "action", "stand"),
        ("crosses to the window", "action", "walk"),
        ("quickly", "pace", 1.2),
        ("long pause", "pause", 3.0),
        ("beat", "pause", 0.8),
        ("laughs", "laughs", True),
        ("made of saddles", "emotion", None),
    ],
)
def test_parentheticals_direct(said: str, field: str, value: object) -> None:
    assert getattr(direction_of([said]), field) == value


def test_every_emotion_can_be_written_as_it_is_called() -> None:
    for label in EMOTIONS:
        assert direction_of([label]).emotion == label


def test_a_direction_that_nobody_can_play_is_kept_to_be_said() -> None:
    assert direction_of(["to the dog", "beat"]).unknown == ("to the dog",)


@pytest.mark.parametrize("fountain", [True, False])
@pytest.mark.parametrize("line", [" " * 3_900 + "x", "ANNA" + " " * 3_900 + "x", "ANNA" + "\t " * 1_900 + "^"])
def test_lines_of_blanks_are_read_at_once(fountain: bool, line: str) -> None:
    script = "ANNA\nHi.\n\nBEN\nHo.\n\n" if fountain else "ANNA: Hi.\nBEN: Ho.\n\n"
    began = time.process_time()
    assert len(parse_script(script + line, fountain=fountain).speeches) == 2
    assert time.process_time() - began < 1
