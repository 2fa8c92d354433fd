"""What the networks hear and read of both performers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.body.conditions import WordFrames
from duologue.speech.features import SpeechFeatures
from duologue.speech.hearing import Hearing
from duologue.speech.lip_phones import LipPhones
from duologue.speech.prominence import ProminenceTrack

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PairFeatures:
    """``SpeechFeatures`` of A and of B in T frames, stacked."""

    mel: Floats
    """(2, T, 27)"""
    text: Floats | WordFrames
    """(2, T, 384), or what is heard of it as it is asked for."""
    prominence: WordFrames
    """(2, T) of the words, found as it is asked for."""
    activity: Floats
    """(2, T): 1 where the performer speaks, else 0."""
    samples_16k: Floats
    """(2, N)"""
    phones: tuple[LipPhones, ...]

    @classmethod
    def stack(
        cls, features: Sequence[SpeechFeatures], hearings: Sequence[Hearing | None] = (None, None)
    ) -> PairFeatures:
        """Lay both performers' features beside each other; ``hearings`` of those whose words are recognised."""

        def heard(start: int, stop: int) -> Floats:
            rows = zip(features, hearings, strict=True)
            return np.stack([ear.vectors(start, stop) if ear else one.text[start:stop] for one, ear in rows])

        tracks = [
            ear.prominence if ear else ProminenceTrack(one.sound.samples, one.words).frames
            for one, ear in zip(features, hearings, strict=True)
        ]
        return cls(
            mel=np.stack([one.mel for one in features]),
            text=heard if any(hearings) else np.stack([one.text for one in features]),
            prominence=lambda start, stop: np.stack([track(start, stop) for track in tracks]),
            activity=np.stack([one.activity for one in features]).astype(np.float32),
            samples_16k=np.stack([one.sound.samples for one in features]),
            phones=tuple(ear.phones if ear else one.phones for one, ear in zip(features, hearings, strict=True)),
        )

    def text_of(self, span: slice) -> Floats | WordFrames:
        """Return the text of a stretch of frames, counted from its first."""
        return from_first(self.text, span.start) if callable(self.text) else self.text[:, span]

    @property
    def frames(self) -> int:
        """T."""
        return self.mel.shape[1]


def from_first(words: WordFrames, first: int) -> WordFrames:
    """Return what is known of the words, with frames counted from ``first``."""
    return lambda start, stop: words(first + start, first + stop)
