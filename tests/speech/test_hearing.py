"""Words that nobody wrote down: pieces of a track, what Whisper makes of them, and what lips may follow."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.speech.activity import level, voice_activity
from duologue.speech.hearing import UNHEARD, Ear, Hearing, likely
from duologue.speech.phones import BILABIALS, LABIODENTALS, SILENCE, Phone
from duologue.speech.resample import resample
from duologue.speech.spoken import Piece, pieces
from duologue.speech.whisper import LONGEST, SHA256, HeardSound, HeardWord, bundled, verified
from duologue.speech.word_cache import WordCache
from examples_spoken import synthesised

RATE = 16_000
TEXT = "Peter picked a problem before lunch, but my mother never found five maps for him."


def spoken(*stretches: tuple[int, int], frames: int = 600) -> np.ndarray:
    active = np.zeros(frames, bool)
    for first, last in stretches:
        active[first:last] = True
    return active


def test_pieces_hold_every_spoken_frame_once_and_no_long_pause() -> None:
    active = spoken((0, 40), (45, 90), (300, 330), (400, 2400), frames=2600)
    found = list(pieces(active, LONGEST))
    frames = np.concatenate([np.arange(a, b) for piece in found for a, b in piece.stretches])
    assert (np.diff(frames) > 0).all()
    assert set(np.flatnonzero(active)) <= set(frames.tolist())
    assert len(frames) < active.sum() + 4 * 12 + 1
    assert max(piece.seconds for piece in found) <= LONGEST
    assert found[0].stretches[0] == (0, 96)
    assert list(pieces(spoken(), LONGEST)) == []


def test_a_second_of_a_piece_is_found_in_its_track() -> None:
    piece = Piece(((30, 60), (300, 330)))
    assert piece.at(0.5) == (1.5, 0)
    assert piece.at(1.5) == (10.5, 1)
    assert piece.at(99.0) == (11.0, 1)
    track = np.arange(12 * RATE, dtype=np.float32)
    cut = piece.cut(track)
    assert cut[0] == RATE
    assert cut[RATE] == 10 * RATE


def test_a_sentence_that_begins_with_an_unheard_word_is_none() -> None:
    """As Whisper tiny.en heard the end of a recording of the Montreal aligner's: nobody says thank you."""
    rows = (
        ("good.", 0.9),
        ("Alright,", 0.49),
        ("thanks.", 0.9),
        ("Thank", 0.01),
        ("you", 0.72),
        ("very", 0.16),
        ("much.", 0.72),
    )
    words = [HeardWord(0.2 * index, 0.2 * index + 0.2, *row) for index, row in enumerate(rows)]
    assert [word.text for word in likely(words)] == ["good.", "Alright,", "thanks."]
    assert likely([*words, HeardWord(2.0, 2.2, "Yes.", 0.9)])[-1].text == "Yes."
    inside = [words[1], words[2]._replace(probability=0.01), words[0]]
    assert likely(inside) == [words[1], words[0]], "within a sentence a word may be missed alone"


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("faster_whisper", reason="the extra `hear` is not installed")
    found = bundled()
    if found is None:
        pytest.skip("the extra `hear` is not installed")
    return found


@pytest.fixture(scope="module")
def utterance():
    """(words, lips, samples): a synthesiser's, with times known to the sample, behind and before a second of silence."""
    from duologue.datasets.labels.phones import from_espeak

    said = synthesised(TEXT, "en-us")
    lips = [Phone(start + 1, end + 1, from_espeak(name)) for start, end, name in said.phones]
    samples = np.pad(resample(said.samples, said.rate, RATE), RATE)
    return said.words, [p for p in lips if p.name in BILABIALS + LABIODENTALS], samples


class Text:
    """Stands for MiniLM: a word's vector is full of ones."""

    def frames(self, words, frames: int) -> np.ndarray:
        found = np.zeros((frames, 384), np.float32)
        for word in words:
            found[round(word.start * 30) : round(word.end * 30)] = 1
        return found


def heard(model, samples: np.ndarray, cache: Path, language: str = "") -> Hearing:
    frames = len(samples) * 30 // RATE
    active = voice_activity(level(samples, RATE, frames))
    hearing = Hearing(Ear(model, WordCache(cache)), samples, active, Text(), language, lambda: False)
    with ThreadPoolExecutor(1) as pool:
        for index in range(len(hearing.pieces)):
            hearing.begin(pool, index)
    return hearing


@pytest.fixture(scope="module")
def hearing(model, utterance, tmp_path_factory):
    pytest.importorskip("pocketsphinx")
    return heard(model, utterance[2], tmp_path_factory.mktemp("words"))


def test_words_are_recognised_and_set_where_they_are_said(hearing, utterance) -> None:
    words, _, _ = utterance
    found = [word for index in range(len(hearing.pieces)) for word in hearing.words(index).words]
    truth = {re.sub(r"\W", "", text.lower()): start + 1 for start, _, text in words}
    right = [word for word in found if re.sub(r"\W", "", word.text.lower()) in truth]
    assert len(right) >= 0.7 * len(words), [word.text for word in found]
    errors = [abs(word.start - truth[re.sub(r"\W", "", word.text.lower())]) for word in right]
    assert np.median(errors) < 0.05
    assert f"{len(found)} words were recognised" in hearing.note()


def test_lips_of_recognised_words_are_where_they_are(hearing, utterance) -> None:
    _, lips, _ = utterance
    phones = list(hearing.phones)
    assert phones == sorted(phones, key=lambda phone: phone.start)
    found = [phone for phone in phones if phone.name in BILABIALS + LABIODENTALS]
    assert len(found) > 0.5 * len(lips)
    errors = [
        min(abs(p.middle - t.middle) for t in lips if t.name in LABIODENTALS or p.name in BILABIALS) for p in found
    ]
    assert np.median(errors) < 0.03
    assert sum(error > 0.1 for error in errors) <= 1
    assert phones[0].name == SILENCE, "a silence first: nobody waits for words that come later"
    assert phones[0].start == hearing.pieces[0].start


def test_the_same_sound_is_heard_once_and_gives_the_same_words(
    model, hearing, utterance, tmp_path, monkeypatch
) -> None:
    first = heard(model, utterance[2], tmp_path)
    assert [first.words(i) for i in range(len(first.pieces))] == [hearing.words(i) for i in range(len(hearing.pieces))]
    monkeypatch.setattr("duologue.speech.hearing.Whisper", lambda *_: pytest.fail("it was heard again"))
    again = heard(model, utterance[2], tmp_path)
    assert again.words(0) == first.words(0)
    for file in tmp_path.iterdir():
        file.write_text("{")
    with pytest.raises(pytest.fail.Exception):
        heard(model, utterance[2], tmp_path).words(0)  # a damaged cache is no cache


def test_the_body_is_told_words_from_its_second_window_on(model, utterance, tmp_path) -> None:
    late = heard(model, np.pad(utterance[2], (5 * RATE, 0)), tmp_path)
    assert late.vectors(150, 330).any()
    early = heard(model, utterance[2], tmp_path)
    assert not early.vectors(0, UNHEARD).any()
    whole, last = early.vectors(0, 200), early.vectors(120, 200)
    np.testing.assert_array_equal(whole[120:], last)


@pytest.mark.parametrize("kind", ["silence", "noise", "music", "laughter"])
def test_what_is_no_speech_moves_no_lips(model, tmp_path, kind: str) -> None:
    t = np.arange(8 * RATE) / RATE
    rng = np.random.default_rng(0)
    if kind == "silence":
        samples = np.zeros_like(t)
    elif kind == "noise":
        samples = rng.normal(0, 0.05, len(t))
    elif kind == "music":
        notes = 220 * 2 ** (rng.integers(0, 12, 32) / 12)
        samples = 0.1 * sum(np.sin(2 * np.pi * k * notes[(t * 4).astype(int)] * t) / k for k in (1, 2, 3))
    else:
        beat = np.exp(-8 * ((t * 5) % 1)) * (t % 3 < 2)
        samples = 0.2 * beat * (rng.normal(0, 0.3, len(t)) + np.sign(np.sin(2 * np.pi * 190 * t)))
    hearing = heard(model, samples.astype(np.float32), tmp_path)
    lips = [phone for phone in hearing.phones if phone.name != SILENCE]
    assert len(lips) <= 1, [
        (word.text, word.start) for i in range(len(hearing.pieces)) for word in hearing.words(i).words
    ]


def test_doubtful_words_and_other_languages_are_left_to_the_ear(model, utterance, tmp_path, monkeypatch) -> None:
    words, _, samples = utterance
    cache = WordCache(tmp_path)
    sure = [HeardWord(start, end, text, 0.9) for start, end, text in words]
    active = voice_activity(level(samples, RATE, len(samples) * 30 // RATE))
    (piece,) = pieces(active, LONGEST)
    key = cache.key(piece.cut(samples), model.sha256, "")

    def lips(heard_words: list[HeardWord]) -> tuple[int, str]:
        cache.put(key, HeardSound("en", heard_words))
        hearing = heard(model, samples, tmp_path)
        return sum(phone.name != SILENCE for phone in hearing.phones), hearing.note()

    pytest.importorskip("pocketsphinx")
    all_of_them, note = lips(sure)
    assert all_of_them > 10
    doubted, note = lips([word._replace(probability=0.9 if index else 0.15) for index, word in enumerate(sure)])
    assert doubted < all_of_them  # Peter's p is the ear's
    assert re.search(r"[1-9] of them are unsure", note)
    assert lips([word._replace(probability=0.3) for word in sure])[0] == 0, "as English read into another language"


def test_words_of_another_language_are_set_on_the_sound_by_how_they_are_said(model, tmp_path) -> None:
    """As a multilingual model of the user's hears German: its words, here known, and the language that it found."""
    pytest.importorskip("pocketsphinx")
    from duologue.datasets.labels.phones import from_espeak
    from duologue.voices.pronouncing import pronouncer

    said = synthesised("Meine Mutter pflückt am Abend prima Pflaumen, aber Papa mag lieber Birnen und Bananen.", "de")
    assert pronouncer("tlh-none") is None
    samples = np.pad(resample(said.samples, said.rate, RATE), RATE)
    lips = [Phone(start + 1, end + 1, from_espeak(name)) for start, end, name in said.phones]
    lips = [phone for phone in lips if phone.name in BILABIALS]
    active = voice_activity(level(samples, RATE, len(samples) * 30 // RATE))
    (piece,) = pieces(active, LONGEST)
    cache = WordCache(tmp_path)
    spoken_words = [HeardWord(start, end, text, 0.9) for start, end, text in said.words]
    cache.put(cache.key(piece.cut(samples), model.sha256, "de"), HeardSound("de", spoken_words))
    heard_words = Ear(model, cache, pronouncer).hear(piece, samples, "de")
    assert [word.text for word in heard_words.words] == [text for _, _, text in said.words]
    found = [phone for phone in heard_words.phones if phone.name in BILABIALS]
    assert len(found) > 0.7 * len(lips)
    assert np.median([min(abs(p.middle - t.middle) for t in lips) for p in found]) < 0.03
    assert Ear(model, cache).hear(piece, samples, "de").phones == (), "nobody knows how they are said"


def test_numbers_are_written_as_they_are_said(model) -> None:
    from duologue.speech.whisper import Whisper

    said = synthesised("There were five hundred and forty people in nineteen eighty four.", "en-us")
    words = Whisper(model).words(resample(said.samples, said.rate, RATE)).words
    assert words
    assert not [word.text for word in words if re.search(r"\d", word.text)]


def test_a_language_that_whisper_does_not_know_is_named(model) -> None:
    from duologue.speech.whisper import Whisper

    with pytest.raises(DuologueError) as refused:
        Whisper(model).words(np.zeros(8_000, np.float32), "tlh")
    assert refused.value.reason == "whisper-language"


def test_a_model_with_another_hash_or_a_file_missing_is_refused(tmp_path: Path) -> None:
    for name in SHA256:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DuologueError) as caught:
        verified(tmp_path, SHA256, "x")
    assert (caught.value.reason, caught.value.code) == ("whisper-hash", "DATA_LOSS")
    (tmp_path / "config.json").unlink()
    with pytest.raises(DuologueError, match=r"config\.json"):
        verified(tmp_path, SHA256, "x")
