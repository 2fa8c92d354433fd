"""How many p, b and m still close when the sound is worse: softer, from a telephone, from a room, in noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr
from scipy import signal

from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.mesh import IctFace
from duologue.evaluation.face.phonetics import closures
from duologue.evaluation.face.systems import System
from duologue.evaluation.intervals import Figure, figure
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

_NARROW: Final = 8000
_T60: Final = 0.4
"""Seconds until the room's echo has lost 60 dB; it holds a quarter of the direct sound's energy."""


def _softer(track: Sound, rng: np.random.Generator) -> Sound:
    del rng
    return track * np.float32(0.1)


def _telephone(track: Sound, rng: np.random.Generator) -> Sound:
    del rng
    narrow = soxr.resample(track, SPEECH_RATE, _NARROW)
    return np.asarray(soxr.resample(narrow, _NARROW, SPEECH_RATE)[: len(track)], np.float32)


def _room(track: Sound, rng: np.random.Generator) -> Sound:
    """Convolve with exponentially decaying noise behind the direct sound (Polack's model)."""
    t = np.arange(int(_T60 * SPEECH_RATE))
    tail = rng.standard_normal(len(t)) * np.exp(-np.log(1000) * t / len(t))
    tail *= 0.5 / np.linalg.norm(tail)
    tail[0] = 1.0
    return signal.fftconvolve(track, tail)[: len(track)].astype(np.float32)


def _noise(decibels: float) -> Callable[[Sound, np.random.Generator], Sound]:
    """Pink noise so many dB under the voice's mean power while there is one."""

    def add(track: Sound, rng: np.random.Generator) -> Sound:
        spectrum = np.fft.rfft(rng.standard_normal(len(track)))
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(len(track), 1 / SPEECH_RATE), 30))
        noise = np.fft.irfft(spectrum, len(track))
        voice = np.sqrt(np.mean(np.square(track[np.abs(track) > 1e-3], dtype=np.float64)))
        return (track + noise * (voice / noise.std() * 10 ** (-decibels / 20))).astype(np.float32)

    return add


DISTURBED: Final[Mapping[str, Callable[[Sound, np.random.Generator], Sound]]] = {
    "as recorded": lambda track, rng: track,
    "20 dB softer": _softer,
    "8 kHz": _telephone,
    "a room": _room,
    "noise 15 dB under the voice": _noise(15),
    "noise 5 dB under the voice": _noise(5),
}


def disturbed(
    system: System, dialogues: Sequence[Dialogue], ict: IctFace, report: Callable[[], None] = lambda: None
) -> dict[str, Figure]:
    """Return the share of p, b and m that close on ICT-FaceKit, by what was done to both tracks; the same noise every time."""
    result: dict[str, Figure] = {}
    for kind, change in DISTURBED.items():
        rows: list[tuple[float, ...]] = []
        for number, dialogue in enumerate(dialogues):
            rng = np.random.default_rng(number)
            heard = replace(dialogue, samples=np.stack([change(track, rng) for track in dialogue.samples]))
            rows.append(closures(ict.gap(system(heard, number)), dialogue)["closure"])
        result[kind] = figure(rows)
        report()
    return result
