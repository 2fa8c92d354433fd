"""The denoiser: latents of a window, noised, in; clean ones out. CoInteract's transformer with InterAnimate's region latents.

Tokens stand in one sequence, ``[target | references of A, B, a thing | motion | structure]``, each with its place in time,
height and width (``rope``): the target from 0 on, motion before it in time, structure beside it in width (-W to -1), references
far off in time. The target's first latent is clean where it is known.

What is known of the picture (carried along the surface, or else the last known frame, held) is *added* to the target's tokens,
and the output is read as that plus what the network says, which is nothing at the start: an untrained network shows the carried
picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.video.attention import KeysValues, bare_norm, silent
from duologue.video.block import STRUCTURE, TARGET, Block, Piece, Told
from duologue.video.conditions import Conditions
from duologue.video.config import VideoConfig
from duologue.video.context import Context, Moments
from duologue.video.identity import IdentityFromEmbedding, identity_of
from duologue.video.rope import Rotation, rotation
from duologue.video.streams import MODES, Mode, asymmetric, attends, together
from duologue.video.tokens import (
    HOLES,
    PATCH,
    REFERENCE_TIMES,
    Grid,
    grid_of,
    motion_pieces,
    patches,
    positions,
    unpatch,
)

_THING = 2
"""Which reference is a thing's."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """All of a window that does not depend on the moment: computed once, however many steps are sampled."""

    mode: Mode
    grid: Grid
    conditions: Conditions
    base: Tensor | None
    """(B, C, L, h, w) what the output is added to."""
    feed: Tensor | None
    """(B, N, D) what is added to the target's tokens."""
    others: Tensor
    """(B, M, D) references and motion; ``thing``: which of them a thing's reference is."""
    thing: slice
    context: Sequence[KeysValues]
    """By block."""
    identity: Tensor | None
    turned: Rotation
    """Of target, references and motion; ``turned_structure``."""
    turned_structure: Rotation
    cache: Sequence[KeysValues] | None = None
    """By block, structure's keys and values, in ``render``."""


class Output(NamedTuple):
    """What a call comes to: x0 of the target, of structure where that is made too, and what the losses judge."""

    x0: Tensor
    structure: Tensor | None
    routes: Sequence[Tensor]
    """By block, logits (B, N, 3) of the router."""
    guessed: Sequence[Tensor]
    """By region attention, logits (B, N, 5) of the masks."""


class VideoDenoiser(nn.Module):
    """``prepare`` a window once, then call for each moment."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        width, numbers = config.width, config.channels * PATCH**2
        self.enter, self.enter_structure = nn.Linear(numbers, width), nn.Linear(numbers, width)
        self.feed_known = nn.Linear(numbers + HOLES * PATCH**2, width)
        self.feed_structure = nn.Linear(numbers, width)
        self.kinds = nn.Parameter(torch.zeros(len(REFERENCE_TIMES) + 4, width))
        """Added to tokens: of references, of motion by coarseness, of structure."""
        self.moments = Moments(width, config.frequencies)
        self.context = Context(config)
        self.identity = identity_of(width, config.identity_width)
        self.blocks = nn.ModuleList(Block(config, index) for index in range(config.layers))
        self.leave = nn.ModuleList(nn.Linear(width, numbers) for _ in (TARGET, STRUCTURE))
        self.leave_table = nn.Parameter(torch.randn(2, 2, width) / width**0.5)
        for zero in (self.feed_known, self.feed_structure, *self.leave):
            silent(zero)

    def prepare(self, conditions: Conditions, mode: str, shape: torch.Size) -> Prepared:
        """Embed what a window of latents of ``shape`` (B, C, L, h, w) depends on; of structure, its keys and values too."""
        how, grid = MODES[mode], Grid(shape[2], shape[3] // PATCH, shape[4] // PATCH)
        if not how.scene:
            conditions = _without_scene(conditions)
        base, hole = self._known(conditions, shape)
        feed = None if base is None else self.feed_known(patches(torch.cat([base, hole], dim=1)))
        if how.added and conditions.structure is not None:
            added = self.feed_structure(patches(conditions.structure))
            feed = added if feed is None else feed + added
        others, places, thing = self._others(conditions, shape)
        head = self.config.width // self.config.heads
        context = self.context(conditions)
        prepared = Prepared(
            how,
            grid,
            conditions,
            base if self.config.skip else None,
            feed,
            others,
            thing,
            [block.context.offer(context) for block in self._blocks],
            self._identity(conditions),
            rotation(torch.cat([positions(grid), *places]).to(context.device), head),
            rotation(positions(grid, column=-grid.columns).to(context.device), head),
        )
        if how.stream == "clean" and conditions.structure is not None:
            return Prepared(**{**vars(prepared), "cache": self._extract(prepared, conditions.structure)})
        return prepared

    @property
    def _blocks(self) -> Sequence[Block]:
        return list(self.blocks)  # pyright: ignore[reportReturnType]

    def forward(self, x: Tensor, t: Tensor, prepared: Prepared, structure: Tensor | None = None) -> Output:
        """Return the clean latents.

        Args:
            x: (B, C, L, h, w) noised; its first latent is replaced where it is known.
            t: (B,) moments in [0, 1].
            prepared: what ``prepare`` returned for the same batch.
            structure: (B, C, L, h, w) noised, in the modes that make it along with the target; without it they are ``base``.
        """
        mode, grid, known = prepared.mode, prepared.grid, prepared.conditions.known
        noised = x if known is None else torch.cat([known, x[:, :, 1:]], dim=2)
        tokens = self.enter(patches(noised))
        if prepared.feed is not None:
            tokens = tokens + prepared.feed
        said, moment = self.moments(t)
        clean = self.moments(torch.zeros_like(t[:1]))[1].expand(len(t), -1, -1)
        first = 0 if known is None else grid.a_frame
        pieces = [Piece(TARGET, first, clean), Piece(TARGET, grid.tokens - first, moment)]
        pieces.append(Piece(TARGET, others := prepared.others.shape[1], clean))
        rows, turned = torch.cat([tokens, prepared.others], dim=1), prepared.turned
        main = grid.tokens + others
        joint = mode.joint and structure is not None
        if joint:
            assert structure is not None
            rows = torch.cat([rows, self.enter_structure(patches(structure)) + self.kinds[-1]], dim=1)
            turned = torch.cat([turned, prepared.turned_structure])
            pieces.append(Piece(STRUCTURE, grid.tokens, clean if self.config.structure_clean else moment))
        asym = asymmetric(grid.tokens, main, prepared.thing) if joint else together
        told = self._told(prepared, pieces, turned, t)
        routes, guessed = [], []
        looks = attends(
            mode if prepared.cache is not None or joint else MODES["base"], len(self.blocks), asym, prepared.cache
        )
        for block, context, attend in zip(self._blocks, prepared.context, looks, strict=True):
            rows, left = block(rows, told, context, attend)
            routes += [left.routes] if left.routes is not None else []
            guessed += [left.guessed] if left.guessed is not None else []
        x0 = self._x0(self._out(rows[:, : grid.tokens], said, TARGET), noised, t, prepared)
        made = None
        if joint and structure is not None:
            made = self._read(unpatch(self._out(rows[:, main:], said, STRUCTURE), grid), structure, t)
        return Output(x0, made, routes, guessed)

    def _x0(self, out: Tensor, noised: Tensor, t: Tensor, prepared: Prepared) -> Tensor:
        """Read the target's output: as it is meant, on top of what is known, and never against it."""
        x0 = self._read(unpatch(out, prepared.grid), noised, t)
        if prepared.base is not None:
            x0 = x0 + prepared.base
        known = prepared.conditions.known
        return x0 if known is None else torch.cat([known, x0[:, :, 1:]], dim=2)

    def _read(self, output: Tensor, noised: Tensor, t: Tensor) -> Tensor:
        return output if self.config.prediction == "x0" else noised - t.reshape(-1, 1, 1, 1, 1) * output

    def _out(self, tokens: Tensor, said: Tensor, stream: int) -> Tensor:
        shift, scale = (self.leave_table[stream] + said[:, None]).unbind(1)
        return self.leave[stream](bare_norm(tokens) * (1 + scale[:, None]) + shift[:, None])

    def _told(self, prepared: Prepared, pieces: Sequence[Piece], turned: Rotation, t: Tensor) -> Told:
        c = prepared.conditions
        on = (t < self.config.experts_until).to(t.dtype)
        return Told(pieces, turned, prepared.grid.tokens, c.masks, c.given, prepared.identity, c.audio, on)

    def _known(self, conditions: Conditions, shape: torch.Size) -> tuple[Tensor | None, Tensor]:
        """Return what is known of the window's picture, and where it has holes."""
        hole = conditions.pattern.new_ones((shape[0], HOLES, *shape[2:]), dtype=torch.float32)
        if conditions.carried is not None and conditions.hole is not None:
            return conditions.carried, conditions.hole
        if conditions.held is None:
            return None, hole
        hole[:, :, :1] = 0
        return conditions.held.expand(shape), hole

    def _others(self, conditions: Conditions, shape: torch.Size) -> tuple[Tensor, list[Tensor], slice]:
        """Return the tokens (B, M, D) of references and motion, where they stand, and which are a thing's."""
        rows: list[Tensor] = []
        places: list[Tensor] = []
        thing, count = slice(0, 0), shape[2] * shape[3] * shape[4] // PATCH**2
        references, shown = conditions.references, conditions.shown
        for index in range(0 if references is None else references.shape[1]):
            assert references is not None
            latent = references[:, index]
            there = 1.0 if shown is None else shown[:, index, None, None]
            rows.append(self.enter(patches(latent)) * there + self.kinds[index])
            places.append(positions(grid_of(latent), time=REFERENCE_TIMES[index]))
            if index == _THING:
                thing = slice(count, count + rows[-1].shape[1])
            count += rows[-1].shape[1]
        if (motion := conditions.motion) is not None:
            for which, side in motion_pieces(motion.shape[2]):
                latents, coarse = motion[:, :, which], side // PATCH
                pooled = functional.avg_pool3d(latents, (1, coarse, coarse), ceil_mode=True)
                pooled = functional.pad(pooled, (0, pooled.shape[4] % 2, 0, pooled.shape[3] % 2, 0, 0), "replicate")
                rows.append(self.enter(patches(pooled)) + self.kinds[len(REFERENCE_TIMES) + coarse.bit_length() - 1])
                places.append(positions(grid_of(pooled), time=which.start - motion.shape[2], coarse=coarse))
        if not rows:
            return conditions.pattern.new_zeros((shape[0], 0, self.config.width), dtype=torch.float32), [], thing
        return torch.cat(rows, dim=1), places, thing

    def _identity(self, conditions: Conditions) -> Tensor | None:
        if self.identity is None:
            return None
        if isinstance(self.identity, IdentityFromEmbedding):
            return None if conditions.identity is None else self.identity(conditions.identity)
        if conditions.crops is None or conditions.seen is None:
            return None
        return self.identity(conditions.crops, conditions.seen)

    def _extract(self, prepared: Prepared, structure: Tensor) -> list[KeysValues]:
        """Run clean structure, which sees itself alone, through the blocks; return its keys and values in each."""
        rows = self.enter_structure(patches(structure)) + self.kinds[-1]
        moment = self.moments(rows.new_zeros(1))[1].expand(len(rows), -1, -1)
        pieces = [Piece(STRUCTURE, rows.shape[1], moment)]
        told = Told(pieces, prepared.turned_structure, 0, None, None, None, None, rows.new_ones(len(rows)))
        cache: list[KeysValues] = []
        for block, context in zip(self._blocks, prepared.context, strict=True):
            rows, left = block(rows, told, context, together)
            cache.append(left.seen)
        return cache


def _without_scene(conditions: Conditions) -> Conditions:
    """Return what is known where the scene isn't: first picture, references, what is done, and what was before."""
    known = dict(vars(conditions))
    for name in ("carried", "hole", "structure", "masks", "given"):
        known[name] = None
    return Conditions(**known)
