"""What a brief can ask of a face: settings that change nothing until they are set, and emotions with a strength."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.brief import Brief, Expression, PerformerBrief, Speech
from duologue.errors import DuologueError
from duologue.units import Sound

EVERYTHING = """
[performers.A]
speech = "anna.wav"
emotion = [[0, "calmness"], [2.0, "joy", 0.5], [4.0, "anger", 2]]

[performers.A.face]
blinks_per_minute = 12
gaze = 0.5
gaze_at_partner = 2
brows = 0
still_listener = false
seal = 0.5
part = "mouth"
gain = {jawOpen = 1.2}
offset = {mouthSmileLeft = 0.1, mouthSmileRight = 0.1}
tongue = true
head_still = true
raw = true

[performers.B]
speech = "ben.wav"
"""


def read(face: object = None, emotion: object = "calmness") -> Brief:
    a: dict[str, Any] = {"speech": "anna.wav", "emotion": emotion} | ({} if face is None else {"face": face})
    return Brief.from_json({"performers": {"A": a, "B": {"speech": "ben.wav"}}}, folder=Path("/shots"))


def test_every_setting_is_read_from_toml_and_survives_the_way_to_a_server_and_to_disk(tmp_path: Path) -> None:
    for name in ("anna.wav", "ben.wav"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "brief.toml").write_text(EVERYTHING)
    brief = Brief.load(tmp_path / "brief.toml")
    assert brief.a.face == Expression(
        blinks_per_minute=12, gaze=0.5, gaze_at_partner=2, brows=0, still_listener=False, seal=0.5, part="mouth",
        gain={"jawOpen": 1.2}, offset={"mouthSmileLeft": 0.1, "mouthSmileRight": 0.1}, tongue=True, head_still=1.0, raw=True,
    )  # fmt: skip
    assert brief.b.face == Expression()
    sent = Brief.from_json(json.loads(json.dumps(brief.to_json())))
    assert (sent.a.face, sent.a.emotion) == (brief.a.face, brief.a.emotion)
    brief.save(tmp_path / "again.json")
    assert Brief.load(tmp_path / "again.json") == brief


def test_a_face_of_defaults_is_no_face_table_at_all() -> None:
    plain = read()
    assert "face" not in plain.to_json()["performers"]["A"]
    assert read({}).to_json() == read({"gaze": 1.0, "part": "all", "raw": False}).to_json() == plain.to_json()
    assert read({"seal": 0.2}).to_json()["performers"]["A"]["face"] == {"seal": 0.2}


def test_the_digest_covers_face_and_strength() -> None:
    sound = (Sound(np.zeros(9, np.float32), 16000),) * 2
    briefs = [read(), read({"raw": True}), read({"gain": {"jawOpen": 2}}), read(None, [[0, "calmness", 0.5]])]
    assert len({brief.digest(sound) for brief in briefs}) == len(briefs)
    assert read(None, [[0, "calmness", 1.0]]).digest(sound) == read().digest(sound), (
        "strength 1 is what no strength means"
    )


@pytest.mark.parametrize(
    ("face", "reason", "field", "says"),
    [
        ({"gain": {"jawopen": 2}}, "unknown-label", "gain.jawopen", "did you mean 'jawOpen'"),
        ({"offset": {"mouthSmile": 0.1}}, "unknown-label", "offset.mouthSmile", "'mouthSmileLeft'"),
        ({"blink_per_minute": 3}, "unknown-key", "blink_per_minute", "did you mean 'blinks_per_minute'"),
        ({"blinks_per_minute": 61}, "out-of-range", "blinks_per_minute", "between 0 and 60"),
        ({"blinks_per_minute": -1}, "out-of-range", "blinks_per_minute", ""),
        ({"gaze": math.nan}, "not-finite", "gaze", ""),
        ({"gaze_at_partner": 2.5}, "out-of-range", "gaze_at_partner", ""),
        ({"seal": 2}, "out-of-range", "seal", ""),
        ({"head_still": 1.5}, "out-of-range", "head_still", ""),
        ({"part": "mooth"}, "unknown-label", "part", "did you mean 'mouth'"),
        ({"part": 1}, "wrong-type", "part", "text"),
        ({"tongue": 1}, "wrong-type", "tongue", "true or false"),
        ({"gain": 2}, "wrong-type", "gain", "a table"),
        ({"gain": {"jawOpen": "2"}}, "wrong-type", "gain.jawOpen", "a number"),
        ({"gain": {"jawOpen": 9}}, "out-of-range", "gain.jawOpen", "between 0 and 5"),
        ({"offset": {"jawOpen": -2}}, "out-of-range", "offset.jawOpen", "between -1 and 1"),
    ],
)
def test_a_wrong_setting_is_named(face: dict[str, Any], reason: str, field: str, says: str) -> None:
    with pytest.raises(DuologueError) as caught:
        read(face)
    assert (caught.value.reason, caught.value.field) == (reason, f"performers.A.face.{field}")
    assert says in caught.value.message


def test_settings_made_in_code_are_checked_like_those_on_disk() -> None:
    speech = Speech(Path("a.wav"))
    with pytest.raises(DuologueError, match="did you mean 'jawOpen'") as caught:
        Brief(PerformerBrief(speech), PerformerBrief(speech, face=Expression(gain={"jawOpn": 2.0})))
    assert caught.value.field == "performers.B.face.gain.jawOpn"


def test_an_emotion_has_a_strength_from_its_second_on() -> None:
    brief = read(None, [[2, "joy", 0.5], [1, "anger"]])
    assert brief.a.emotion == ((0.0, "calmness"), (1.0, "anger"), (2.0, "joy", 0.5))
    strengths = brief.frame_emotion_strengths(90)
    assert strengths.shape == (2, 90)
    np.testing.assert_array_equal(strengths[0], np.repeat([1.0, 0.5], [60, 30]).astype(np.float32))
    assert (strengths[1] == 1).all()
    np.testing.assert_array_equal(np.diff(brief.frame_emotions(90)[0].astype(int)).nonzero()[0] + 1, [30, 60])


@pytest.mark.parametrize(
    ("emotion", "reason"),
    [
        ([[0, "joy", 4]], "out-of-range"),
        ([[0, "joy", -0.1]], "out-of-range"),
        ([[0, "joy", "much"]], "wrong-type"),
        ([[0, "joy", 1, 1]], "wrong-type"),
        ([[0, "joy", math.inf]], "not-finite"),
    ],
)
def test_a_wrong_strength_is_named(emotion: object, reason: str) -> None:
    with pytest.raises(DuologueError) as caught:
        read(None, emotion)
    assert (caught.value.reason, caught.value.field) == (reason, "performers.A.emotion[0]")


@pytest.mark.parametrize("page", ["guide/face.md", "reference/brief.md"])
def test_the_examples_of_the_pages_are_briefs(page: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        document = tomllib.loads(example)
        for name in "AB":  # the files they name aren't here
            performer = document["performers"].setdefault(name, {})
            performer.pop("transcript", None)
            performer["speech"] = "voice.wav"
        assert Brief.from_json(document, folder=Path("/shots")).a.face != Expression()


def test_the_page_names_every_setting_and_its_default() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "face.md").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", text, re.MULTILINE))
    assert defaults.keys() == {setting.name for setting in dataclasses.fields(Expression)}
    for name, value in defaults.items():
        default = getattr(Expression(), name)
        assert (tomllib.loads(f"it = {value.strip('`')}")["it"] if value != "none" else {}) == default
