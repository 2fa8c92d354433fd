"""The denoiser of LDA (Alexanderson et al. 2023, arXiv 2211.09707), for two people who share its weights.

Layers after LDA's published code, conditions and hierarchy after InterAct's formula 5 (docs/reference/papers.md#lda).

Both performers are one sample (B, P = 2, T, channels). Layers treat each performer alike, told apart by their conditions (who
is A); attention joins them. One class serves as the lower-body network G_l(cond) and the upper-body one G_u(cond, lower).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.body.attention import PairAttention
from duologue.body.conditions import Conditions
from duologue.body.config import CONDITIONS, BodyConfig
from duologue.body.filters import SmoothingSkip
from duologue.diffusion.schedule import CosineSchedule
from duologue.features.pose import PLACEMENT_COLUMNS, ROUTE_COLUMNS

LEANT_ON: Final = 0.15
"""The deviation of words' prominence (``speech.prominence`` over LibriSpeech)."""


class StepEmbedding(nn.Module):
    """Diffusion time t in [0, 1] to a vector: sin and cos of t 10^(3 i / 63), then two SiLU layers.

    LDA has 10^(4 i / 63) over whole steps; with continuous time the last decade would be noise between two training moments.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(128, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * width), nn.SiLU())
        self.register_buffer("frequencies", 10 ** (3 * torch.arange(64) / 63), persistent=False)
        self.frequencies: Tensor

    def forward(self, t: Tensor) -> Tensor:
        """(B,) to (B, 2 width)."""
        angles = t[:, None] * self.frequencies
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=-1))


class ConvFeedForward(nn.Module):
    """Two bias-free convolutions of kernel 3 over time (plain matrices where ``dilation`` is 0), ReLU between."""

    def __init__(self, width: int, hidden: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        kernel = 3 if dilation else 1
        self.widen = nn.Linear(kernel * width, hidden, bias=False)
        self.narrow = nn.Linear(kernel * hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, T, width) to the same shape."""
        return self.narrow(self._taps(functional.relu(self.widen(self._taps(x)))))

    def _taps(self, x: Tensor) -> Tensor:
        """Side by side the frames that a kernel of 3 sees: a convolution as one matrix product, without a change of layout."""
        if not self.dilation:
            return x
        frames, d = x.shape[-2], self.dilation
        padded = functional.pad(x, (0, 0, d, d))
        return torch.cat([padded[..., shift : shift + frames, :] for shift in (0, d, 2 * d)], dim=-1)


class AttentionBlock(nn.Module):
    """Attention and feed-forward, each added and then normalised (post-norm)."""

    def __init__(self, config: BodyConfig, dilation: int) -> None:
        super().__init__()
        c = config
        self.attention = PairAttention(c.width, c.heads, c.global_heads, c.field_of_view, c.kernels, paired=c.paired)
        self.norm_attention = nn.LayerNorm(c.width)
        self.feedforward = ConvFeedForward(c.width, c.feedforward, dilation)
        self.norm_feedforward = nn.LayerNorm(c.width)
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, T, width) to the same shape."""
        x = self.norm_attention(x + self.dropout(self.attention(x)))
        return self.norm_feedforward(x + self.dropout(self.feedforward(x)))


class Tisa(nn.Module):
    """Linear, two attention blocks, Linear to twice the width (gate and filter)."""

    def __init__(self, config: BodyConfig, index: int) -> None:
        super().__init__()
        self.enter = nn.Linear(config.width, config.width)
        # Feed-forward number 0, 1, 2, 3, ...: plain, dilation 1, dilation 2, plain, ...
        self.blocks = nn.ModuleList(AttentionBlock(config, (2 * index + k) % 3) for k in range(2))
        self.leave = nn.Linear(config.width, 2 * config.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, T, width) to (B, P, T, 2 width)."""
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(x)


class ResidualLayer(nn.Module):
    """``y = x + step + condition; z = sigmoid(gate) tanh(filter) of Tisa(y)``; returns (next x, skip)."""

    def __init__(self, config: BodyConfig, index: int) -> None:
        super().__init__()
        self.step = nn.Linear(2 * config.width, config.width)
        self.condition = nn.Linear(config.condition_width, config.width)
        self.tisa = Tisa(config, index)
        self.out = nn.Linear(config.width, 2 * config.width)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (B, P, T, width), ``step`` (B, 2 width), ``condition`` (B, P, T, width) already projected by ``condition``."""
        gate, filtered = self.tisa(x + self.step(step)[:, None, None] + condition).chunk(2, dim=-1)
        residual, skip = self.out(torch.sigmoid(gate) * torch.tanh(filtered)).chunk(2, dim=-1)
        return (x + residual) / math.sqrt(2), skip


class Denoiser(nn.Module):
    """Noised poses in, the network's prediction of them out (x0 or v, as the config says).

    Poses are standardised features (B, P, T, channels) in ``groups``, each so many channels wide. What is marked as held comes in
    clean, with a flag a group: the past of a stream, pinned poses, a partner who is given.
    """

    def __init__(self, config: BodyConfig, groups: Sequence[int]) -> None:
        super().__init__()
        self.groups = tuple(groups)
        self.channels = channels = sum(groups)
        self.enter = nn.Linear(channels + len(groups), config.width)
        self.step = StepEmbedding(config.width)
        self.layers = nn.ModuleList(ResidualLayer(config, i) for i in range(config.layers))
        self.hidden = nn.Linear(config.width, config.width)
        self.leave = nn.Linear(config.width, channels)
        self.skip = SmoothingSkip(config.width, channels, len(config.actions))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def project_conditions(self, condition: Tensor) -> list[Tensor]:
        """Return what each layer adds for the conditions (B, P, T, condition width): the same at every diffusion step."""
        return [layer.get_submodule("condition")(condition) for layer in self.layers]

    def begin(self, x0: Tensor, schedule: CosineSchedule, modes: Tensor) -> None:
        """Start from the best linear filters of clean samples ``x0`` (B, P, T, channels), one for each of the ``modes``
        (B, P, T, M), rather than from nothing."""
        self.skip.solve(x0, schedule, modes)

    def spread(self, held: Tensor) -> Tensor:
        """Return flags (..., groups) for every channel (..., channels)."""
        wide = [held[..., k : k + 1].expand(*held.shape[:-1], count) for k, count in enumerate(self.groups)]
        return torch.cat(wide, dim=-1)

    def forward(self, x: Tensor, held: Tensor, t: Tensor, projected: list[Tensor], modes: Tensor) -> Tensor:
        """``x`` (B, P, T, channels), ``held`` (B, P, T, groups) of 0 and 1, ``t`` (B,), ``modes`` (B, P, T, M) the mixture that
        ``x`` is standardised by; the prediction is shaped like ``x``."""
        y = functional.relu(self.enter(torch.cat([x, held.to(x.dtype)], dim=-1)))
        step = self.step(t)
        total = torch.zeros_like(y)
        for layer, condition in zip(self.layers, projected, strict=True):
            y, skip = layer(y, step, condition)
            total = total + skip
        hidden = functional.relu(self.hidden(total / math.sqrt(len(self.layers))))
        # A sway is a few thousandths of what 16 bits tell apart: the last layers have all 32.
        with torch.autocast(x.device.type, enabled=False):
            hidden = hidden.float()
            return self.leave(hidden) + self.skip(x, t, step.float(), hidden, modes)


class ConditionEncoder(nn.Module):
    """Conditions to (B, P, T, condition width): each performer's own and their partner's, mixed over a quarter of a second.

    For the upper body, ``lower`` (B, P, T, lower channels) is one more condition, never dropped: the hierarchy rests on it. With
    ``prominence`` it is told how far speakers lean on their words, which counts as a part of the speech.
    """

    def __init__(self, config: BodyConfig, lower_channels: int = 0, *, prominence: bool = False) -> None:
        super().__init__()
        width = config.condition_width
        self.paired = config.paired
        self.speech = nn.Linear(config.mel_bands + 1, width)
        self.text = nn.Linear(config.text_width, width, bias=False)
        self.prominence = nn.Linear(2, width, bias=False) if prominence else None
        if self.prominence is not None:  # what is begun with may know nothing of it
            nn.init.zeros_(self.prominence.weight)
        self.action = nn.Embedding(len(config.actions), width)
        self.emotion = nn.Embedding(len(config.emotions), width)
        self.role = nn.Embedding(len(config.roles), width)
        self.style = nn.Embedding(len(config.styles), width)
        self.placement = nn.Linear(len(PLACEMENT_COLUMNS), width)
        self.route = nn.Linear(len(ROUTE_COLUMNS), width)
        self.who = nn.Embedding(2, width)
        self.partner = nn.Linear(width, width)
        self.missing = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name in CONDITIONS})
        self.lower = nn.Linear(lower_channels, width) if lower_channels else None
        self.mix = nn.Conv1d(width, width, 7, padding=3)
        self.out = nn.Linear(width, width)
        # A sum of nine conditions grows in training until it drowns the pose it is added to; this keeps it in bounds.
        self.norm = nn.LayerNorm(width)

    def forward(self, c: Conditions, keep: Mapping[str, Tensor], lower: Tensor | None = None) -> Tensor:
        """``keep``: for each condition a mask (B, 1 or P) of 0 and 1; 0 replaces it by its learned "missing" vector."""

        def given(name: str, value: Tensor) -> Tensor:
            there = keep[name][:, :, None, None]
            return there * value + (1 - there) * self.missing[name]

        spoken = (
            c.text.abs().sum((2, 3)) > 0
        )  # a performer without any word here has no transcript: that is "missing" too
        keep = {**keep, "text": keep["text"] * spoken}
        leant_on = self._leant_on(c.prominence) * (keep["speech"] * keep["text"])[:, :, None, None]
        own = (
            given("speech", self.speech(torch.cat([c.mel, c.activity[..., None]], dim=-1)))
            + leant_on
            + given("text", self.text(c.text))
            + given("action", self.action(c.action))
            + given("emotion", self.emotion(c.emotion))
            + given("role", self.role(c.role)[:, :, None])
            + given("style", self.style(c.style)[:, :, None])
        )
        routed = (keep["route"][:, :, None] * c.routed)[..., None]
        both = own + routed * self.route(c.route) + (1 - routed) * self.missing["route"]
        if self.paired:
            both = both + given("placement", self.placement(c.placement)) + given("partner", self.partner(own.flip(1)))
            both = both + self.who.weight[None, :, None]
        if self.lower is not None:
            if lower is None:
                raise ValueError("the upper-body network needs the lower body.")
            both = both + self.lower(lower)
        batch, performers, frames, width = both.shape
        mixed = self.mix(functional.silu(both).reshape(-1, frames, width).transpose(1, 2)).transpose(1, 2)
        return self.norm(both + self.out(functional.silu(mixed.reshape(batch, performers, frames, width))))

    def _leant_on(self, prominence: Tensor) -> Tensor:
        """Return what prominence (B, P, T) adds: nothing for a performer of whose words none is known."""
        if self.prominence is None:
            return prominence.new_zeros(())
        known = (prominence.amax(2, keepdim=True) > 0).to(prominence.dtype).expand_as(prominence)
        return self.prominence(torch.stack([prominence / LEANT_ON, known], dim=-1))
