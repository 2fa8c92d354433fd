"""Sound that faces meet and would rather not: made from the demo's two voices, (2, N) at 16 kHz, A's track first."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from duologue.brief import Brief
from duologue.files.folders import demo_brief
from duologue.speech.decode import load_pair
from scipy import signal

RATE = 16_000


@cache
def voices(seconds: float = 12.0) -> np.ndarray:
    """The demo's two voices from its fourth second, where both have something to say."""
    a, b, _ = load_pair(Brief.load(demo_brief()))
    tracks = [soxr.resample(sound.samples, sound.rate, RATE)[4 * RATE : int((4 + seconds) * RATE)] for sound in (a, b)]
    return np.stack(tracks).astype(np.float32)


def whispered() -> np.ndarray:
    """The same words without a voice: each moment's spectrum, smoothed over its harmonics, filled with noise and 20 dB softer."""
    spectra = signal.stft(voices(), RATE, nperseg=320, noverlap=240)[2]
    envelope = np.apply_along_axis(np.convolve, 1, np.abs(spectra), np.ones(9) / 9, "same")
    tilt = np.linspace(0.1, 1.0, spectra.shape[1])[:, None]  # a whisper has little below 1 kHz
    turns = np.exp(2j * np.pi * np.random.default_rng(0).random(spectra.shape))
    hushed = signal.istft(envelope * tilt * turns, RATE, nperseg=320, noverlap=240)[1]
    return (0.1 * hushed * voices().std() / hushed.std()).astype(np.float32)


def music() -> np.ndarray:
    """Chords of sawtooths, two a second, without a rest; B hears a bar of silence after each of A's."""
    t = np.arange(12 * RATE) / RATE
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(t * 2).astype(int) % 4]
    phase = 2 * np.pi * np.cumsum(roots) / RATE
    chord = sum(signal.sawtooth(phase * ratio) for ratio in (1.0, 1.25, 1.5)) * (0.4 + 0.6 * np.exp(-4 * (t * 2 % 1)))
    chord = signal.sosfilt(signal.butter(4, 4000, fs=RATE, output="sos"), chord)
    return np.stack([0.1 * chord, 0.1 * chord * (t % 4 >= 2)]).astype(np.float32)


def both_voices_in_one_track() -> np.ndarray:
    """A's microphone caught everybody and B's was off."""
    a, b = voices()
    return np.stack([a + b, 0 * b])


def telephone() -> np.ndarray:
    """8 kHz, 300 to 3400 Hz, 8-bit mu-law: G.711."""
    narrow = soxr.resample(voices().T, RATE, 8000).T
    narrow = signal.sosfilt(signal.butter(4, (300, 3400), "bandpass", fs=8000, output="sos"), narrow)
    squeezed = np.sign(narrow) * np.log1p(255 * np.abs(narrow).clip(max=1)) / np.log(256)
    coded = np.round(squeezed * 127) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255
    return soxr.resample(decoded.T, 8000, RATE).T.astype(np.float32)


def silence() -> np.ndarray:
    return np.zeros((2, 12 * RATE), np.float32)


def hiss() -> np.ndarray:
    """A microphone left open in an empty room: noise at -66 dBFS."""
    return np.random.default_rng(0).normal(0, 10 ** (-66 / 20), (2, 12 * RATE)).astype(np.float32)


def clipped() -> np.ndarray:
    """Recorded far too loud."""
    return (voices() * 30).clip(-1, 1)
