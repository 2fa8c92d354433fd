"""The student of a body checkpoint: what its teacher makes in many steps under guidance, made in a few, one network call each.

A student's networks are its teacher's in shape. Guidance is inside them (Meng et al. 2023, arXiv 2210.03142), so they answer to
one choice of strengths, those they were distilled under; any other is the teacher's to sample. ``distillation`` trains them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from duologue.diffusion.guidance import active
from duologue.diffusion.samplers import Ddim, Sampler
from duologue.diffusion.schedule import CosineSchedule, Prediction

if TYPE_CHECKING:
    from duologue.body.network import ConditionEncoder, Denoiser

NETWORKS: Final = ("lower", "upper")


@dataclass(frozen=True)
class StudentConfig:
    """How a student works.

    Raises:
        ValueError: fewer steps than one.
    """

    steps: int = 4
    """Network calls a window, for each of its networks."""
    shift: float = 2.0
    """Where they lie (``diffusion.schedule``)."""
    strengths: Mapping[str, float] = field(default_factory=dict[str, float])
    """The guidance it was distilled under, by condition; 1 for those not named."""
    gains: Mapping[str, float] = field(default_factory=dict[str, float])
    """By how much its sampler leans out (``body.rescaling``), beside what it has of its teacher."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"{self.steps} steps make nothing of noise")

    def answers(self, steps: int, strengths: Mapping[str, float]) -> bool:
        """Whether it is asked: for its own ``steps`` or fewer (0: as is best), under the guidance that it knows."""
        return steps <= self.steps and active(strengths) == active(self.strengths)

    def sampler(self, prediction: Prediction) -> Sampler:
        """Return the sampler that it was distilled for: DDIM, so that each step depends on one network call alone."""
        return Ddim(CosineSchedule(prediction, self.shift))


class Student(nn.Module):
    """The networks of a student with their condition encoders: ``lower``, ``upper`` or both; a missing one is None and its
    teacher's makes that part of the body."""

    def __init__(self, config: StudentConfig, teacher: nn.Module, networks: Iterable[str] = NETWORKS) -> None:
        """Begin as a copy of a ``BodyModel``'s ``networks``, as far as it has them."""
        super().__init__()
        self.config = config
        self.training_notes: dict[str, Any] = {}
        """How it was distilled, network by network, for the checkpoint's config."""
        self.lower: Denoiser | None = None
        self.upper: Denoiser | None = None
        self.lower_conditions: ConditionEncoder | None = None
        self.upper_conditions: ConditionEncoder | None = None
        for name in networks:
            for part in (name, f"{name}_conditions"):
                setattr(self, part, copy.deepcopy(getattr(teacher, part)))
        self.requires_grad_(True)

    @property
    def networks(self) -> tuple[str, ...]:
        """Which it has."""
        return tuple(name for name in NETWORKS if getattr(self, name) is not None)

    def parts(self, name: str) -> tuple[ConditionEncoder, Denoiser] | None:
        """Return a network with its encoder; None where it has none of that name."""
        encoder, network = getattr(self, f"{name}_conditions"), getattr(self, name)
        return None if network is None else (encoder, network)

    def to_json(self) -> dict[str, Any]:
        """Return what a checkpoint's config says of it."""
        return {"networks": list(self.networks), "settings": asdict(self.config), "training": self.training_notes}
