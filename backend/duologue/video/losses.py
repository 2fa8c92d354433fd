"""What the video model is trained to get right.

``L = L_rgb (1 + M_hand + M_face + 2 M_contact) + L_structure + 0.05 L_route + 0.01 L_orth + 0.1 L_mask`` (CoInteract's weights,
InterAnimate's orthogonality). The network predicts clean latents, the loss is on the velocity they imply, as Li & He 2025 (arXiv
2511.13720) find best for small networks on wide tokens: ``|x0' - x0|^2 / max(t, cap)^2``. Differences count in pixels, most where
the carried picture has holes, and as a share of those that what is known of the picture has: what it is judged by are decibels,
and a clip without a first picture, wrong by a hundred times as much, would else be all that a network learns from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from duologue.video.experts import EXPERTS
from duologue.video.latents import BlockLatent
from duologue.video.network import Output, VideoDenoiser
from duologue.video.regions import RegionAttention
from duologue.video.tokens import PATCH, experts_wanted, patches


@dataclass(frozen=True)
class Truth:
    """What a batch should have come to."""

    x0: Tensor
    """(B, C, L, h, w)"""
    structure: Tensor | None
    """The same of structure, where it is made too."""
    masks: Tensor
    """(B, N, 5) exact ones."""
    hole: Tensor
    """(B, 16, L, h, w) where the carried picture has holes; 1 where there is none."""
    known: int
    """Latents at the beginning that were given, and count for nothing."""
    base: Tensor | None = None
    """As ``x0``: what is known of it (``network.Prepared``); None: nothing but the mean of all pictures."""


@dataclass(frozen=True)
class VideoLoss:
    """Weights of the terms."""

    hand: float = 1.0
    face: float = 1.0
    contact: float = 2.0
    seen: float = 0.3
    """How much a pixel counts that the carried picture shows, against one in a hole (ours): little is wrong there."""
    structure: float = 1.0
    route: float = 0.05
    rare: float = 10.0
    """How much more a hand's or head's token counts in the router's loss: there are few (CoInteract's code)."""
    orthogonal: float = 0.01
    mask: float = 0.1
    cap: float = 0.5
    """The velocity of nearly clean latents is a difference over next to nothing: moments below this are divided by it."""
    least: float = 1e-3
    """In the pictures' variances: where less is wrong with what is known of a picture, it counts as this."""

    def terms(
        self, network: VideoDenoiser, basis: BlockLatent, output: Output, truth: Truth, t: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms, weighted, to be added up.

        ``basis``: of the picture's latents, whose error counts in pixels. ``t``: (B,) the moments that they were noised to.
        """
        velocity = t.clamp_min(self.cap).square()
        weights = self.weights(truth)[:, :, truth.known :]

        def wrong(x0: Tensor) -> Tensor:
            return (basis.cell_error((x0 - truth.x0)[:, :, truth.known :]) * weights).sum((1, 2, 3, 4))

        least = self.least * weights.sum((1, 2, 3, 4))
        usual = wrong(torch.zeros_like(truth.x0) if truth.base is None else truth.base.float()) + least
        terms = {"picture": (wrong(output.x0.float()) / usual / velocity).mean()}
        if output.structure is not None and truth.structure is not None:
            error = token_error(output.structure, truth.structure) / velocity[:, None]
            terms["structure"] = self.structure * error.mean()
        on = (t < network.config.experts_until).to(t.dtype)
        if output.routes:
            terms["route"] = self.route * route_loss(output.routes, truth.masks, self.rare, on)
        if output.guessed:
            shares = truth.masks.expand(len(output.guessed), -1, -1, -1)
            guessed = torch.stack(list(output.guessed)).float()
            terms["mask"] = self.mask * functional.binary_cross_entropy_with_logits(guessed, shares.to(guessed))
        if banks := [
            module.orthogonality()
            for module in network.modules()
            if isinstance(module, RegionAttention) and module.latent
        ]:
            terms["orthogonal"] = self.orthogonal * torch.stack(banks).mean()
        return terms

    def weights(self, truth: Truth) -> Tensor:
        """Return how much each cell of a latent counts, (B, 16, L, h, w)."""
        hand, face, contact = truth.masks[..., :3].unbind(-1)
        tokens = 1 + self.hand * hand + self.face * face + self.contact * contact
        count, height, width = truth.hole.shape[2:]
        grid = tokens.unflatten(1, (count, height // PATCH, width // PATCH))
        latents = grid.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
        return latents[:, None] * (self.seen + (1 - self.seen) * truth.hole)


def token_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean square error of each token, (B, N), of latents (B, C, L, h, w)."""
    return patches((predicted.float() - truth).square()).mean(-1)


def route_loss(routes: Sequence[Tensor], masks: Tensor, rare: float, on: Tensor) -> Tensor:
    """Return the mean cross-entropy of the router's logits (B, N, 3) of each block against who is responsible.

    ``on``: (B,) 0 for samples whose experts are off: they are not judged.
    """
    wanted = experts_wanted(masks)
    weights = torch.where(wanted == len(EXPERTS) - 1, 1.0, rare) * on[:, None]
    logits = torch.stack(list(routes)).float()
    entropy = functional.cross_entropy(
        logits.flatten(0, 2), wanted.expand(len(routes), -1, -1).flatten(), reduction="none"
    )
    return (entropy * weights.expand(len(routes), -1, -1).flatten()).sum() / (len(routes) * weights.sum()).clamp_min(1)
