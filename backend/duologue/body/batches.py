"""What a training step of the body learns from: windows of a corpus, and everything random about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import Conditions
from duologue.body.config import CONDITIONS
from duologue.body.losses import BodyLoss, silence
from duologue.body.training_data import draw_held, draw_routed, mode_shares
from duologue.body.training_settings import BodyTraining
from duologue.datasets.corpus.body import KNOWN, Corpus
from duologue.datasets.corpus.drawing import Window, WindowDrawer
from duologue.diffusion.schedule import CosineSchedule
from duologue.features import pose as poses


@dataclass(frozen=True)
class Batch:
    """What a step learns from: B pairs, T frames, everything random about them drawn."""

    features: Tensor
    """(B, 2, T, C), standardised."""
    conditions: Conditions
    silent: Tensor
    """(B, 2, T) how far somebody is silent, ``losses.silence``."""
    held: Tensor
    """(B, 2, T, 2) what is given, as ``draw_held`` draws it."""
    known: Tensor
    """(B, 2, T, 2): 1 where the upper body, and where hips and legs, were measured; nothing is learned of the rest."""
    keep: Mapping[str, Tensor]
    """(B, 2) for each condition: 0 where it is dropped."""
    t: Tensor
    """(B,) moments of the diffusion."""
    noise: tuple[Tensor, Tensor, Tensor]
    """On the lower body, on what the upper network is given of it, on the upper body."""


class BatchDrawer:
    """Draws batches of a corpus, standardised as a model wants them."""

    def __init__(  # noqa: PLR0917
        self,
        corpus: Corpus,
        contacts: np.ndarray,
        settings: BodyTraining,
        model: BodyModel,
        loss: BodyLoss,
        schedule: CosineSchedule,
        device: torch.device,
    ) -> None:
        """``contacts`` (F, 2, 4): which points of the soles bear weight in the corpus."""
        self.corpus, self.settings, self.device = corpus, settings, device
        self._statistics, self._mel = model.statistics, model.mel
        self._loss, self._schedule = loss, schedule
        self._contacts = contacts
        self._modes = mode_shares(corpus, settings.network.actions)

    def draw(self, drawer: WindowDrawer, rng: np.random.Generator, dropped: float | None = None) -> Batch:
        """Draw a batch; each condition is ``dropped`` that often, by default as often as the config says."""
        s, config = self.settings, self.settings.network
        size, frames = s.optimisation.batch, s.window
        windows = drawer.draw(size, rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        features, conditions, measured = self.windows(windows, rng)
        held = torch.from_numpy(
            draw_held(size, frames, config.overlap, rng, past=s.past, pinned=s.pinned, alone=s.alone)
        ).to(self.device)
        dropped = config.condition_dropout if dropped is None else dropped
        keep = {
            name: torch.from_numpy((rng.random((size, 2)) >= dropped).astype(np.float32)).to(self.device)
            for name in CONDITIONS
        }
        conditions.routed.copy_(torch.from_numpy(draw_routed(size, frames, s.routed, rng)))
        # Low noise decides how clean the sample is, high noise what it does; both get every moment alike.
        t = self._schedule.shifted(torch.rand(size, generator=generator)).to(self.device)
        silent = torch.from_numpy(silence(conditions.activity.cpu().numpy())).to(self.device)

        def noise(columns: Tensor) -> Tensor:
            return torch.randn(size, 2, frames, len(columns), generator=generator).to(self.device)

        loss = self._loss
        noises = (noise(loss.lower), noise(loss.given), noise(loss.upper))
        return Batch(features, conditions, silent, held, measured, keep, t, noises)

    def windows(self, windows: list[Window], rng: np.random.Generator) -> tuple[Tensor, Conditions, Tensor]:
        """Return standardised features (B, 2, T, C), the conditions and what of it is known (B, 2, T, 2) of windows of the corpus
        (pair, first frame).

        In half of them A and B change places.
        """
        frames, arrays = self.settings.window, self.corpus.arrays
        swap = rng.random(len(windows)) < 0.5

        def gather(of: str | np.ndarray) -> np.ndarray:
            array = arrays[of] if isinstance(of, str) else of
            cut = np.stack([array[first : first + frames] for _, first in windows])
            cut[swap] = cut[swap][:, :, ::-1]
            return cut.swapaxes(1, 2)

        def tensor(values: np.ndarray, kind: type = np.float32) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=kind)).to(self.device)

        def of_pair(values: np.ndarray) -> Tensor:
            chosen = values[[pair for pair, _ in windows]]
            return tensor(np.where(swap[:, None], chosen[:, ::-1], chosen), np.int64)

        path = gather("path").swapaxes(0, 1)
        conditions = Conditions(
            mel=tensor(self._mel.standardise(gather("mel"))),
            activity=tensor(gather("activity")),
            text=tensor(gather("text")),
            prominence=tensor(gather("prominence")),
            action=tensor(gather("action"), np.int64),
            emotion=tensor(gather("emotion"), np.int64),
            role=of_pair(self.corpus.roles),
            style=of_pair(self.corpus.styles),
            placement=tensor(poses.placement(path).swapaxes(0, 1)),
            route=tensor(poses.route(path.transpose(2, 1, 0, 3)).transpose(1, 2, 0, 3)),
            routed=torch.zeros(len(windows), 2, frames, device=self.device),
            modes=tensor(modes := gather(self._modes)),
        )
        features = np.concatenate([gather("features"), gather(self._contacts)], axis=-1)
        known = tensor(gather(KNOWN)) if KNOWN in arrays else torch.ones(*features.shape[:3], 2, device=self.device)
        return tensor(self._statistics.standardise(features, modes)), conditions, known
