"""The demo's dialogue: what is shipped is what the script makes, and it is a brief like any other."""

import json
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief
from duologue.brief.transcript import Word, parse
from duologue.demo import build
from duologue.demo.script import LAUGH, SCRIPT
from duologue.errors import DuologueError
from duologue.labels import EMOTIONS
from duologue.speech.decode import load_pair

SHIPPED = Path(build.__file__).parent


def said(performer: str) -> list[Word]:
    brief = Brief.load(SHIPPED / "brief.toml")
    words = parse(brief.performers["AB".index(performer)].transcript)
    assert isinstance(words, tuple)
    return list(words)


def test_the_shipped_words_are_the_scripts():
    for performer in "AB":
        written: list[str] = []
        for line in SCRIPT:
            if line.performer == performer:
                words = ["ha"] * 5 if line.text == LAUGH else line.text.split()[: line.cut]
                written += [word.strip(".,!?") for word in words]
        # espeak-ng loses Ben's "birthday": an event of its own goes back in the text there, and he is cut off.
        assert [word.text for word in said(performer)] == [word for word in written if word != "birthday"]


def test_both_tracks_are_of_one_length_and_hold_their_words():
    a, b, notes = load_pair(Brief.load(SHIPPED / "brief.toml"))
    assert not notes
    assert len(a.samples) == len(b.samples)
    for sound, performer in ((a, "A"), (b, "B")):
        for word in said(performer):
            inside = sound.samples[round(word.start * sound.rate) : round(word.end * sound.rate)]
            assert np.abs(inside).max() > 0.01, word


def test_every_emotion_of_the_script_is_a_label():
    assert {line.emotion for line in SCRIPT} <= set(EMOTIONS)


def test_the_script_makes_what_is_shipped(tmp_path):
    try:
        build.main(tmp_path)
    except DuologueError as error:
        pytest.skip(str(error))
    assert (tmp_path / "brief.toml").read_text().splitlines()[0] == f"# {build.NOTICE}"
    for name in ("ada.json", "ben.json"):
        new, old = (json.loads((folder / name).read_text())["words"] for folder in (tmp_path, SHIPPED))
        assert [word["text"] for word in new] == [word["text"] for word in old]
        # Another version of espeak-ng may plan its phones a little differently.
        np.testing.assert_allclose([word["start"] for word in new], [word["start"] for word in old], atol=0.2)
