"""The networks of a body checkpoint, two in a hierarchy or one without: building them, saving them, loading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from torch import nn

from duologue.body.config import BodyConfig
from duologue.body.network import ConditionEncoder, Denoiser
from duologue.body.student import NETWORKS, Student, StudentConfig
from duologue.checkpoints.config import fill, read_config
from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.features.statistics import PoseStatistics, Scaler
from duologue.motion.skeleton import Skeleton

MODEL: Final = "body"
"""What ``config["model"]`` of a body checkpoint says."""

FORMAT: Final = 3
"""Of a body checkpoint's config; another number is refused. Until 2 motion was standardised over all actions together, and feet
had no contacts."""


class BodyModel(nn.Module):
    """The lower-body and the upper-body network, each with its condition encoder, and the statistics of their channels.

    A flat one (``config.hierarchical`` is False) has its only network as ``lower`` and None as ``upper``.
    """

    def __init__(
        self,
        config: BodyConfig,
        statistics: PoseStatistics,
        mel: Scaler,
        strengths: Mapping[str, float] | None = None,
        gains: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.gains = dict(gains or {})
        """By how much a sampler leans out, by part of the body (``body.rescaling``)."""
        self.strengths = dict(strengths or {})
        """Guidance that this checkpoint works best with, where a brief asks for none."""
        statistics = replace(statistics, flat=not config.hierarchical)
        lower, upper = len(statistics.lower), len(statistics.upper)
        self.config, self.statistics, self.mel = config, statistics, mel
        self.lower_conditions = ConditionEncoder(config, prominence=config.prominence and not upper)
        # How a body moves over the floor can be given apart from its pose, and the other way round.
        steps = len(statistics.steps)
        self.lower = Denoiser(config, (steps, lower - steps))
        self.upper_conditions = (
            ConditionEncoder(config, lower_channels=len(statistics.given), prominence=config.prominence)
            if upper
            else None
        )
        self.upper = Denoiser(config, (upper,)) if upper else None
        self.student: Student | None = None
        """Who makes the same in a few steps, where somebody was taught to."""

    def begin_with(self, checkpoint: Checkpoint) -> None:
        """Take over a body checkpoint's tensors, of whatever version, wherever name and shape are the same."""
        own = self.state_dict()
        tensors = checkpoint.require(MODEL).tensors()
        for name, value in list(tensors.items()):
            # Linear filters from before there were modes are every mode's.
            if name in own and value.ndim == 2 and own[name].ndim == 3 and own[name].shape[::2] == value.shape:
                tensors[name] = value[:, None].expand_as(own[name])
        fitting = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
        self.load_state_dict(own | fitting)

    def save(self, folder: Path, name: str, training: Mapping[str, Any]) -> Checkpoint:
        """Write a checkpoint folder (16-bit tensors); ``training`` says how the model was made."""
        config = {
            "model": MODEL,
            "format": FORMAT,
            "skeleton": "duologue60",
            "network": asdict(self.config),
            "strengths": self.strengths,
            "gains": self.gains,
            "training": dict(training),
            **({} if self.student is None else {"student": self.student.to_json()}),
            "mel": self.mel.to_json(),
            "statistics": self.statistics.to_json(),
        }
        return write_checkpoint(folder, name, config, self.state_dict())

    @classmethod
    def load(cls, checkpoint: Checkpoint, skeleton: Skeleton, device: str = "cpu") -> BodyModel:
        """Build the networks that a checkpoint describes and fill them.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` or ``checkpoint-skeleton``, naming what does not fit.
        """
        config = checkpoint.require(MODEL).config
        if config.get("format") != FORMAT:
            raise checkpoint.foreign(
                f"its format is {config.get('format')!r} and this version reads {FORMAT}; train it again or use the version that "
                "wrote it"
            )
        network = read_config(checkpoint, BodyConfig)
        statistics = PoseStatistics.from_json(checkpoint.part("statistics"), skeleton)
        if len(statistics.mode_mean) != len(network.actions):
            raise checkpoint.foreign(
                f"it knows {len(network.actions)} actions and its poses are scaled for {len(statistics.mode_mean)}"
            )
        model = cls(
            network,
            statistics,
            Scaler.from_json(checkpoint.part("mel")),
            config.get("strengths"),
            config.get("gains"),
        )
        if "student" in config:
            model.student = _read_student(checkpoint, model)
        fill(model, checkpoint.tensors(device), checkpoint)
        return model.to(device)


def _read_student(checkpoint: Checkpoint, model: BodyModel) -> Student:
    """Build the student that a checkpoint describes, its tensors still its teacher's."""
    about = checkpoint.config["student"]
    names = about.get("networks") if isinstance(about, dict) else None
    if not isinstance(names, list) or not all(name in NETWORKS and getattr(model, name) is not None for name in names):
        raise checkpoint.foreign(f"its student has the networks {names!r}")
    settings = read_config(replace(checkpoint, config=about), StudentConfig, "settings")
    student = Student(settings, model, names)
    student.training_notes = about.get("training", {})
    return student
