"""One window: from noise to clean latents, in a few steps, in any mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from duologue.diffusion.flow import FlowSchedule
from duologue.diffusion.guidance import combine, variants
from duologue.diffusion.pipeline import StoppedError
from duologue.diffusion.samplers import Ddim, Sampler
from duologue.diffusion.windows import hold
from duologue.video.conditions import Conditions
from duologue.video.config import VideoConfig
from duologue.video.network import VideoDenoiser
from duologue.video.streams import MODES

STEPS = 4
"""Of the diffusion where nobody asks for another number."""


def sampler_of(config: VideoConfig) -> Sampler:
    """Return Euler's method on the straight schedule, shifted as the config says: DDIM there."""
    return Ddim(FlowSchedule(shift=config.shift))


def sample_window(  # noqa: PLR0913 - options by name
    network: VideoDenoiser,
    conditions: Conditions,
    noise: Tensor,
    mode: str,
    *,
    steps: int = STEPS,
    strengths: Mapping[str, float] | None = None,
    kept: tuple[Tensor, Tensor] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tensor:
    """Return the window's latents (B, C, L, h, w); a first one that is known comes out as it is.

    Args:
        network: in evaluation mode.
        conditions: of B samples.
        noise: (B, C, L, h, w) of unit variance; with structure's behind it in channels, (B, 2C, ...), where ``full`` makes both.
        mode: one of ``streams.MODES``. ``asym`` is sampled as ``base``: structure is dropped.
        steps: network calls.
        strengths: guidance by condition; each other than 1 makes the batch one copy wider.
        kept: latents (B, C, L, h, w) and where (broadcastable, bool) they stay as they are (``diffusion.windows.hold``).
        should_stop: polled before every step.

    Raises:
        StoppedError: when the caller wants no more.
    """
    dropped = variants(strengths or {})
    copies = Conditions.together([conditions.without(names) for names in dropped])
    channels = network.config.channels
    if kept is not None and noise.shape[1] > channels:  # structure has nothing that stays
        latents, where = kept
        where = where.expand_as(latents)
        kept = torch.cat([latents, latents], 1), torch.cat([where, torch.zeros_like(where)], 1)
    both = MODES[mode].stream == "full"
    shape = torch.Size((len(dropped) * len(noise), channels, *noise.shape[2:]))
    prepared = network.prepare(copies, mode, shape)

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        if should_stop():
            raise StoppedError
        many, moments = x.repeat(len(dropped), 1, 1, 1, 1), t.repeat(len(dropped))
        structure = many[:, channels:] if both else None
        out = network(many[:, :channels], moments, prepared, structure)
        made = out.x0 if out.structure is None else torch.cat([out.x0, out.structure], dim=1)
        return combine(made.unflatten(0, (len(dropped), -1)), strengths or {})

    held = denoise if kept is None else hold(denoise, *kept)
    return sampler_of(network.config).sample(held, noise * network.config.noise, steps)[:, :channels]
