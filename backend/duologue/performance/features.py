"""What the networks hear and read of both performers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.speech.features import SpeechFeatures
from duologue.speech.lip_phones import LipPhones

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PairFeatures:
    """``SpeechFeatures`` of A and of B in T frames, stacked."""

    mel: Floats
    """(2, T, 27)"""
    text: Floats
    """(2, T, 384)"""
    activity: Floats
    """(2, T): 1 where the performer speaks, else 0."""
    samples_16k: Floats
    """(2, N)"""
    phones: tuple[LipPhones, ...]

    @classmethod
    def stack(cls, features: Sequence[SpeechFeatures]) -> PairFeatures:
        """Lay both performers' features beside each other."""
        return cls(
            mel=np.stack([one.mel for one in features]),
            text=np.stack([one.text for one in features]),
            activity=np.stack([one.activity for one in features]).astype(np.float32),
            samples_16k=np.stack([one.sound.samples for one in features]),
            phones=tuple(one.phones for one in features),
        )

    @property
    def frames(self) -> int:
        """T."""
        return self.mel.shape[1]
