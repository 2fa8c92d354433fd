"""Small networks with nothing at zero, and conditions with something of everything."""

from __future__ import annotations

from dataclasses import replace

import torch
from duologue.video.conditions import Conditions
from duologue.video.config import VideoConfig
from duologue.video.network import VideoDenoiser
from torch import Tensor

TINY = replace(VideoConfig.named("tiny"), channels=4, text_width=6, audio_width=5)
SIZE = (3, 8, 8)
"""Latents in time, height and width."""


def network(config: VideoConfig = TINY, seed: int = 0) -> VideoDenoiser:
    """A network whose parts that begin at 0 are drawn as well."""
    torch.manual_seed(seed)
    made = VideoDenoiser(config)
    with torch.no_grad():
        for parameter in made.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return made.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Unit noise."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def conditions(config: VideoConfig = TINY, *, batch: int = 2, motion: int = 5, thing: bool = True) -> Conditions:
    """Conditions of a window of ``SIZE``, all of them given."""
    count, rows, columns = SIZE
    tokens = count * rows * columns // 4
    masks = torch.rand(batch, tokens, 5, generator=torch.Generator().manual_seed(9))
    masks[:, ::3] = 0
    references = 3 if thing else 2
    return Conditions(
        pattern=torch.arange(batch) % 3,
        known=drawn(batch, config.channels, 1, rows, columns, seed=1),
        held=drawn(batch, config.channels, 1, rows, columns, seed=2),
        carried=drawn(batch, config.channels, *SIZE, seed=3),
        hole=torch.rand(batch, 16, *SIZE, generator=torch.Generator().manual_seed(4)),
        structure=drawn(batch, config.channels, *SIZE, seed=5),
        masks=masks,
        motion=drawn(batch, config.channels, motion, rows, columns, seed=6) if motion else None,
        references=drawn(batch, references, config.channels, 1, 4, 4, seed=7),
        shown=torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])[:batch, :references],
        crops=torch.rand(batch, 2, 2, 64, 64, 3, generator=torch.Generator().manual_seed(8)),
        seen=torch.tensor([[[1.0, 0.0], [1.0, 1.0]]]).repeat(batch, 1, 1),
        text=drawn(batch, 3, config.text_width, seed=10) if config.text_width else None,
        audio=drawn(batch, count, 4, config.audio_width, seed=11) if config.audio_width else None,
    )


def noised(config: VideoConfig = TINY, *, batch: int = 2, seed: int = 20) -> Tensor:
    """Latents to call a network with."""
    return drawn(batch, config.channels, *SIZE, seed=seed)


MOMENTS = torch.tensor([0.4, 0.95])
"""One with the experts on and one with them off."""
