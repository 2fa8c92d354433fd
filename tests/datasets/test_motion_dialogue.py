from itertools import pairwise

import numpy as np
import pytest
import soundfile
from duologue.brief.transcript import Word
from duologue.datasets.readers.kit_voices import Recording, Voice
from duologue.datasets.synthesis.body.performer import stressed_frames
from duologue.datasets.synthesis.speech.turns import MEDIAN_TURN, RATE, Turn, speak, take_turns


def test_turns_have_the_measured_statistics():
    """The kit's README: 13 % overlap, median turn 2.7 s; 37 % each of three people, and more of two."""
    rng = np.random.default_rng(0)
    times = np.arange(0, 60, 0.02)
    talking, lengths = [], []
    for _ in range(150):
        turns = take_turns(60, rng)
        lengths += [t.stop - t.start for t in turns]
        talking.append(
            [np.any([(t.start <= times) & (times < t.stop) for t in turns if t.speaker == i], 0) for i in (0, 1)]
        )
    share = np.mean(talking, axis=(0, 2))
    both = np.all(talking, axis=1).mean()
    assert share == pytest.approx([0.45, 0.45], abs=0.03)
    assert both == pytest.approx(0.13, abs=0.02)
    assert np.median(lengths) == pytest.approx(MEDIAN_TURN, rel=0.1)


def test_nobody_interrupts_themselves():
    turns = take_turns(120, np.random.default_rng(1))
    for speaker in (0, 1):
        own = [t for t in turns if t.speaker == speaker]
        assert all(a.stop < b.start for a, b in pairwise(own))


def test_a_voice_fills_its_own_turns_and_words_keep_their_place(tmp_path):
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(10 * 16000) / 16000)
    soundfile.write(tmp_path / "a.wav", tone, 16000)
    voice = Voice("a", (Recording(tmp_path / "a.wav", (Word(0.5, 0.8, "hello"), Word(8.0, 8.5, "late"))),))
    turns = [Turn(0, 2.0, 4.0), Turn(1, 4.0, 5.0)]
    speaking = speak(voice, turns, 0, 6.0, np.random.default_rng(0))
    assert len(speaking.samples) == 6 * RATE
    assert np.abs(speaking.samples[: 2 * RATE]).max() == 0
    assert np.abs(speaking.samples[round(2.5 * RATE) : 3 * RATE]).max() > 0
    assert np.abs(speaking.samples[5 * RATE :]).max() == 0
    assert speaking.words == (Word(2.5, 2.8, "hello"),)


def test_stresses_are_peaks_of_energy_where_one_speaks():
    energy = np.full(120, -60.0)
    for peak in (20, 50, 90):
        energy += 40 * np.exp(-(((np.arange(120) - peak) / 4) ** 2))
    speaking = np.arange(120) < 70
    assert stressed_frames(energy, speaking).tolist() == [20, 50]
