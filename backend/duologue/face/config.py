"""Sizes and settings of the face model: ``paper`` as published, ``starter`` as shipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from duologue.arkit import NAMES
from duologue.errors import invalid
from duologue.labels import EMOTIONS

CONDITIONS: Final = ("speech", "emotion", "style")
"""What guidance can strengthen or weaken; each was dropped now and then in training."""

GUIDANCE: Final = {"speech": 1.4}
"""What a strength of 1 stands for. Plain sampling averages what the speech leaves open, so the jaw opens too little: measured on
held-out speech, aa against iy comes to 2.0 at 1.0 and to 3.0 at 1.4, with no larger error."""


@dataclass(frozen=True)
class FaceConfig:
    """The denoiser's sizes. Defaults are the starter's."""

    speech_width: int = 256
    """Width of the speech encoder's features, for one performer."""
    latent: int = 224
    feedforward: int = 448
    heads: int = 4
    layers: int = 3
    period: int = 30
    """Frames after which the positional encoding repeats: one second, as in FaceFormer and DiffSpeaker."""
    styles: int = 8
    """How many speakers the style embedding knows; a performer's ``style`` is one of them."""
    dropout: float = 0.0
    shapes: tuple[str, ...] = NAMES
    emotions: tuple[str, ...] = EMOTIONS

    def __post_init__(self) -> None:
        if self.latent % self.heads or self.latent % 2:
            raise invalid("face-config", f"latent {self.latent} must be even and divide by {self.heads} heads.")
        if min(self.period, self.layers, self.styles) < 1:
            raise invalid("face-config", "period, layers and styles must be at least 1.")

    @classmethod
    def starter(cls) -> FaceConfig:
        """Return the sizes of the face that ships."""
        return cls()

    @classmethod
    def tiny(cls) -> FaceConfig:
        """Return sizes that learn nothing worth having, in seconds: to try data and machine out."""
        return cls(speech_width=16, latent=16, feedforward=16, layers=1)

    @classmethod
    def paper(cls) -> FaceConfig:
        """Return the published sizes: 512-d latent, feed-forward 1024, one layer of 4 heads, on wav2vec2-base's 768."""
        return cls(speech_width=768, latent=512, feedforward=1024, heads=4, layers=1, styles=7, dropout=0.1)
