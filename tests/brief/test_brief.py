"""Briefs: every default, every field checked before work starts, and errors that say where and what to do."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, PlaceTarget, Speech, Start, Transcript
from duologue.errors import DuologueError
from duologue.units import Sound

FULL = """
relationship = "boss / subordinate"
seed = 7
steps = 12

[strengths]
emotion = 2.5

[performers.A]
speech = {path = "both.wav", channel = 0}
transcript = "anna.srt"
role = "subordinate"
emotion = [[6.5, "joy"], [0, "awe"]]
actions = [[2, "walk"]]
start = {x = -1.0, z = 0.5}
style = 3

[performers.B]
speech = "sub/ben.flac"
transcript = "Where were you?"

[[constraints]]
performer = "A"
seconds = 4.0
x = 0.2
z = 0.1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("both.wav", "sub/ben.flac", "anna.wav", "ben.wav"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "anna.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHere!\n")
    (tmp_path / "shot.toml").write_text(FULL)
    return tmp_path


def minimal(**changes: Any) -> dict[str, Any]:
    """A brief with only what must be there, and changes given as ``performers__A__emotion``."""
    document: dict[str, Any] = {"performers": {"A": {"speech": "anna.wav"}, "B": {"speech": "ben.wav"}}}
    for key, value in changes.items():
        *way, last = key.split("__")
        place = document
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return document


def read(**changes: Any) -> Brief:
    return Brief.from_json(minimal(**changes), folder=Path("/shots"))


def test_every_field_but_the_speech_has_a_default() -> None:
    brief = read()
    assert brief.a == PerformerBrief(
        Speech(Path("/shots/anna.wav")), None, "strangers", ((0.0, "calmness"),), ((0.0, "stand"),),
        Start(-0.6, 0.0, math.radians(65)), 0,
    )  # fmt: skip
    assert brief.b.start == Start(0.6, 0.0, -math.radians(65))
    assert brief.styles == (0, 1)
    assert (brief.seed, brief.steps, brief.strengths, brief.constraints, brief.notes) == (0, 0, {}, (), ())


def test_a_full_brief_is_read_as_written(folder: Path) -> None:
    brief = Brief.load(folder / "shot.toml")
    assert brief.a.speech == Speech(folder / "both.wav", channel=0)
    assert brief.b.speech == Speech(folder / "sub/ben.flac")
    assert brief.a.transcript == Transcript("1\n00:00:00,500 --> 00:00:01,000\nHere!\n", "srt")
    assert brief.b.transcript == Transcript("Where were you?")
    assert (brief.a.role, brief.b.role) == ("subordinate", "boss")  # B gets the half that A left
    assert brief.a.emotion == ((0.0, "awe"), (6.5, "joy"))  # sorted
    assert brief.a.actions == ((0.0, "stand"), (2.0, "walk"))  # the default until the first
    assert brief.a.start == Start(-1.0, 0.5, math.radians(65))
    assert brief.a.style == 3
    assert brief.constraints == (PlaceTarget("A", 4.0, 0.2, 0.1),)
    assert brief.strengths == {"emotion": 2.5}


def test_a_saved_brief_means_the_same_from_another_folder(folder: Path) -> None:
    brief = Brief.load(folder / "shot.toml")
    brief.save(folder / "sub" / "again.json")
    assert Brief.load(folder / "sub" / "again.json") == brief
    written = json.loads((folder / "sub" / "again.json").read_text())
    assert written["performers"]["A"]["speech"] == {"path": "../both.wav", "channel": 0}


def test_what_travels_to_a_server_has_no_paths_and_the_same_meaning(folder: Path) -> None:
    brief = Brief.load(folder / "shot.toml")
    sent = json.dumps(brief.to_json())
    assert str(folder) not in sent
    assert "both.wav" not in sent
    received = Brief.from_json(json.loads(sent))
    assert received.to_json() == brief.to_json()
    assert received.a.speech == Speech()


def test_a_brief_from_elsewhere_may_not_name_files() -> None:
    for key, value in (("speech", {"path": "/etc/passwd"}), ("transcript", {"path": "/etc/passwd.txt"})):
        document = Brief.from_json(minimal(), folder=Path()).to_json()
        document["performers"]["A"][key] = value
        with pytest.raises(DuologueError) as caught:
            Brief.from_json(document)
        assert caught.value.reason == "path-not-allowed"
    # A text that looks like a name is just a text there.
    document = read().to_json()
    document["performers"]["A"]["transcript"] = "passwd.txt"
    assert Brief.from_json(document).a.transcript == Transcript("passwd.txt")


def test_labels_of_frames_change_at_their_second() -> None:
    brief = read(performers__A__actions=[[0, "sit"], [1.0, "stand"], [1.5, "walk"]])
    actions = brief.frame_actions(60)[0]
    assert actions.dtype == np.uint8
    # stand, walk, sit are 0, 1, 2; second 1 is frame 30
    assert [(int(mode), int(np.sum(actions == mode))) for mode in (2, 0, 1)] == [(2, 30), (0, 15), (1, 15)]
    assert actions[29] == 2
    assert actions[30] == 0
    assert brief.frame_emotions(60).shape == (2, 60)


@pytest.mark.parametrize("seconds", [0.1, 0.7, 1.1, 2.3, 4.1])
def test_a_label_set_on_a_frame_holds_from_it(seconds: float) -> None:
    """30 * 0.7 is not quite 21 in binary: rounding must not delay the label by a frame."""
    brief = read(performers__A__actions=[[0, "sit"], [seconds, "walk"]])
    assert int(np.argmax(brief.frame_actions(200)[0] == 1)) == round(seconds * 30)


@pytest.mark.parametrize(
    ("changes", "reason", "field", "says"),
    [
        ({"relationship": "co-wrkers"}, "unknown-label", "relationship", "did you mean 'co-workers'"),
        ({"performers__A__emotion": "angry"}, "unknown-label", "performers.A.emotion[0]", "'anger'"),
        ({"performers__B__actions": [[0, "run"]]}, "unknown-label", "performers.B.actions[0]", "stand"),
        ({"performers__A__role": "boss"}, "unknown-label", "performers.A.role", "strangers"),
        ({"strengths__emotoin": 1}, "unknown-key", "strengths.emotoin", "did you mean 'emotion'"),
        ({"relationshp": "strangers"}, "unknown-key", "relationshp", "did you mean 'relationship'"),
        ({"performers__A__emotions": "joy"}, "unknown-key", "performers.A.emotions", "did you mean 'emotion'"),
        ({"performers__C__speech": "c.wav"}, "unknown-key", "performers.C", "A, B"),
        ({"performers__A__speech": None}, "missing-key", "performers.A.speech", "is needed"),
        ({"performers__A__speech": {"path": "a.wav", "chanel": 1}}, "unknown-key", "performers.A.speech.chanel", "channel"),
        ({"performers__A__speech": {"path": "a.wav", "channel": -1}}, "out-of-range", "performers.A.speech.channel", ""),
        ({"performers__A__speech": 7}, "wrong-type", "performers.A.speech", "a table"),
        ({"performers": []}, "wrong-type", "performers", "a table"),
        ({"seed": 1.5}, "wrong-type", "seed", "a whole number"),
        ({"seed": True}, "wrong-type", "seed", "a whole number"),
        ({"seed": -1}, "out-of-range", "seed", ""),
        ({"seed": 2**63}, "out-of-range", "seed", ""),
        ({"steps": -1}, "out-of-range", "steps", "between 0 and 1000"),
        ({"strengths__emotion": math.nan}, "not-finite", "strengths.emotion", "finite"),
        ({"strengths__emotion": 100}, "out-of-range", "strengths.emotion", ""),
        ({"performers__A__start": {"x": math.inf}}, "not-finite", "performers.A.start.x", ""),
        ({"performers__A__start": {"x": 170}}, "out-of-range", "performers.A.start.x", "between -100 and 100"),
        ({"performers__A__start": {"heading": "left"}}, "wrong-type", "performers.A.start.heading", "a number"),
        ({"performers__A__style": -1}, "out-of-range", "performers.A.style", ""),
        ({"performers__A__emotion": []}, "timeline-empty", "performers.A.emotion", ""),
        ({"performers__A__emotion": [[-1, "joy"]]}, "out-of-range", "performers.A.emotion[0]", ""),
        ({"performers__A__emotion": [[math.nan, "joy"]]}, "not-finite", "performers.A.emotion[0]", ""),
        ({"performers__A__emotion": [["joy", 1]]}, "wrong-type", "performers.A.emotion[0]", "label"),
        ({"performers__A__emotion": [3]}, "wrong-type", "performers.A.emotion[0]", "label"),
        ({"performers__A__emotion": [[1, "joy"], [1, "awe"]]}, "timeline-twice", "performers.A.emotion", "at 1 s"),
        ({"performers__A__transcript": {"content": "x", "format": "docx"}}, "unknown-label", "performers.A.transcript.format",
        ""), ({"performers__A__transcript": {"path": "x.docx"}}, "transcript-format", "performers.A.transcript.path", ".srt"),
        ({"constraints": [{"performer": "A", "seconds": 1, "x": 0}]}, "missing-key", "constraints[0].z", ""), ({"constraints":
        [{"performer": "C", "seconds": 1, "x": 0, "z": 0}]}, "unknown-label", "constraints[0].performer", ""),
        ({"constraints": {"performer": "A"}}, "wrong-type", "constraints", "a list"),
    ],
)  # fmt: skip
def test_everything_wrong_is_named_with_its_place(changes: dict[str, Any], reason: str, field: str, says: str) -> None:
    with pytest.raises(DuologueError) as caught:
        read(**changes)
    assert (caught.value.code, caught.value.reason, caught.value.field) == ("INVALID_ARGUMENT", reason, field)
    assert says in str(caught.value)


def test_both_can_not_be_the_boss() -> None:
    with pytest.raises(DuologueError, match="one of the two must be 'subordinate'"):
        read(relationship="boss / subordinate", performers__A__role="boss", performers__B__role="boss")


def test_starts_inside_each_other_are_moved_apart_and_said_so() -> None:
    brief = read(performers__A__start={"x": 0, "z": 0.1}, performers__B__start={"x": 0, "z": -0.1})
    (ax, az, _), (bx, bz, _) = brief.starts.tolist()
    assert math.hypot(bx - ax, bz - az) == pytest.approx(0.5, abs=1e-6)
    assert (ax, bx) == (0, 0)  # along the line between them
    assert az > bz
    assert "0.20 m apart" in brief.notes[0]
    # A brief that was mended is a brief like any other.
    again = Brief.from_json(brief.to_json())
    assert again.notes == ()
    assert again.starts.tolist() == brief.starts.tolist()


def test_starts_on_one_spot_are_moved_along_x() -> None:
    brief = read(performers__A__start={"x": 2, "z": 1}, performers__B__start={"x": 2, "z": 1})
    np.testing.assert_allclose(brief.starts[:, :2], [[1.75, 1], [2.25, 1]], atol=1e-6)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "anna.srt").unlink()
    with pytest.raises(DuologueError, match=r"anna\.srt") as caught:
        Brief.load(folder / "shot.toml")
    assert (caught.value.reason, caught.value.field) == ("transcript-not-found", "performers.A.transcript")
    (folder / "anna.srt").write_text("")
    (folder / "sub/ben.flac").unlink()
    with pytest.raises(DuologueError, match="start from the brief's own folder") as caught:
        Brief.load(folder / "shot.toml")
    assert (caught.value.reason, caught.value.field) == ("speech-not-found", "performers.B.speech")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("shot.toml", b"seed = ", "document-malformed"),
        ("shot.json", b'{"seed": 1,}', "document-malformed"),
        ("shot.json", b"[" * 100_000, "document-malformed"),
        ("shot.json", b"[]", "document-malformed"),
        ("shot.toml", b"\x80\x81", "document-malformed"),
        ("shot.yaml", b"seed: 1", "document-type"),
        ("shot.toml", b"#" * 4_000_001, "document-too-large"),
    ],
)
def test_files_that_are_no_brief_are_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DuologueError, match="shot") as caught:
        Brief.load(tmp_path / name)
    assert caught.value.reason == reason


def test_no_brief_at_all(tmp_path: Path) -> None:
    with pytest.raises(DuologueError, match="there is no file"):
        Brief.load(tmp_path / "none.toml")


def test_the_digest_covers_every_field_and_the_sound() -> None:
    quiet, loud = Sound(np.zeros(9, np.float32), 16000), Sound(np.ones(9, np.float32), 16000)
    sound = (quiet, loud)
    brief = read()
    seen = {
        brief.digest(sound),
        brief.digest((loud, quiet)),
        brief.digest((quiet, Sound(loud.samples, 8000))),
        read(seed=1).digest(sound),
        read(steps=11).digest(sound),
        read(relationship="cousins").digest(sound),
        read(strengths__emotion=2).digest(sound),
        read(performers__A__transcript="Hello").digest(sound),
        read(performers__A__emotion="joy").digest(sound),
        read(performers__B__start={"x": 0.7}).digest(sound),
        read(constraints=[{"performer": "A", "seconds": 1, "x": 0, "z": 0}]).digest(sound),
    }
    assert len(seen) == 11


def test_the_digest_does_not_care_where_the_sound_lies() -> None:
    sound = Sound(np.linspace(-1, 1, 50, dtype=np.float32), 16000)
    moved = Brief.from_json(minimal(performers__A__speech="elsewhere.wav"), folder=Path("/shots"))
    assert moved.digest((sound, sound)) == read().digest((sound, sound))
    held = Speech(sound=sound)
    inside = Brief(PerformerBrief(held), PerformerBrief(held))
    assert inside.digest() == read().digest((sound, sound))
    with pytest.raises(DuologueError, match="load it first"):
        read().digest()


def test_a_brief_with_its_sound_in_memory_can_not_be_saved_as_a_file(tmp_path: Path) -> None:
    held = Speech(sound=Sound(np.zeros(9, np.float32), 16000))
    with pytest.raises(DuologueError, match="only in memory"):
        Brief(PerformerBrief(held), PerformerBrief(held)).save(tmp_path / "b.json")
    with pytest.raises(DuologueError, match=r"saved as \.json"):
        read().save(tmp_path / "b.toml")


def test_briefs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize("change", [{"seed": 10**400}, {"steps": 10**400}, {"strengths": {"text": 10**400}}])
def test_a_number_that_no_float_holds_is_out_of_range(change: dict[str, object]) -> None:
    with pytest.raises(DuologueError) as error:
        read(**change)
    assert error.value.reason == "out-of-range"


def test_size_and_handedness_survive_the_way_through_a_document_and_are_checked() -> None:
    document = minimal(performers__A__intensity=1.5, performers__B__mirror=True)
    brief = Brief.from_json(document, folder=Path())
    assert (brief.a.intensity, brief.b.mirror) == (1.5, True)
    again = Brief.from_json(brief.to_json())
    assert (again.a.intensity, again.a.mirror, again.b.intensity, again.b.mirror) == (1.5, False, 1.0, True)
    for changes in ({"performers__A__intensity": 3}, {"performers__A__mirror": "yes"}):
        with pytest.raises(DuologueError) as caught:
            Brief.from_json(minimal(**changes), folder=Path())
        assert (caught.value.field or "").startswith("performers.A.")


def test_words_can_be_heard_chosen_or_left_out() -> None:
    def transcript(value: object) -> Transcript | None:
        return Brief.from_json({"performers": {"A": {"transcript": value}, "B": {}}}).a.transcript

    assert transcript(None) is None
    silent = transcript(False)
    assert silent == Transcript("", "none")
    heard = transcript({"format": "recognise", "model": "whisper-small-de", "language": "de"})
    assert heard == Transcript("", "recognise", model="whisper-small-de", language="de")
    for given in (silent, heard, Transcript("words")):
        assert given is not None
        assert transcript(given.to_json()) == given
    assert Transcript("words").to_json() == {"content": "words", "format": "text", "tier": ""}, "older briefs' digests"
    for wrong in ({"format": "recognise", "model": "../x"}, {"format": "recognise", "model": "/models/x"}, True):
        with pytest.raises(DuologueError) as caught:
            transcript(wrong)
        assert caught.value.field.startswith("performers.A.transcript")
