"""How much a speaker leans on each word: what strokes of gestures fall on.

The network is "emphases" (Morrison, Pawar, Pruyne, Cole and Pardo, "Crowdsourced and automatic speech prominence estimation",
ICASSP 2024), trained on LibriTTS by listeners' votes: seven convolutions over log-mel frames, their sum over each word, seven
over words, a sigmoid. Its published weights (package emphases 0.0.2, MIT) as half floats lie beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.files import safetensors
from duologue.speech.mel import filters
from duologue.units import FPS, SPEECH_RATE

Floats = NDArray[np.float32]

WEIGHTS: Final = Path(__file__).with_name("prominence.safetensors")
LAYERS: Final = 6
"""Convolutions behind the first one, of frames, and before the last one, of words."""

_NEIGHBOURS: Final = 7
"""Words on either side of a word that the network looks at."""
_TOGETHER: Final = 16
"""Words that a ``ProminenceTrack`` finds together: about five seconds of them."""
_HOP: Final = 160
_WINDOW: Final = 1024
_BANDS: Final = 80
_BLOCK: Final = 6_000
"""Frames that are heard at once: a minute. At a border three words know less of their neighbours, no more."""


def prominence(samples_16k: Floats, words: Sequence[Word]) -> Floats:
    """Return (words,): how prominent each word is, 0 to 1, in its sentence.

    Args:
        samples_16k: (n,) mono at 16 kHz.
        words: in the order of time.
    """
    scores = np.zeros(len(words), np.float32)
    for first, last in _blocks(words):
        begin = max(0, int(words[first].start * SPEECH_RATE) - _WINDOW)
        heard = samples_16k[begin : int(words[last - 1].end * SPEECH_RATE) + _WINDOW]
        scores[first:last] = _scores(heard, words[first:last], begin / SPEECH_RATE)
    return scores


def prominence_frames(samples_16k: Floats, words: Sequence[Word], frames: int) -> Floats:
    """Return (frames,) at 30 a second: the prominence of the word that is spoken, 0 between words."""
    return _held(words, prominence(samples_16k, words), frames)


class ProminenceTrack:
    """The prominence of a track's words at each frame, found a few words at a time as it is asked for: a take's first window must
    not wait for its last word. What is found does not depend on what was asked for before."""

    def __init__(self, samples_16k: Floats, words: Sequence[Word]) -> None:
        """``samples_16k`` (n,), mono at 16 kHz; ``words`` in the order of time."""
        self._samples, self._words = samples_16k, words
        self._scores: dict[int, Floats] = {}

    def frames(self, start: int, stop: int) -> Floats:
        """Return (stop - start,): the prominence of the word that is spoken at each frame, 0 between words."""
        words = [
            (k, word) for k, word in enumerate(self._words) if word.end * FPS > start - 1 and word.start * FPS < stop
        ]
        scores = np.array([self._score(k) for k, _ in words], np.float32)
        return _held([word for _, word in words], scores, stop)[start:]

    def _score(self, index: int) -> float:
        block, place = divmod(index, _TOGETHER)
        if block not in self._scores:
            first = block * _TOGETHER
            before = min(first, _NEIGHBOURS)
            near = self._words[first - before : first + _TOGETHER + _NEIGHBOURS]
            self._scores[block] = prominence(self._samples, near)[before : before + _TOGETHER]
        return float(self._scores[block][place])


def _held(words: Sequence[Word], scores: Floats, frames: int) -> Floats:
    """Hold each word's score for as long as it is spoken, a frame at least, in ``frames`` frames."""
    held = np.zeros(frames, np.float32)
    for word, score in zip(words, scores, strict=True):
        first = round(word.start * FPS)
        held[first : max(first + 1, round(word.end * FPS))] = score
    return held


def _blocks(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Return the places of runs of words, each as long as is heard at once."""
    bounds = [0]
    for index, word in enumerate(words):
        if (word.end - words[bounds[-1]].start) * SPEECH_RATE / _HOP > _BLOCK:
            bounds.append(index)
    return [(first, last) for first, last in pairwise([*bounds, len(words)]) if last > first]


def _scores(samples: Floats, words: Sequence[Word], offset: float) -> Floats:
    """Run the network; silences between words are words to it, and its answers for them are left out."""
    hidden = _layers(_mel(samples), "frame_encoder")
    spans, spoken = _with_silences(words, offset, len(hidden))
    sums = np.concatenate([np.zeros((1, hidden.shape[1]), np.float32), np.cumsum(hidden, axis=0, dtype=np.float64)])
    embedded = (sums[spans[:, 1]] - sums[spans[:, 0]]).astype(np.float32)
    logits = _convolved(_layers(embedded, "word_decoder"), "output_layer")[:, 0]
    return (1 / (1 + np.exp(-logits)))[spoken]


def _with_silences(words: Sequence[Word], offset: float, frames: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (n, 2) first frames and frames after the last of words and of the silences between them, and which are words."""
    spans: list[tuple[int, int]] = []
    spoken: list[bool] = []
    at = 0
    for word in words:
        first, last = (min(frames, round((time - offset) * SPEECH_RATE / _HOP)) for time in (word.start, word.end))
        if first > at:
            spans.append((at, first))
            spoken.append(False)
        first = max(first, at)
        at = max(last, first)
        spans.append((first, at))
        spoken.append(True)
    return np.array(spans).reshape(-1, 2), np.array(spoken, bool)


def _mel(samples: Floats) -> Floats:
    """Return (frames, 80) log-mel magnitudes, 100 a second."""
    edge = (_WINDOW - _HOP) // 2
    padded = np.pad(samples, edge, mode="reflect") if len(samples) > edge else np.pad(samples, _WINDOW)
    stretches = sliding_window_view(padded, _WINDOW)[::_HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    magnitude = np.sqrt(np.abs(np.fft.rfft(stretches * hann)) ** 2 + 1e-6)
    return np.log(np.maximum(magnitude @ filters(SPEECH_RATE, _WINDOW, _BANDS), 1e-5)).astype(np.float32)


def _layers(values: Floats, name: str) -> Floats:
    """Return (n, 80) behind the convolutions of one half, each with a ReLU behind it but the very first."""
    if name == "frame_encoder":
        values = _convolved(values, "input_layer")
    for layer in range(LAYERS):
        values = np.maximum(_convolved(values, f"{name}.{2 * layer}"), 0)
    return values


def _convolved(values: Floats, name: str) -> Floats:
    """Return (n, out) of values (n, in): a convolution three wide, zeros around it."""
    weights = _weights()
    padded = np.pad(values, ((1, 1), (0, 0)))
    parts = [padded[tap : tap + len(values)] @ width for tap, width in enumerate(weights[f"{name}.weight"])]
    return parts[0] + parts[1] + parts[2] + weights[f"{name}.bias"]


@cache
def _weights() -> dict[str, Floats]:
    """Return biases (out,), and weights as (3, in, out), which a matrix product takes as they lie."""
    arrays, _ = safetensors.load(WEIGHTS)
    floats = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    return {name: np.ascontiguousarray(a.transpose(2, 1, 0)) if a.ndim == 3 else a for name, a in floats.items()}
