"""Known words set on sound by an encoder's posteriors: the search against all ways there are, and times that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from duologue.speech import phone_aligner
from duologue.speech.aligners import Aligners
from duologue.speech.alignment import believed
from duologue.speech.phone_aligner import PhoneAligner, relative
from duologue.speech.phones import INDEX, PHONES, Phone
from duologue.speech.sphinx import SphinxAligner
from duologue.speech.viterbi import UNKNOWN, best_path, lattice
from hypothesis import given, settings
from hypothesis import strategies as st

DICTIONARY = {"a": (("AH",), ("EY",)), "map": (("M", "AE", "P"),), "him": (("HH", "IH", "M"), ("IH", "M"))}


@pytest.fixture(autouse=True)
def _small_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_aligner, "english", lambda text: DICTIONARY.get(text.lower().strip(".,"), ()))


def heard(*spans: tuple[str, int], sure: float = 0.9) -> np.ndarray:
    """Return log posteriors (T, 40) of an ear that hears each phone for so many frames and is that ``sure``."""
    symbols = [INDEX[name] for name, frames in spans for _ in range(frames)]
    found = np.full((len(symbols), len(PHONES)), (1 - sure) / (len(PHONES) - 1))
    found[np.arange(len(symbols)), symbols] = sure
    return np.log(found).astype(np.float32)


def align(posteriors: np.ndarray, *texts: str):
    return PhoneAligner(lambda _: posteriors).align(np.zeros(0, np.float32), texts)


def test_words_and_their_phones_are_where_they_are_heard() -> None:
    ear = heard(("SIL", 10), ("EY", 6), ("M", 4), ("AE", 8), ("P", 5), ("SIL", 12), ("IH", 4), ("M", 6), ("SIL", 5))
    a, map_, him = align(ear, "a", "map,", "him.")
    assert a.phones == (Phone(0.2, 0.32, "EY"),), "of two ways to say it, the one that is heard"
    assert [(phone.name, phone.start, phone.end) for phone in map_.phones] == [
        ("M", 0.32, 0.4), ("AE", 0.4, 0.56), ("P", 0.56, 0.66),
    ]  # fmt: skip
    assert (him.start, him.end) == (0.9, 1.1), "behind a pause, without its h"
    assert [phone.name for phone in map_.on_lips + him.on_lips] == ["M", "AE", "P", "M"]
    assert believed([a, map_, him]) == [True] * 3


def test_a_word_that_nobody_knows_keeps_its_sound_to_itself() -> None:
    ear = heard(("AH", 8), ("K", 4), ("S", 4), ("UW", 6), ("M", 4), ("AE", 8), ("P", 4))
    a, unknown, map_ = align(ear, "a", "xqzt", "map")
    assert unknown is None
    assert (a.end, map_.start) == (0.16, 0.44)
    assert align(ear, "xqzt") == [None], "and alone it is not looked for"


def test_what_is_not_said_is_not_believed() -> None:
    ear = heard(("S", 8), ("IY", 12), ("T", 6), ("UW", 12), ("K", 9))
    assert not any(believed([word for word in align(ear, "map", "him", "map") if word]))
    assert align(heard(("M", 4)), "map", "map", "map") == [], "less sound than the words need"
    assert align(ear[:0], "map") == []


@st.composite
def _case(draw: st.DrawFn):
    texts = draw(st.lists(st.sampled_from(["a", "him", ""]), min_size=1, max_size=2))
    frames = draw(st.integers(0, 10))
    values = draw(st.lists(st.integers(-9, 0), min_size=frames * 5, max_size=frames * 5))
    scores = np.full((frames, len(PHONES) + 1), -20.0, np.float32)
    used = [INDEX["SIL"], INDEX["AH"], INDEX["IH"], INDEX["M"], UNKNOWN]
    scores[:, used] = np.array(values, np.float32).reshape(frames, 5)
    return texts, scores


@settings(max_examples=60, deadline=None)
@given(_case())
def test_no_way_through_the_words_is_better_than_the_one_that_is_found(case) -> None:
    texts, scores = case
    states = lattice([DICTIONARY.get(text, ()) for text in texts])
    path = best_path(scores, states)
    best = _best_of_all(scores, states)
    if best is None:
        assert not len(path)
        return
    assert scores[np.arange(len(path)), states.symbols[path]].sum() == best
    assert path[-1] in states.last
    for before, state in pairwise(path):
        assert before in states.before[state]


def _best_of_all(scores: np.ndarray, states) -> float | None:
    """Return the highest sum of all ways, walked one after the other."""
    count = len(states.symbols)
    ways = [(count + 1, 0.0)]
    for row in scores:
        ways = [
            (state, total + float(row[states.symbols[state]]))
            for at, total in ways
            for state in np.flatnonzero((states.before == at).any(axis=1)).tolist()
        ]
    ends = [total for state, total in ways if state in states.last]
    return max(ends, default=None) if len(scores) else None


def test_scores_are_against_the_likeliest_phone() -> None:
    scores = relative(heard(("M", 2), ("S", 1)))
    assert scores.shape == (3, len(PHONES) + 1)
    assert scores[0, INDEX["M"]] == scores[2, INDEX["S"]] == 0
    assert scores[0, INDEX["S"]] < scores[0, UNKNOWN] < 0


def test_who_sets_words_on_the_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    ours = Aligners(lambda _: heard(("SIL", 10)))
    german = [("P", "AH"), ("P", "AH")]
    assert isinstance(ours.make(), SphinxAligner)
    assert isinstance(ours.make(lambda _: german), SphinxAligner), "English, and names by rule"
    assert isinstance(ours.make(lambda _: german, dictionary=False), PhoneAligner)
    assert isinstance(Aligners().make(lambda _: german, dictionary=False), SphinxAligner), "an encoder without phones"
    monkeypatch.setattr("duologue.speech.aligners.find_spec", lambda _: None)
    assert isinstance(ours.make(lambda _: german), PhoneAligner), "English by rule, where pocketsphinx isn't"
