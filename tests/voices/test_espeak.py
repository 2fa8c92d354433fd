"""espeak-ng's own times: words, phones and samples agree."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.voices.espeak import PAUSE, Utterance, synthesise
from duologue.voices.pronunciation import pronunciations


@pytest.fixture(scope="module", autouse=True)
def said() -> Utterance:
    reason = ""
    try:
        return synthesise('Well, I don\'t believe you: the 23 bumpy maps are on the roof. "Ha!"', "en-us+f2")
    except DuologueError as error:
        reason = error.reason
    if reason == "espeak-not-found":
        pytest.skip("the espeak-ng library is not installed")
    pytest.fail(reason)


def test_words_are_the_texts_own(said: Utterance) -> None:
    """Numbers are several of espeak's words, "on the" is one of its: the text decides."""
    words = ["Well", "I", "don't", "believe", "you", "the", "23", "bumpy", "maps", "are", "on", "the", "roof", "Ha"]
    assert [text for _, _, text in said.words] == words
    assert all(start < end for start, end, _ in said.words)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(said.words))


def test_phones_leave_no_gap(said: Utterance) -> None:
    assert said.phones[0][0] == 0
    assert said.phones[-1][1] == pytest.approx(said.seconds)
    assert all(a[1] == b[0] for a, b in pairwise(said.phones))
    bumpy = next(word for word in said.words if word[2] == "bumpy")
    assert [name for start, _, name in said.phones if bumpy[0] <= start < bumpy[1]] == ["b", "V", "m", "p", "i"]


def test_the_sound_is_where_the_times_say(said: Utterance) -> None:
    """A vowel is loud, a pause is quiet, the closure of a p is quieter than the vowel before it."""

    def power(start: float, end: float) -> float:
        return float(np.mean(said.samples[round(start * said.rate) : round(end * said.rate)] ** 2))

    vowels = [power(start, end) for start, end, name in said.phones if name in {"E", "V", "a", "i:"}]
    pauses = [power(start + 0.05, end) for start, end, name in said.phones if name == PAUSE and end - start > 0.1]
    assert min(vowels) > 20 * max(pauses)


def test_pitch_and_speed_do_what_they_say() -> None:
    pytest.importorskip("scipy")
    slow, fast = (synthesise("A purple piano on the roof.", "en-us", speed=speed).seconds for speed in (120, 240))
    assert slow > 1.6 * fast

    def fundamental(pitch: int) -> float:
        said = synthesise("aaaaaa", "en-us", pitch=pitch, pitch_range=0)
        piece = said.samples[len(said.samples) // 3 :][:4096]
        spectrum = np.fft.irfft(np.abs(np.fft.rfft(piece, 8192)) ** 2)
        lags = slice(said.rate // 400, said.rate // 50)
        return said.rate / (lags.start + int(np.argmax(spectrum[lags])))

    assert fundamental(80) > 1.2 * fundamental(20)


def test_voices_that_never_spoke_leave_the_next_one_its_events(said: Utterance) -> None:
    """Changes of voice waited in a queue of 170 commands that only speaking empties; from thirty on, events fell out of it."""
    for language in ["en-us", "fr-fr", "de"] * 70:
        assert pronunciations("a", language)
    again = synthesise("Well, I don't believe you.", "en-us+f2")
    assert [word for _, _, word in again.words] == ["Well", "I", "don't", "believe", "you"]
    assert again.phones[0][2] == said.phones[0][2] == "w"


def test_languages_name_their_voices() -> None:
    for voice in ("en-gb", "en-gb+m3", "de", "fr+f2"):
        assert synthesise("Papa", voice).seconds > 0.2


def test_phone_input_is_only_read_when_asked_for() -> None:
    hum = synthesise("[[m'@mh'@m]]", phonemes=True)
    assert [name for _, _, name in hum.phones if name != PAUSE] == ["m", "@", "m", "h", "@", "m"]
    assert synthesise("[[m'@mh'@m]]").phones != hum.phones


def test_threads_take_turns() -> None:
    """The library has one state; without a lock their samples would mix."""
    found: list[Utterance] = []
    threads = [threading.Thread(target=lambda: found.append(synthesise("Mabel bought bananas"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(said.words) for said in found] == [3] * 4


def test_bad_input_is_named() -> None:
    for text, voice, reason in (("x", "zz-q", "unknown-voice"), (" ", "en-us", "text-empty")):
        with pytest.raises(DuologueError) as caught:
            synthesise(text, voice)
        assert caught.value.reason == reason
