"""One block in Wan's order, with CoInteract's experts and InterAnimate's region attention beside it.

With six vectors ``e`` of a stream's table plus the moment's::

    a = LN(x) (1 + e1) + e0;  x += e2 O(att(rope(norm Q a), rope(norm K a), V a))
    x += att(LN(x), context);  x += region(x);  x += audio(x)
    f = LN(x) (1 + e4) + e3;  x += e5 (FFN(f) + experts(f))

Everything is shared by both streams but the table. Experts, regions and audio are the target's alone. Without them it is
diffusers' ``WanTransformerBlock``; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from duologue.video.attention import EPSILON, Attention, KeysValues, bare_norm
from duologue.video.audio import AudioAttention
from duologue.video.config import VideoConfig
from duologue.video.experts import Experts
from duologue.video.regions import RegionAttention
from duologue.video.rope import Rotation

TARGET, STRUCTURE = range(2)
"""The streams."""


class Piece(NamedTuple):
    """Neighbouring tokens that share a stream and a moment."""

    stream: int
    tokens: int
    moment: Tensor
    """(B, 6, D) what the moment adds to the stream's table."""


class Told(NamedTuple):
    """What a block is told beside its tokens."""

    pieces: Sequence[Piece]
    turned: Rotation
    target: int
    """How many tokens are the target's; they come first."""
    masks: Tensor | None
    given: Tensor | None
    identity: Tensor | None
    audio: Tensor | None
    experts: Tensor
    """(B,) 0 where they are off."""


class Left(NamedTuple):
    """What a block leaves behind beside its tokens: for the losses, and to be looked at by others."""

    seen: KeysValues
    routes: Tensor | None
    guessed: Tensor | None


class Block(nn.Module):
    """The ``index``-th of a network."""

    def __init__(self, config: VideoConfig, index: int) -> None:
        super().__init__()
        width, heads = config.width, config.heads
        self.table = nn.Parameter(torch.randn(2, 6, width) / width**0.5)
        self.attention = Attention(width, heads)
        self.context_norm = nn.LayerNorm(width, EPSILON)
        self.context = Attention(width, heads)
        self.feedforward = nn.Sequential(
            nn.Linear(width, config.feedforward), nn.GELU(approximate="tanh"), nn.Linear(config.feedforward, width)
        )
        self.experts = Experts(width, config.expert_width) if config.expert_width else None
        regional = index % config.region_every == config.region_every - 1
        known = config.identity_width is not None
        self.region = (
            RegionAttention(width, heads, config.spatial, config.temporal, known=known)
            if regional and (config.spatial or known)
            else None
        )
        heard = config.audio_width and index % config.audio_every == 0
        self.audio = AudioAttention(width, heads, config.audio_width) if heard else None

    def forward(
        self, x: Tensor, told: Told, context: KeysValues, attend: Callable[[Tensor, KeysValues], Tensor]
    ) -> tuple[Tensor, Left]:
        """Return the tokens (B, N, D) and what is left behind. ``attend``: who looks at whom, ``(queries, own) -> (B, N, D)``."""
        e = self._vectors(told.pieces)
        h = bare_norm(x) * (1 + e[1]) + e[0]
        own = self.attention.offer(h, told.turned)
        x = x + e[2] * self.attention.out(attend(self.attention.ask(h, told.turned), own))
        x = x + self.context(self.context_norm(x), context)
        x, guessed = self._scene(x, told)
        h = bare_norm(x) * (1 + e[4]) + e[3]
        said = self.feedforward(h)
        routes = None
        if self.experts is not None and told.target:
            added, routes = self.experts(h[:, : told.target], told.experts)
            said = _onto(said, added)
        return x + e[5] * said, Left(own, routes, guessed)

    def _vectors(self, pieces: Sequence[Piece]) -> tuple[Tensor, ...]:
        """Return the six vectors of every token, (B, N, D) each."""
        rows = [(self.table[piece.stream] + piece.moment)[:, None].expand(-1, piece.tokens, -1, -1) for piece in pieces]
        return torch.cat(rows, dim=1).unbind(2)

    def _scene(self, x: Tensor, told: Told) -> tuple[Tensor, Tensor | None]:
        """Bring in what is known of the target's regions and what is heard."""
        guessed = None
        if self.region is not None and told.target:
            region = self.region(x[:, : told.target], told.masks, told.given, told.identity)
            x, guessed = _onto(x, region.added), region.guessed
        if self.audio is not None and told.target and told.audio is not None:
            x = _onto(x, self.audio(x[:, : told.target], told.audio))
        return x, guessed


def _onto(x: Tensor, added: Tensor) -> Tensor:
    """Add to the first tokens."""
    count = added.shape[1]
    return x + added if count == x.shape[1] else torch.cat([x[:, :count] + added, x[:, count:]], dim=1)
