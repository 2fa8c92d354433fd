"""The networks of a body checkpoint, two in a hierarchy or one without: building them, saving them, loading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from duologue.body.conditions import ConditionEncoder
from duologue.body.config import BodyConfig
from duologue.body.network import Denoiser
from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.errors import DuologueError
from duologue.features.pose import STEP_COLUMNS, PoseStatistics
from duologue.motion.skeleton import Skeleton

FORMAT: Final = 2
"""Of a body checkpoint's config; another number is refused."""


@dataclass(frozen=True)
class MelStatistics:
    """Mean and standard deviation (27,) of the log mel bands over the training set."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def standardise(self, mel: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., 27) to zero mean and unit deviation."""
        return ((mel - self.mean) / self.std).astype(np.float32)


class BodyModel(nn.Module):
    """The lower-body and the upper-body network, each with its condition encoder, and the statistics of their channels.

    A flat one (``config.hierarchical`` is False) has its only network as ``lower`` and None as ``upper``.
    """

    def __init__(
        self,
        config: BodyConfig,
        statistics: PoseStatistics,
        mel: MelStatistics,
        strengths: Mapping[str, float] | None = None,
        gains: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.gains = dict(gains or {})
        """By how much a sampler leans out, by part of the body (``body.gains``)."""
        self.strengths = dict(strengths or {})
        """Guidance that this checkpoint works best with, where a brief asks for none."""
        statistics = replace(statistics, flat=not config.hierarchical)
        lower, upper = len(statistics.lower), len(statistics.upper)
        self.config, self.statistics, self.mel = config, statistics, mel
        self.lower_conditions = ConditionEncoder(config)
        # The root's steps can be given apart from the pose, and the other way round.
        steps = sum(statistics.names[column] in STEP_COLUMNS for column in statistics.lower)
        self.lower = Denoiser(config, (steps, lower - steps))
        self.upper_conditions = ConditionEncoder(config, lower_channels=lower) if upper else None
        self.upper = Denoiser(config, (upper,)) if upper else None

    def save(self, folder: Path, name: str, training: Mapping[str, Any]) -> Checkpoint:
        """Write a checkpoint folder (16-bit tensors); ``training`` says how the model was made."""
        mel = {"mean": [float(x) for x in self.mel.mean], "std": [float(x) for x in self.mel.std]}
        config = {
            "model": "body",
            "format": FORMAT,
            "skeleton": "duologue60",
            "network": self.config.to_json(),
            "strengths": self.strengths,
            "gains": self.gains,
            "training": dict(training),
            "mel": mel,
            "statistics": self.statistics.to_json(),
        }
        return write_checkpoint(folder, name, config, self.state_dict())

    @classmethod
    def load(cls, checkpoint: Checkpoint, skeleton: Skeleton, device: str = "cpu") -> BodyModel:
        """Build the networks that a checkpoint describes and fill them.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign``, ``checkpoint-config``, ``checkpoint-skeleton`` or
                ``checkpoint-tensors``, naming what does not fit.
        """
        config = checkpoint.require("body").config
        if config.get("format") != FORMAT or not {"network", "statistics", "mel"} <= config.keys():
            raise DuologueError(
                "FAILED_PRECONDITION",
                "checkpoint-config",
                f"{checkpoint.folder} is body checkpoint format {config.get('format')!r}, this version reads {FORMAT}; "
                "train it again or use the version that wrote it.",
            )
        statistics = PoseStatistics.from_json(config["statistics"], skeleton)
        mel = MelStatistics(*(np.array(config["mel"][key], np.float32) for key in ("mean", "std")))
        model = cls(
            BodyConfig.from_json(config["network"]), statistics, mel, config.get("strengths"), config.get("gains")
        )
        try:
            model.load_state_dict(checkpoint.tensors(device))
        except RuntimeError as error:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "checkpoint-tensors",
                f"{checkpoint.folder} does not hold the networks that its config describes: {error}",
            ) from error
        return model.to(device)
