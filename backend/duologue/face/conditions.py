"""What both faces are conditioned on: as a performance gives it, and as the denoiser takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from duologue.errors import DuologueError, invalid
from duologue.face.config import FaceConfig
from duologue.speech.encoder import EncodedSpeech, SpeechEncoder
from duologue.speech.phones import Phone

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FaceConditions:
    """What two performers say and feel, T frames at 30 fps; A comes first everywhere.

    Raises:
        DuologueError: INVALID_ARGUMENT ``face-conditions`` for arrays of other shapes, NaN or infinity.
    """

    samples_16k: NDArray[np.float32]
    """(2, N) speech at 16 kHz."""
    frames: int
    """T."""
    style: NDArray[np.int64]
    """(2,) speaker ids in [0, styles)."""
    emotion: NDArray[np.int64]
    """(2, T) indices into ``labels.EMOTIONS``; -1 where nothing is asked for."""
    facing: Callable[[int, int], NDArray[np.bool_]]
    """``facing(start, stop) -> (2, stop - start)``: who looks towards the partner, asked for window by window."""
    emotion_strength: NDArray[np.float32] | None = None
    """(2, T) how strongly each frame's emotion is followed: 1 as learnt (the default), 0 not at all, 2 twice as much."""
    phones: Sequence[Iterable[Phone]] = ((), ())
    """Each performer's ``phones.ON_LIPS``, where a transcript tells them: for the layer on top (``articulation.SpokenLips``)."""

    def __post_init__(self) -> None:
        by_frame = (2, self.frames)
        if self.samples_16k.shape[0] != 2 or self.emotion.shape != by_frame:
            raise _misshapen(
                f"samples {self.samples_16k.shape} and emotion {self.emotion.shape} are not (2, N) and {by_frame}."
            )
        strength = self.emotion_strength
        if strength is not None and (strength.shape != by_frame or not np.isfinite(strength).all()):
            raise _misshapen(f"emotion_strength {strength.shape} is not {by_frame}, or holds NaN or infinity.")


class Conditions(NamedTuple):
    """What the denoiser is given beside its noised weights: B faces over T frames, each with its partner."""

    own_speech: Tensor
    """(B, T, speech width) encoder features at 30 fps."""
    partner_speech: Tensor
    own_style: Tensor
    """(B,) 0 for "not said", else speaker + 1."""
    partner_style: Tensor
    facing: Tensor
    """(B, T) 1 where the two face each other."""
    emotion: Tensor
    """(B, T) 0 for "not said", else index into ``config.emotions`` + 1."""


@dataclass(frozen=True)
class EncodedConditions:
    """A take's conditions in the denoiser's own terms; windows are cut from them."""

    speech: EncodedSpeech
    style: Tensor
    """(2,) as in ``Conditions``; ``emotion`` (2, T) likewise."""
    emotion: Tensor
    facing: Callable[[int, int], NDArray[np.bool_]]

    @classmethod
    def encode(
        cls, c: FaceConditions, config: FaceConfig, encoder: SpeechEncoder, device: torch.device
    ) -> EncodedConditions:
        """Prepare speech and labels for a checkpoint; speech is encoded as windows ask for it.

        Raises:
            DuologueError: INVALID_ARGUMENT ``style-unknown`` for a style that the checkpoint does not know.
        """
        if not all(0 <= style < config.styles for style in c.style):
            raise invalid(
                "style-unknown",
                f"styles {list(c.style)}; this checkpoint knows 0 to {config.styles - 1}.",
                field="style",
            )
        return cls(
            EncodedSpeech(encoder, c.samples_16k, device),
            torch.as_tensor(np.asarray(c.style), device=device) + 1,
            torch.as_tensor(c.emotion, device=device) + 1,
            c.facing,
        )

    def window(self, start: int, stop: int, dropped: Sequence[frozenset[str]]) -> Conditions:
        """Return frames ``[start, stop)`` of both faces, once for each set of conditions to be dropped: (2 * copies, ...)."""
        facing = np.asarray(self.facing(start, stop), bool)
        towards = torch.as_tensor(facing, device=self.style.device).long()
        speech, emotion = self.speech.frames(start, stop), self.emotion[:, start:stop]

        def without(names: frozenset[str]) -> Conditions:
            said = torch.zeros_like(speech) if "speech" in names else speech
            style = torch.zeros_like(self.style) if "style" in names else self.style
            felt = torch.zeros_like(emotion) if "emotion" in names else emotion
            return Conditions(said, said.flip(0), style, style.flip(0), towards, felt)

        return Conditions(*(torch.cat(copies) for copies in zip(*map(without, dropped), strict=True)))


def _misshapen(message: str) -> DuologueError:
    return invalid("face-conditions", message, field="face")
