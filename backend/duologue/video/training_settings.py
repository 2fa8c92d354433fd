"""How the video model is trained: which modes, how often what is dropped, and the three stages of the recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from duologue.training.loop import Optimisation
from duologue.video.config import VideoConfig
from duologue.video.losses import VideoLoss


def _optimisation(steps: int, rate: float) -> Optimisation:
    return Optimisation(
        steps=steps,
        learning_rate=rate,
        batch=4,
        warm_up=100,
        betas=(0.9, 0.99),
        average=0.999,
        log_every=20,
        save_every=250,
    )


@dataclass(frozen=True)
class VideoTraining:
    """A stage."""

    network: VideoConfig = field(default_factory=VideoConfig)
    optimisation: Optimisation = field(default_factory=lambda: _optimisation(6500, 1.2e-3))
    loss: VideoLoss = field(default_factory=VideoLoss)
    modes: tuple[tuple[str, float], ...] = (("add", 1.0),)
    """Which of ``streams.MODES``, and their shares of the steps."""
    continued: float = 0.25
    """Share of the steps that make a later part of a clip, given what was before."""
    no_motion: float = 0.4
    """Of those, how many are not told the motion (CoInteract)."""
    no_first: float = 0.05
    """Share of the steps without a first picture."""
    drop_pattern: float = 0.1
    drop_text: float = 0.1
    drop_audio: float = 0.1
    drop_reference: float = 0.05
    drop_masks: float = 0.1
    disturbed: float = 0.1
    """Largest noise on what was before, which a sampler will have made itself: against drift."""
    mirrored: float = 0.5
    """Share of the clips that are mirrored; ``recoloured``: how strongly colours are changed (``augmentation``), 0 not at all."""
    recoloured: float = 0.6
    time: tuple[float, float] = (1.2, 1.2)
    """Mean and deviation of the moments' logits, most of them where a sampler of few steps goes: 1, 0.9, 0.75, 0.5. With (0.3, 1)
    and ``cap`` 0.3 nearly all was learned where the noise hardly hides anything: after 150 steps of a small network one step of
    sampling was 1.08 dB under the carried picture, with these 0.30. ``even``: share of moments that are drawn evenly."""
    even: float = 0.1
    begun: float = 0.4
    """Share of the samples that are where a sampler begins: at the last moment, with noise as strong as ``VideoConfig.noise``."""
    sixteen: bool = True
    """Whether the network computes in bfloat16, where the device has instructions for it (``training.precision``)."""


STAGES: Final = {
    "a": VideoTraining(),
    "b": VideoTraining(optimisation=_optimisation(1200, 8e-4), modes=(("full", 0.8), ("add", 0.2))),
    "c": VideoTraining(
        optimisation=_optimisation(4000, 8e-4),
        modes=(("asym", 0.3), ("render", 0.3), ("add", 0.25), ("stream", 0.05), ("full", 0.1)),
    ),
}
"""A: structure and the carried picture added to the target's tokens, one stream, half the cost a step. B: CoInteract's first
stage, both streams seeing everything, with a fifth of A's so that it isn't forgotten. C: its second stage, and structure as a
condition."""


def stage(name: str, config: VideoConfig, steps: int | None = None) -> VideoTraining:
    """Return a stage of ``STAGES`` for a network of other sizes, or of another number of steps."""
    settings = replace(STAGES[name], network=config)
    if steps is not None:
        warm = min(settings.optimisation.warm_up, max(steps // 10, 1))
        settings = replace(settings, optimisation=replace(settings.optimisation, steps=steps, warm_up=warm))
    return settings
