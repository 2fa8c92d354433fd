"""From conditions to two moving bodies: windows in any number, each outpainted from the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import torch

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import BodyConditions
from duologue.body.config import CONDITIONS
from duologue.body.control import Control
from duologue.body.sampling import BodyWindow, Past, Settings, TakeSampler
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.pipeline import Pipeline, StoppedError
from duologue.diffusion.samplers import DpmSolver2M, Sampler
from duologue.diffusion.schedule import CosineSchedule
from duologue.diffusion.windows import spans
from duologue.labels import check
from duologue.motion.skeleton import Skeleton

STEPS: Final = 10
"""Of the diffusion where nobody asks for another number and no student is there."""
FIRST_WINDOW: Final = 60
"""Frames of a take's first window, so that something is there soon."""


class BodyPipeline(Pipeline[BodyConditions, BodyWindow]):
    """A body checkpoint, ready to perform: ``load`` one, then ``stream`` as many takes as wanted."""

    def __init__(
        self, model: BodyModel, skeleton: Skeleton, device: str = "cpu", sampler: Sampler | None = None
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.skeleton = skeleton
        self.sampler = sampler or DpmSolver2M(CosineSchedule(model.config.prediction, model.config.shift))

    @classmethod
    def load(cls, checkpoint: str | Path | Checkpoint = "body", device: str = "cpu") -> BodyPipeline:
        """Load a checkpoint by name or folder.

        Raises:
            DuologueError: what ``open_checkpoint`` and ``BodyModel.load`` raise.
        """
        skeleton = Skeleton.builtin("duologue60")
        return cls(BodyModel.load(open_checkpoint(checkpoint), skeleton, device), skeleton, device)

    def stream(  # noqa: PLR0917
        self,
        conditions: BodyConditions,
        seed: int,
        steps: int = 0,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        control: Control | None = None,
    ) -> Iterator[BodyWindow]:
        """Yield consecutive windows from frame 0 to the last, without overlap; end early once ``should_stop`` says so.

        ``steps``: of the diffusion; 0 is as the checkpoint does best: its student's where it has one, else ``STEPS``. For as many
        as the student's or fewer it is the student who performs, in its own number of them, unless the strengths are others than
        it was taught under.

        ``strengths``: classifier-free guidance for any of ``config.CONDITIONS``; 1 is plain, and one not given is the
        checkpoint's own choice. Each that is not 1 makes every step a network call wider. The same arguments on the same device
        give the same windows bit for bit. Memory does not grow with the length of the take. ``control``: what to hold.

        Raises:
            DuologueError: INVALID_ARGUMENT ``unknown-label`` for a role, emotion, action or strength, and ``style-unknown``
                for a style, that the checkpoint does not know; ``conditions-shape`` for features of another width.
        """
        for name in strengths or {}:
            check(name, CONDITIONS, field="strengths")
        generator = torch.Generator().manual_seed(seed)
        strengths = {**self.model.strengths, **(strengths or {})}
        settings = Settings(steps or STEPS, strengths, generator, should_stop)
        student = self.model.student
        if student is not None and not student.config.answers(steps, strengths):
            student = None
        take = TakeSampler(self.model, self.skeleton, conditions, control or Control(), self.sampler, settings, student)
        past = Past.begin(self.model, conditions.starts)
        config = self.model.config
        for span in spans(conditions.frames, config.window, config.overlap, max(FIRST_WINDOW, 2 * config.overlap)):
            try:
                with torch.inference_mode():
                    window, past = take.window(span.start, span.stop, past)
            except StoppedError:
                return
            yield window
