"""A video checkpoint: the denoiser and both bases of its latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from duologue.checkpoints.config import fill, read_config
from duologue.checkpoints.store import Checkpoint, write_checkpoint
from duologue.video.config import MODEL, VideoConfig
from duologue.video.latents import BlockLatent
from duologue.video.network import VideoDenoiser

FORMAT = 1


class VideoModel(nn.Module):
    """What a checkpoint holds. ``picture``, ``structure``: the latents of both streams."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        self.picture, self.structure = BlockLatent(config.channels), BlockLatent(config.channels)
        self.denoiser = VideoDenoiser(config)

    @classmethod
    def untrained(cls, config: VideoConfig, seed: int = 0) -> VideoModel:
        """Return a model with random parameters."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config)

    def save(self, folder: Path, name: str, training: Mapping[str, Any]) -> Checkpoint:
        """Write a checkpoint folder (16-bit tensors); ``training`` says how the model was made."""
        config = {"model": MODEL, "format": FORMAT, "network": asdict(self.config), "training": dict(training)}
        return write_checkpoint(folder, name, config, self.state_dict())

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> VideoModel:
        """Build what a checkpoint describes and fill it.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` for another model's, another format's, or one that doesn't
                fit its own config; what ``Checkpoint.tensors`` raises.
        """
        if (written := checkpoint.require(MODEL).config.get("format")) != FORMAT:
            raise checkpoint.foreign(f"its format is {written!r} and this version reads {FORMAT}")
        model = cls(read_config(checkpoint, VideoConfig))
        fill(model, checkpoint.tensors(), checkpoint)
        return model.to(device)
