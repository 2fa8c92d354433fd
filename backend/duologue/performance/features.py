"""What the networks hear and read of both performers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.body.conditions import TextFrames
from duologue.speech.features import SpeechFeatures
from duologue.speech.hearing import Hearing
from duologue.speech.lip_phones import LipPhones

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PairFeatures:
    """``SpeechFeatures`` of A and of B in T frames, stacked."""

    mel: Floats
    """(2, T, 27)"""
    text: Floats | TextFrames
    """(2, T, 384), or what is heard of it as it is asked for."""
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

        return cls(
            mel=np.stack([one.mel for one in features]),
            text=heard if any(hearings) else np.stack([one.text for one in features]),
            activity=np.stack([one.activity for one in features]).astype(np.float32),
            samples_16k=np.stack([one.sound.samples for one in features]),
            phones=tuple(ear.phones if ear else one.phones for one, ear in zip(features, hearings, strict=True)),
        )

    def text_of(self, span: slice) -> Floats | TextFrames:
        """Return the text of a stretch of frames, counted from its first."""
        text = self.text
        if callable(text):
            return lambda start, stop: text(span.start + start, span.start + stop)
        return text[:, span]

    @property
    def frames(self) -> int:
        """T."""
        return self.mel.shape[1]
