"""How the body networks are trained, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from duologue.body.config import BodyConfig
from duologue.body.losses import LossWeights
from duologue.training.loop import Optimisation


@dataclass(frozen=True)
class BodyTraining:
    """How to train. The defaults are the shipped ``starter``'s, and its baselines'.

    InterAct: batch 32, Adam 3e-4, 60 epochs of stride-1 windows.
    """

    network: BodyConfig = field(default_factory=lambda: BodyConfig.named("starter"))
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(
            steps=4000,
            learning_rate=1e-3,
            batch=16,
            warm_up=200,
            anneal_from="start",
            betas=(0.9, 0.999),
            average=0.999,
            save_every=250,
        )
    )
    weights: LossWeights = field(default_factory=LossWeights)
    window: int = 100
    past: float = 0.7
    """Share of samples whose first frames are given, as the past of a stream is."""
    pinned: float = 0.15
    """Share of people a few of whose poses are given, in the middle of what is not; as many have a kept stretch at the end."""
    alone: float = 0.1
    """Share of samples in which one of the two is given from first to last, so that only the other is made."""
    changing: float = 0.35
    """Share of windows laid across a change of somebody's action."""
    walking: float = 0.25
    """Share of windows laid where somebody walks."""
    routed: float = 0.5
    """Share of people whose way over the floor is given, for all or a part of the window."""
    lower_noise: float = 0.1
    """Deviation of the noise on the lower body that the upper network is given: at work it gets a sampled one, not a true one."""
    held_out: float = 0.05
    """Share of the corpus's pairs, the last ones, that only measure."""
    half: bool = True
    """bfloat16 in the networks (master weights stay float32): twice as fast where the CPU or GPU has it."""
    strengths: Mapping[str, float] = field(default_factory=lambda: {"action": 1.5, "speech": 1.5})
    """Guidance that the checkpoint performs with where a brief asks for none."""
    gains: Mapping[str, float] = field(default_factory=dict[str, float])
    """By how much the checkpoint's sampler leans out (``body.rescaling``)."""
    start: str = ""
    """A checkpoint, by name or folder, whose tensors the networks begin with wherever they fit; "" begins with none. Another
    version's will do as well. What it was standardised by overall is kept."""
    networks: tuple[str, ...] = ("lower", "upper")
    """Which of the two learn; another stays as it starts."""
