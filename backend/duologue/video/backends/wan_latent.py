"""Wan's autoencoder where our pipeline expects a latent of 4 x 8 x 8 (``video.latents.BlockLatent``): same calls, 16 channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from duologue.video.latents import FRAMES
from duologue.video.tokens import HOLES


class WanLatent(nn.Module):
    """diffusers' ``AutoencoderKLWan``, its latents scaled as Wan's transformers take them."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae
        self.channels = int(vae.config.z_dim)
        self.mean: Tensor
        self.deviation: Tensor
        for name, values in (("mean", vae.config.latents_mean), ("deviation", vae.config.latents_std)):
            self.register_buffer(name, torch.tensor(values[: self.channels]).reshape(1, -1, 1, 1, 1), persistent=False)

    def encode(self, pictures: Tensor, *, begins: bool = True) -> Tensor:
        """Return latents (B, C, L, H/8, W/8) of pictures (B, T, H, W, 3) in [0, 1].

        ``begins``: T is 4k + 1; else it is 4k, from the middle of a clip. The encoder looks back in time and would have to be fed
        the clip from its beginning: instead the first picture stands for all before, and its latent is left out.
        """
        if not begins:
            pictures = torch.cat([pictures[:, :1], pictures], dim=1)
        said = self.vae.encode((2 * pictures - 1).movedim(-1, 1).to(self.vae.dtype)).latent_dist.mode()
        latents = (said.float() - self.mean) / self.deviation
        return latents if begins else latents[:, :, 1:]

    def decode(self, latents: Tensor, *, begins: bool = True) -> Tensor:
        """Return the pictures (B, T, H, W, 3) of latents (B, C, L, H/8, W/8), not cut to [0, 1].

        From the middle of a clip, the first latent's four pictures are one, four times: our windows share it, and it was shown
        with the window before.
        """
        said = self.vae.decode((latents * self.deviation + self.mean).to(self.vae.dtype)).sample
        pictures = (said.float() / 2 + 0.5).movedim(1, -1)
        if begins:
            return pictures
        return torch.cat([pictures[:, :1].expand(-1, FRAMES - 1, -1, -1, -1), pictures], dim=1)

    def held(self, latent: Tensor) -> Tensor:
        """Return the latent (B, C, 1, h, w) that shows the last picture of another one."""
        return self.encode(self.decode(latent, begins=False)[:, -1:])

    keeps_detail = False
    """See ``BlockLatent``. A photoreal look has its own detail, and not that of the first picture's render."""

    def detailed(self, decoded: Tensor, carried: Tensor, *, begins: bool = True) -> Tensor:
        """Return the pictures as they are."""
        del carried, begins
        return decoded

    def cell_error(self, difference: Tensor) -> Tensor:
        """Return the mean squares of a difference of latents (B, C, L, h, w), in each of 16 cells alike, (B, 16, L, h, w).

        What it comes to in pixels would take the decoder; Wan is trained on latents.
        """
        return difference.square().mean(1, keepdim=True).expand(-1, HOLES, -1, -1, -1)
