"""A network under guidance, as a sampler calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from duologue.body.conditions import Conditions
from duologue.body.config import CONDITIONS
from duologue.body.network import ConditionEncoder, Denoiser
from duologue.body.rescaling import QUIET
from duologue.diffusion.guidance import combine, variants
from duologue.diffusion.schedule import CosineSchedule


@dataclass(frozen=True)
class Task:
    """What one network is to make: B windows of T frames."""

    conditions: Conditions
    flags: Tensor
    """(B, 2, T, groups): what is ``given``."""
    given: Tensor
    """(B, 2, T, channels)"""
    lower: Tensor | None = None
    """(B, 2, T, lower channels): the lower bodies, for the network of the upper ones."""


class GuidedDenoiser:
    """A network under guidance, over a batch of windows whose conditions and given frames stay the same: ``(x, t) -> x0``."""

    def __init__(  # noqa: PLR0917
        self,
        encoder: ConditionEncoder,
        network: Denoiser,
        schedule: CosineSchedule,
        strengths: Mapping[str, float],
        gain: Tensor,
        task: Task,
    ) -> None:
        """``strengths``: of the guidance; ``gain`` (channels,) or (): by how much each leans out (``body.rescaling``)."""
        c, flags, given = task.conditions, task.flags, task.given
        self.network, self.schedule, self.strengths, self.gain = network, schedule, strengths, gain
        self._dropped = variants(strengths)
        copies = len(self._dropped)
        self._given, self._held = given, network.spread(flags)
        self._flags, self._modes = flags.repeat(copies, 1, 1, 1), c.modes.repeat(copies, 1, 1, 1)
        self._projected = self._project(encoder, c, task.lower)
        self.estimate = given
        """The last estimate, where frames are given as well."""

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """``x`` (B, 2, T, channels), ``t`` (B,), the same moment for all."""
        copies, batch = len(self._dropped), len(x)
        x = torch.where(self._held, self._given, x)
        x, times = x.repeat(copies, 1, 1, 1), t.repeat(copies)
        out = self.network(x, self._flags, times, self._projected, self._modes)
        estimates = self.schedule.to_x0(out, x, times).unflatten(0, (copies, batch))
        self.estimate = combine(estimates, self.strengths)
        if float(t[0]) > QUIET:
            self.estimate = self.estimate * self.gain
        return self.estimate

    def _project(self, encoder: ConditionEncoder, c: Conditions, lower: Tensor | None) -> list[Tensor]:
        """Return what the conditions add to each layer, in as many copies as conditions are dropped from in turn."""
        copies, batch = len(self._dropped), len(c.mel)
        keep = {
            name: torch.tensor(
                [[float(name not in names)] for names in self._dropped for _ in range(batch)], device=c.mel.device
            )
            for name in CONDITIONS
        }
        lower = None if lower is None else lower.repeat(copies, 1, 1, 1)
        return self.network.project_conditions(encoder(c.repeat(copies), keep, lower))
