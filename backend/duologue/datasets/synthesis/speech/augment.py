"""Making a clean recording sound like what people really hand in: other rooms, microphones, levels, speeds and telephones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def change_speed(samples: NDArray[np.float32], start: float, length: int, factor: float) -> NDArray[np.float32]:
    """Return ``length`` samples from ``start`` (a sample position) played ``factor`` times as fast; pitch and formants follow.

    Beyond either end there is silence.
    """
    at = start + np.arange(length) * factor
    low = np.floor(at).astype(int)
    weight = (at - low).astype(np.float32)
    padded = np.concatenate([samples, np.zeros(1, np.float32)])

    def take(index: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.where((index >= 0) & (index < len(samples)), padded[np.clip(index, 0, len(samples))], np.float32(0))

    return (take(low) * (1 - weight) + take(low + 1) * weight).astype(np.float32)


def degrade(
    samples: NDArray[np.float32], rng: np.random.Generator, voices: Sequence[NDArray[np.float32]] = ()
) -> NDArray[np.float32]:
    """Return ``samples`` (n,) after a random room, channel, noise and level; each happens now and then, often none does.

    Noise lies from 30 dB under the voice to 3 dB over it: hiss and rumble, music, and where there are ``voices`` a room full of
    them.
    """
    out = samples
    if rng.random() < 0.3:
        out = _room(out, rng)
    if rng.random() < 0.3:
        out = _channel(out, rng)
    rms = float(np.sqrt(np.mean(out**2))) + 1e-5
    if rng.random() < 0.5:
        decibels = rng.uniform(-3, 30)
        kind = rng.random()
        if kind < 0.25 and voices:
            noise = _babble(len(out), rng, voices)
        elif kind < 0.4:
            noise = _music(len(out), rng)
        else:
            noise = _noise(len(out), rng)
        out = out + noise * np.float32(rms * 10 ** (-decibels / 20))
    return (out * np.float32(10 ** (rng.uniform(-8, 6) / 20))).astype(np.float32)


def _room(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Convolve with exponentially decaying noise behind a direct sound (Polack's model), T60 of 0.15 to 0.7 s."""
    length = rng.uniform(0.15, 0.7) * SPEECH_RATE
    tail = rng.standard_normal(int(length)) * np.exp(-6.9 * np.arange(int(length)) / length)
    tail *= rng.uniform(0.1, 0.5) / np.linalg.norm(tail)
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return wet.astype(np.float32)


def _channel(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Shape the spectrum: a tilt of up to 6 dB an octave around 1 kHz, or a telephone's 300 to 3400 Hz."""
    hertz = np.fft.rfftfreq(len(samples), 1 / SPEECH_RATE)
    if rng.random() < 0.4:
        low, high = rng.uniform(80, 350), rng.uniform(3200, 3900)
        shape = 1 / (1 + (low / np.maximum(hertz, 1)) ** 6) / (1 + (hertz / high) ** 12)
    else:
        shape = (np.maximum(hertz, 60) / 1000) ** rng.uniform(-0.5, 0.5)
    return np.fft.irfft(np.fft.rfft(samples) * shape, len(samples)).astype(np.float32)


def _noise(length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return coloured noise of unit RMS, from white to red."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= np.maximum(np.fft.rfftfreq(length, 1 / SPEECH_RATE), 30) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, length)
    return _unit(noise)


def _babble(length: int, rng: np.random.Generator, voices: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return four to eight of ``voices`` at once, each from a random moment on, repeated where it ends."""
    sum_ = np.zeros(length)
    for _ in range(rng.integers(4, 9)):
        voice = voices[rng.integers(len(voices))]
        if len(voice):
            said = np.take(voice, rng.integers(len(voice)) + np.arange(length), mode="wrap")
            sum_ += said * (10 ** (rng.uniform(-6, 0) / 20) / (np.std(said) + 1e-4))
    return _unit(sum_)


def _music(length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return chords of plucked strings: three notes with six harmonics each, anew two to four times a second."""
    out = np.zeros(length)
    at = 0
    while at < length:
        t = np.arange(min(int(rng.uniform(0.25, 0.5) * SPEECH_RATE), length - at)) / SPEECH_RATE
        notes = 110 * 2 ** (rng.integers(0, 36, 3) / 12)
        for number in range(1, 7):
            phases = 2 * np.pi * (number * notes[:, None] * t + rng.random((3, 1)))
            out[at : at + len(t)] += (np.sin(phases).sum(0) * np.exp(-number * 2 * t)) / number
        at += len(t)
    return _unit(out)


def _unit(noise: NDArray[np.float64]) -> NDArray[np.float32]:
    return (noise / (np.std(noise) + 1e-9)).astype(np.float32)
