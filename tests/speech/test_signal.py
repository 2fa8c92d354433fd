"""Resampling, mel energies and voice activity, against outside oracles and sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("soxr")
from duologue.speech.activity import level, speech_energy, voice_activity
from duologue.speech.mel import BANDS, FLOOR, RATE, filters, log_mel
from duologue.speech.resample import resample


def tone(hertz: float, seconds: float, rate: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("target", [16_000, 24_000])
def test_a_resampled_tone_is_the_tone_at_the_other_rate(rate: int, target: int) -> None:
    resampled = resample(tone(440, 1.003, rate), rate, target)
    assert len(resampled) == -(-round(1.003 * rate) * target // rate)
    inside = slice(target // 20, -target // 20)
    np.testing.assert_allclose(resampled[inside], tone(440, 1.1, target)[: len(resampled)][inside], atol=2e-3)


def test_what_lies_above_the_new_limit_is_gone_and_not_folded_down() -> None:
    assert np.abs(resample(tone(11_000, 1, 48_000), 48_000, 16_000)[800:-800]).max() < 1e-3


def test_the_filters_are_slaneys() -> None:
    """transformers carries an independent copy of librosa's filters."""
    audio = pytest.importorskip("transformers.audio_utils")
    theirs = audio.mel_filter_bank(1025, BANDS, 0.0, 8000.0, RATE, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(filters(), theirs, atol=1e-9)


def test_energies_are_those_of_an_independent_implementation() -> None:
    audio = pytest.importorskip("transformers.audio_utils")
    samples = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    theirs = audio.spectrogram(
        samples, audio.window_function(2048, "hann"), 2048, 800, fft_length=2048, power=2.0, center=True,
        pad_mode="constant", mel_filters=audio.mel_filter_bank(1025, BANDS, 0.0, 8000.0, RATE, norm="slaney", mel_scale="slaney"),
        mel_floor=0.0,
    )  # fmt: skip
    mel = log_mel(samples)
    assert mel.shape == (30, BANDS)
    np.testing.assert_allclose(mel, np.log(theirs.T[:30] + FLOOR), atol=1e-4)


def test_a_tone_sounds_in_its_band_at_its_time() -> None:
    samples = np.zeros(24_000, np.float32)
    samples[12_000:] = tone(1000, 0.5, 24_000)
    mel = log_mel(samples)
    # Slaney's scale has 15 mel at 1000 Hz and 45.245 at 8000: band 9 of 27 is centred on 16.16 mel, band 8 on 14.54.
    assert int(mel[22].argmax()) == 8
    onset = int(
        np.argmax(mel[:, 8] > mel[25, 8] - np.log(4) - 0.3)
    )  # half the window's amplitude is a quarter of its power
    assert onset == 15
    np.testing.assert_allclose(mel[5], np.log(FLOOR), atol=1e-6)


def test_every_sample_is_in_a_frame() -> None:
    assert [len(log_mel(np.zeros(n, np.float32))) for n in (1, 800, 801, 24_000)] == [1, 1, 2, 30]
    with pytest.raises(ValueError, match="16000"):
        log_mel(np.zeros(9, np.float32), 16_000)


def test_levels_are_decibels_of_full_scale() -> None:
    levels = level(tone(300, 1, 16_000, level=1.0), 16_000, 30)
    np.testing.assert_allclose(levels[2:-2], -3.01, atol=0.1)  # a full sine's power
    np.testing.assert_array_equal(level(np.zeros(16_000, np.float32), 16_000, 30), -80)


def spoken(noise: float, gain: float = 1.0) -> np.ndarray:
    """Two seconds of quiet, syllables from 2.0 to 4.0 s with a stop of 0.15 s, quiet, syllables from 5.0 to 5.5 s."""
    rate = 16_000
    times = np.arange(8 * rate) / rate
    talking = ((times > 2) & (times < 4) & ~((times > 3) & (times < 3.15))) | ((times > 5) & (times < 5.5))
    syllables = np.abs(np.sin(2 * np.pi * 2.5 * times)) ** 0.3
    hum = np.random.default_rng(0).normal(0, noise, len(times))
    return (gain * (talking * syllables * 0.3 * np.sin(2 * np.pi * 180 * times) + hum)).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01])
@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_who_speaks_when_whatever_the_recording(noise: float, gain: float) -> None:
    levels = level(spoken(noise, gain), 16_000, 240)
    edges = np.flatnonzero(np.diff(voice_activity(levels).astype(int))) + 1
    np.testing.assert_allclose(edges / 30, [2, 4, 5, 5.5], atol=0.15)


def test_a_click_is_no_speech() -> None:
    samples = spoken(0.0)
    samples[16_000:16_040] = 0.9
    assert not voice_activity(level(samples, 16_000, 240))[25:35].any()


def test_energy_is_on_the_speakers_own_scale() -> None:
    loud, soft = (level(spoken(0.001, gain), 16_000, 240) for gain in (1.0, 0.2))
    a, b = speech_energy(loud, voice_activity(loud)), speech_energy(soft, voice_activity(soft))
    np.testing.assert_allclose(a, b, atol=0.05)
    assert a.max() == pytest.approx(1, abs=0.05)
    assert a[:50].max() == 0


def test_one_word_in_two_silent_minutes_is_all_that_is_spoken():
    rate = 16000
    samples = np.zeros(120 * rate, np.float32)
    samples[60 * rate : 61 * rate] = 0.1 * np.random.default_rng(0).standard_normal(rate)
    active = voice_activity(level(samples, rate, 3600))
    assert active[1802:1828].all()
    assert active.sum() < 45
    assert not voice_activity(level(np.zeros(rate, np.float32), rate, 30)).any()
