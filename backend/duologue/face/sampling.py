"""One window of two faces: the denoiser from noise to weights, under the take's conditions and guidance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from duologue.diffusion.crossfade import FrameNoise
from duologue.diffusion.guidance import Strength, combine, variants
from duologue.diffusion.pipeline import StoppedError
from duologue.diffusion.samplers import Sampler
from duologue.errors import invalid
from duologue.face.checkpoint import FaceModel
from duologue.face.conditions import EncodedConditions, FaceConditions
from duologue.face.config import CONDITIONS, GUIDANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FaceWindow:
    """Frames [start, start + n) of both faces: ``weights`` (2, n, 52) float32 in [0, 1], columns ``arkit.NAMES``."""

    start: int
    weights: NDArray[np.float32]
    raw: NDArray[np.float32] | None = None
    """The same before they were cut to [0, 1], where an expression asks for it."""


@dataclass(frozen=True)
class Settings:
    """How every window of a take is sampled.

    Raises:
        DuologueError: INVALID_ARGUMENT ``steps``, or ``strength`` for one that is not finite.
    """

    seed: int
    steps: int
    """Network calls a window; 1 to 50."""
    strengths: Mapping[str, float]
    """Guidance by condition; 1 or absent is as ``config.GUIDANCE`` says. Those of other models' conditions are passed over."""
    should_stop: Callable[[], bool]

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 50:
            raise invalid("steps", f"{self.steps} steps; choose 1 to 50 (8 is plenty).", field="steps")
        for name, value in self.strengths.items():
            if not np.isfinite(value):
                raise invalid("strength", f"the strength of {name} is {value}.", field=f"strengths.{name}")

    @property
    def guidance(self) -> dict[str, float]:
        """Strengths as the denoiser takes them: where a brief says 1, what the face does best at."""
        strengths = {name: value for name, value in self.strengths.items() if name in CONDITIONS}
        return {name: strengths.get(name, 1.0) * GUIDANCE.get(name, 1.0) for name in strengths | GUIDANCE}


class TakeSampler:
    """One take being sampled, window by window, in the order of time."""

    def __init__(self, model: FaceModel, conditions: FaceConditions, sampler: Sampler, settings: Settings) -> None:
        self.model, self.sampler, self.settings = model, sampler, settings
        self.device = model.device
        self.conditions = EncodedConditions.encode(conditions, model.config, model.encoder, self.device)
        self.emotion_strength = conditions.emotion_strength
        self.noise = FrameNoise(settings.seed, len(model.config.shapes))

    @torch.inference_mode()
    def window(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the model's own weights (2, stop - start, 52), neither clamped nor with the layer on top.

        Raises:
            StoppedError: when the caller wants no more.
        """
        strengths = self._strengths(start, stop)
        dropped = variants(strengths)
        denoiser = self.model.denoiser
        prepared = denoiser.prepare(self.conditions.window(start, stop, dropped))

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            copies = x.repeat(len(dropped), 1, 1)
            estimates = denoiser(copies, t.repeat(len(dropped)), prepared)
            return combine(estimates.unflatten(0, (len(dropped), -1)), strengths)

        sample = self.noise.frames(start, stop).to(self.device)
        for step in self.sampler.iterate(denoise, sample, self.settings.steps):
            if self.settings.should_stop():
                raise StoppedError
            sample = step
        return (sample * self.model.std + self.model.mean).cpu().numpy()

    def _strengths(self, start: int, stop: int) -> Mapping[str, Strength]:
        """Return the strengths of a window: the emotion's by frame where the conditions say so."""
        guidance = self.settings.guidance
        if self.emotion_strength is None:
            return guidance
        by_frame = torch.as_tensor(self.emotion_strength[:, start:stop, None], device=self.device)
        return {**guidance, "emotion": by_frame * guidance.get("emotion", 1.0)}
