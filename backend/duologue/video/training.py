"""Training the video model: one trainer for all stages, by the loop that trains every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.flow import FlowSchedule
from duologue.training.loop import Losses, recipe_of, train
from duologue.training.parallel import own_device
from duologue.training.precision import bfloat16
from duologue.video.augmentation import drawn_colours, mirrored, recoloured
from duologue.video.checkpoint import VideoModel
from duologue.video.conditions import Conditions
from duologue.video.losses import Truth
from duologue.video.network import VideoDenoiser
from duologue.video.scene import references_of
from duologue.video.streams import MODES
from duologue.video.training_data import Latents
from duologue.video.training_settings import VideoTraining

Judge = Callable[[VideoModel], Mapping[str, float]]
"""Figures of a model in training, for its log."""


@dataclass(frozen=True)
class Batch:
    """What a step learns from, everything random about it drawn."""

    mode: str
    conditions: Conditions
    truth: Truth
    t: Tensor
    """(B,)"""
    noise: Tensor
    """(B, 2C, L, h, w): of the picture, then of structure."""


class VideoTrainer:
    """A model's denoiser, trained in place, and the clips that it learns from."""

    def __init__(self, model: VideoModel, clips: Latents, settings: VideoTraining) -> None:
        self.model, self.clips, self.settings = model, clips, settings
        self.device = model.picture.mean.device
        self._schedule = FlowSchedule()

    @property
    def module(self) -> VideoDenoiser:
        """The denoiser."""
        return self.model.denoiser

    @property
    def clipped(self) -> tuple[VideoDenoiser]:
        """All of it."""
        return (self.module,)

    def batch(self, rng: np.random.Generator, step: int) -> Batch:
        """Draw clips, a mode, where in the clips the window begins, what is dropped, moments and noise."""
        s = self.settings
        names, shares = zip(*s.modes, strict=True)
        mode = str(rng.choice(names, p=np.array(shares) / sum(shares)))
        which = rng.integers(len(self.clips), size=s.optimisation.batch)
        rows = {name: value.to(self.device) for name, value in self.clips.rows(which).items()}
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self._augmented(rows, generator)
        latents = rows["picture"].shape[2]
        start = int(rng.integers(1, max(latents - 1, 2))) if rng.random() < s.continued and latents > 2 else 0
        stop = min(latents, start + s.network.window)
        masks = rows["masks"].unflatten(1, (latents, -1))[:, start:stop].flatten(1, 2)
        cut = {name: rows[name][:, :, start:stop] for name in ("picture", "structure", "carried", "hole")}
        conditions = self._conditions(rows, {**cut, "masks": masks}, start, rng, generator)
        known = self.model.picture.keeps_detail and MODES[mode].scene and conditions.carried is not None
        truth = Truth(
            cut["picture"],
            cut["structure"] if MODES[mode].joint else None,
            masks,
            cut["hole"] if known else torch.ones_like(cut["hole"]),
            0 if conditions.known is None else 1,
        )
        batch = len(which)
        t = torch.randn(batch, generator=generator) * s.time[1] + s.time[0]
        evenly = torch.rand(batch, generator=generator)
        t = torch.where(torch.rand(batch, generator=generator) < s.even, evenly, t.sigmoid())
        shape = cut["picture"].shape
        noise = torch.randn(batch, 2 * shape[1], *shape[2:], generator=generator)
        begun = torch.rand(batch, generator=generator) < s.begun
        t = t.masked_fill(begun, 1.0)
        noise *= torch.where(begun, s.network.noise, 1.0).reshape(-1, 1, 1, 1, 1)
        return Batch(mode, conditions, truth, t.to(self.device), noise.to(self.device))

    def losses(self, batch: Batch) -> Losses:
        """Return the weighted terms, and the picture's by mode as a figure."""
        network, truth, t = self.model.denoiser, batch.truth, batch.t
        picture, structure = batch.noise.chunk(2, dim=1)
        with bfloat16(self.device, wanted=self.settings.sixteen):
            prepared = network.prepare(batch.conditions, batch.mode, truth.x0.shape)
            x = self._schedule.add_noise(truth.x0, picture, t)
            other = None if truth.structure is None else self._schedule.add_noise(truth.structure, structure, t)
            output = network(x, t, prepared, other)
        terms = self.settings.loss.terms(network, self.model.picture, output, replace(truth, base=prepared.base), t)
        return Losses(terms, {f"picture in {batch.mode}": terms["picture"].item()})

    def _augmented(self, rows: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return some of the clips mirrored, and some in other colours."""
        s, bases = self.settings, {"picture": self.model.picture, "structure": self.model.structure}
        batch = len(rows["crops"])
        if s.mirrored:
            rows = mirrored(bases, rows, (torch.rand(batch, generator=generator) < s.mirrored).to(self.device))
        if s.recoloured:
            matrices, offsets = drawn_colours(batch, s.recoloured, generator)
            rows = recoloured(self.model.picture, rows, matrices.to(self.device), offsets.to(self.device))
        return rows

    def _conditions(
        self,
        rows: Mapping[str, Tensor],
        cut: Mapping[str, Tensor],
        start: int,
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> Conditions:
        """Return what the network is told, some of it dropped."""
        s, crops = self.settings, rows["crops"]
        batch = len(crops)

        def kept(dropped: float) -> Tensor:
            return (torch.rand(batch, generator=generator) >= dropped).float().to(self.device)

        disturbance = s.disturbed * torch.rand(batch, 1, 1, 1, 1, generator=generator).to(self.device)

        def disturb(latents: Tensor) -> Tensor:
            return latents + disturbance * torch.randn(latents.shape, generator=generator).to(self.device)

        told = Conditions(
            pattern=rows["pattern"],
            structure=cut["structure"],
            masks=cut["masks"],
            given=kept(s.drop_masks),
            references=references_of(self.model, crops),
            shown=rows["seen"][:, :, 0],
            crops=crops,
            seen=rows["seen"],
            text=rows.get("text"),
            audio=None if "audio" not in rows else rows["audio"][:, start : start + cut["picture"].shape[2]],
        )
        for name in ("pattern", "text", "audio", "reference"):
            told = told.without({name}, kept(getattr(s, f"drop_{name}")) == 0)
        if start:
            known = disturb(cut["picture"][:, :, :1])
            told = replace(told, known=known, held=self.model.picture.held(known))
            if rng.random() >= s.no_motion:
                told = replace(told, motion=disturb(rows["picture"][:, :, max(0, start - s.network.motion) : start]))
        elif rng.random() >= s.no_first:
            first = cut["picture"][:, :, :1]
            told = replace(told, known=first, held=first)
        else:
            return told
        return replace(told, carried=cut["carried"], hole=cut["hole"])


def train_stage(  # noqa: PLR0913 - options by name
    model: VideoModel,
    clips: Latents,
    out: Path,
    settings: VideoTraining,
    *,
    judge: Judge | None = None,
    device: str = "cpu",
    report: Callable[[Mapping[str, Any]], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train a model on clips encoded by its own bases; write ``out/checkpoint`` with the moving average at every save.

    The same call resumes from what ``out`` holds; one that is done only reads its checkpoint.

    Raises:
        DuologueError: what ``training.loop.train`` raises.
    """
    trainer = VideoTrainer(model.to(own_device(device)), clips, settings)

    def whole(denoiser: VideoDenoiser) -> VideoModel:
        stored = VideoModel(model.config)
        stored.picture, stored.structure, stored.denoiser = model.picture, model.structure, denoiser
        return stored.eval()

    def save(denoiser: VideoDenoiser, step: int) -> None:
        whole(denoiser).save(out / "checkpoint", "video", {**asdict(settings), "step": step, "clips": len(clips)})

    judged = (lambda denoiser: judge(whole(denoiser))) if judge else None
    train(
        trainer,
        settings.optimisation,
        out,
        recipe=recipe_of(settings),
        judge=judged,
        saved=save,
        report=report,
        should_stop=should_stop,
    )
    return open_checkpoint(out / "checkpoint")
