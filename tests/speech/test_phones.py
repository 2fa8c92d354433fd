"""A transcript's phones, found in sound: against a synthesiser's exact times, and what a wrong transcript may do."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import numpy as np
import pytest
from duologue.brief import Transcript
from duologue.speech.alignment import believed
from duologue.speech.dictionary import english
from duologue.speech.phones import BILABIALS, LABIODENTALS, Phone

pytest.importorskip("pocketsphinx")
pytest.importorskip("soxr")
from duologue.brief.transcript import Word
from duologue.datasets.labels.phones import from_espeak
from duologue.speech import lip_phones
from duologue.speech.resample import resample
from duologue.speech.sphinx import SphinxAligner
from duologue.speech.words import timed_words
from examples_spoken import synthesised

TEXT = (
    "Peter picked a problem before lunch, but my mother never found five maps for him. Probably the film was very bad."
)
OTHER = "He began a confused complaint against the wizard, who had vanished behind the curtain on the left."


@pytest.fixture(scope="module")
def utterance():
    """(words, lips, samples at 16 kHz): both with times known to the sample."""
    speech = synthesised(TEXT, "en-us")
    phones = [Phone(start, end, from_espeak(name)) for start, end, name in speech.phones]
    return (
        speech.words,
        [p for p in phones if p.name in BILABIALS + LABIODENTALS],
        resample(speech.samples, speech.rate, 16_000),
    )


class Said(NamedTuple):
    """What ``timed_words`` finds, with every p, b, m, f and v."""

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    notes: tuple[str, ...]


def timed(transcript: Transcript, samples: np.ndarray) -> Said:
    said = timed_words(transcript, samples, np.ones(int(len(samples) / 16_000 * 30), bool))
    phones = tuple(said.phones)
    assert phones == tuple(said.phones), "they may be gone through again"
    # Vowels are called otherwise by espeak-ng than by the dictionary.
    closures = tuple(phone for phone in phones if phone.name in BILABIALS + LABIODENTALS)
    assert not phones or closures
    return Said(said.words, closures, said.notes + said.phones.notes)


def as_json(words) -> Transcript:
    return Transcript(json.dumps([{"start": start, "end": end, "text": text} for start, end, text in words]), "json")


def error(phone: Phone, lips: list[Phone]) -> float:
    """Seconds from the middle of ``found`` to that of the nearest true phone of its name."""
    return min(abs(phone.start + phone.end - p.start - p.end) / 2 for p in lips if p.name == phone.name)


@pytest.mark.parametrize("given", [False, True])
def test_lips_of_a_transcript_are_found_where_they_are(utterance, given: bool) -> None:
    words, lips, samples = utterance
    transcript = as_json(words) if given else Transcript(TEXT)
    _, phones, notes = timed(transcript, samples)
    assert notes == ()
    assert len(phones) == pytest.approx(len(lips), abs=3)
    assert list(phones) == sorted(phones, key=lambda phone: phone.start)
    errors = sorted(error(phone, lips) for phone in phones)
    assert errors[len(errors) // 2] < 0.03
    assert errors[-2] < 0.06, "all but one; the m of a him before a pause is heard too early"
    assert errors[-1] < 0.15


def test_a_word_no_dictionary_knows_has_no_phones_and_its_neighbours_do(utterance) -> None:
    words, lips, samples = utterance
    _, phones, _ = timed(Transcript(TEXT.replace("five", "fqwvzk")), samples)
    begin, end = next((start, end) for start, end, text in words if text == "five")
    assert [p for p in lips if begin <= p.start < end], "five has an f and a v"
    assert not [p for p in phones if begin + 0.02 < (p.start + p.end) / 2 < end - 0.02]
    assert len(phones) > 0.6 * len(lips)


def test_a_wrong_transcript_moves_no_lips_and_says_so(utterance) -> None:
    words, lips, samples = utterance
    said = timed(Transcript(OTHER), samples)
    assert said.phones == ()
    assert len(said.notes) == 1
    # With times: the right words in the wrong order, and others, crammed into what sounds.
    backwards = [(start, end, text) for (start, end, _), (_, _, text) in zip(words, words[::-1], strict=True)]
    said = timed(as_json(backwards), samples)
    assert len(said.phones) < 0.1 * len(lips)
    assert said.phones or "lips follow the voice alone" in said.notes[0]
    others = [(start, end, text) for (start, end, _), text in zip(words, OTHER.split(), strict=False)]
    assert len(timed(as_json(others), samples).phones) < 0.1 * len(lips)


def test_words_over_silence_have_no_phones(utterance) -> None:
    words, _, samples = utterance
    rng = np.random.default_rng(0)
    for quiet in (np.zeros_like(samples), rng.standard_normal(len(samples)).astype(np.float32) * 1e-3):
        assert timed(as_json(words), quiet).phones == ()
        assert timed(Transcript(TEXT), quiet).phones == ()


def test_times_that_are_given_are_respected(utterance) -> None:
    words, lips, samples = utterance
    # The second half is said to come three seconds later than it does: nothing may move there, nor where it really is.
    half = len(words) // 2
    late = [(s + 3 * (i >= half), e + 3 * (i >= half), text) for i, (s, e, text) in enumerate(words)]
    track = np.pad(samples, (0, 4 * 16_000))
    phones = timed(as_json(late), track).phones
    inside = [any(s - 0.15 <= (p.start + p.end) / 2 <= e + 0.15 for s, e, _ in late) for p in phones]
    assert all(inside)
    assert sum(p.end <= words[half][0] for p in phones) > 0.3 * len(lips)


def test_words_of_a_subtitle_lie_anywhere_in_it(utterance) -> None:
    _, lips, samples = utterance
    srt = f"1\n00:00:00,000 --> 00:00:0{len(samples) / 16_000:.3f}\n{TEXT}\n".replace(".", ",", 1)
    phones = timed(Transcript(srt, "srt"), samples).phones
    assert len(phones) == pytest.approx(len(lips), abs=3)
    assert sorted(error(phone, lips) for phone in phones)[-2] < 0.06


def test_without_the_aligner_there_are_words_and_a_note(utterance, monkeypatch: pytest.MonkeyPatch) -> None:
    words, _, samples = utterance
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    said = timed(as_json(words), samples)
    assert len(said.words) == len(words)
    assert said.phones == ()
    assert "lips follow the voice alone" in said.notes[0]


def test_stretches_end_at_pauses_and_hold_lines_together() -> None:
    words = [Word(t, t + 0.9, "x") for t in range(3)] + [Word(5 + t, 6 + t, "x") for t in range(30)]
    runs = [len(run) for run in lip_phones.stretches(words)]
    assert sum(runs) == 33
    assert runs[0] == 3
    assert max(runs) <= 13
    line = [Word(t, t + 1, "x", (0, 20)) for t in range(20)]
    assert [len(run) for run in lip_phones.stretches(line)] == [20]


def test_nothing_is_found_of_nothing() -> None:
    aligner = SphinxAligner()
    assert aligner.align(np.zeros(16_000, np.float32), []) == []
    assert aligner.align(np.zeros(0, np.float32), ["maps"]) == []
    assert aligner.align(np.zeros(16_000, np.float32), ["żółć", "…"]) == [None, None]
    assert believed(()) == []


def test_words_are_said_as_the_dictionary_has_them() -> None:
    assert ("D", "OW", "N", "T") in english("Don’t!")
    assert english("'maps'") == (("M", "AE", "P", "S"),)
    assert english("the") == (("DH", "AH"), ("DH", "IY"))
    assert english("…") == english("żółć") == ()


def test_a_long_track_is_searched_no_further_than_asked(utterance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A take of twenty minutes must not wait for twenty minutes' alignment before its first window."""
    words, lips, samples = utterance
    length, times = len(samples) / 16_000 + 1.0, 6
    again = [(s + k * length, e + k * length, text) for k in range(times) for s, e, text in words]
    track = np.tile(np.pad(samples, (0, 16_000)), times)
    searched: list[int] = []
    search = SphinxAligner.align
    monkeypatch.setattr(
        SphinxAligner, "align", lambda self, cut, said: searched.append(len(cut)) or search(self, cut, said)
    )
    phones = iter(timed_words(as_json(again), track, np.ones(int(times * length * 30), bool)).phones)
    first = [next(phones) for _ in range(3)]
    assert sum(searched) <= 1.5 * len(samples)
    rest = list(phones)
    assert sum(searched) > 0.8 * times * len(samples)
    assert first + rest == sorted(first + rest, key=lambda phone: phone.start)
    assert len(first + rest) > times * 0.6 * len(lips)


def test_what_nobody_wrote_down_is_guessed_and_said_so(utterance) -> None:
    words, _, samples = utterance
    said = timed(Transcript("", "recognise"), samples)
    spoken = {re.sub(r"\W", "", text.lower()) for _, _, text in words}
    right = [word for word in said.words if word.text in spoken]
    assert len(right) > 0.3 * len(words), [word.text for word in said.words]
    assert all(0 <= word.start < word.end <= len(samples) / 16_000 + 0.02 for word in said.words)
    assert said.phones == (), "lips don't follow guesses"
    assert "guessed by a recogniser" in said.notes[0]
