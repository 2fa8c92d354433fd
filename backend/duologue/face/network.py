"""The face denoiser: DiffSpeaker's decoder (Ma et al. 2024, arXiv 2402.05712) with InterAct's two-person conditions.

One call predicts the clean weights of B performers from their noised ones (InterAct's equation 3)::

    x0 = D(x_n, a_ab, e_s, e_p, e_n)

where ``a_ab`` is a linear map of (own speech, partner's speech), and the tokens e (own style, partner's style, diffusion step,
facing, emotion) stand as a prefix before the keys and values of every attention (equation 4)::

    softmax((Q [K_prefix ; K]^T) / sqrt(d) + [0 ; bias]) [V_prefix ; V]

Facing and emotion may change from frame to frame, so their part of the prefix does too: query i sees the tokens of frame i.
When they are constant this is the published prefix. Two people are a batch of two, each with its own speech first.

Differences from the code published for DiffSpeaker: its bias is one frame off for keys after the query; ours is the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from duologue.face.conditions import Conditions
from duologue.face.config import FaceConfig


def periodic_positions(frames: int, width: int, period: int, start: int = 0) -> Tensor:
    """Return FaceFormer's periodic positional encoding for motion frames [start, start + frames): (frames, width).

    PPE(t, 2i) = sin((t mod p) / 10000^(2i/d)), PPE(t, 2i+1) = cos(same) (Fan et al. 2022, arXiv 2112.05329, equation 3).
    """
    t = (torch.arange(start, start + frames) % period).float()[:, None]
    angle = t * torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1).flatten(1)


def attention_bias(frames: int, heads: int, period: int) -> Tensor:
    """Return DiffSpeaker's biased self-attention, (heads, frames, frames): -m_h floor(|i - j| / period), both directions.

    m_h = 4^-1, 4^-2, … for four heads: ALiBi's geometric slopes, 2^(-8 h / heads).
    """
    offset = torch.arange(frames)
    whole_periods = ((offset[:, None] - offset[None, :]).abs() // period).float()
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
    return -slopes[:, None, None] * whole_periods


class FrameTokens(NamedTuple):
    """The part of the prefix that may change from frame to frame: F tokens a frame, each one of N labels."""

    labels: Tensor
    """(N, D) tokens."""
    which: Tensor
    """(B, T, F) indices of ``labels``."""


def label_mask(per_frame: FrameTokens, bias: Tensor, prefix: int) -> Tensor:
    """Return what is added to the scores of a sequence that attends to itself, (B, heads, T, prefix + N + T).

    Minus infinity for a label that is not a frame's own, 0 for those that are and for the ``prefix`` tokens that all queries see,
    the ``bias`` (heads, T, T) for frames.
    """
    counts = nn.functional.one_hot(per_frame.which, len(per_frame.labels)).sum(2)
    labels = counts.to(bias).log()[:, None].expand(-1, len(bias), -1, -1)
    batch, heads, frames, _ = labels.shape
    free = bias.new_zeros(batch, heads, frames, prefix)
    return torch.cat([free, labels, bias.expand(batch, -1, -1, -1)], dim=-1)


class PrefixAttention(nn.Module):
    """Multi-head attention whose keys and values begin with condition tokens.

    What a query sees beside its prefix is the same at every step of the diffusion: ``context`` projects it once a window.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Tensor) -> Tensor:
        """(..., D) to (..., heads, D / heads)."""
        return x.unflatten(-1, (self.heads, -1))

    def project(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values of ``tokens`` (..., D), each (..., heads, D / heads)."""
        return self.split(self.key(tokens)), self.split(self.value(tokens))


class LabelContext(NamedTuple):
    """What a sequence that attends to itself sees beside: every label as a key, and which of them are whose."""

    keys: Tensor
    """(N, heads, D / heads); ``values`` likewise."""
    values: Tensor
    mask: Tensor
    """(B, heads, T, prefix + N + T), ``label_mask``: one of all layers."""


class PrefixSelfAttention(PrefixAttention):
    """Every query sees the prefix, its own frame's tokens, and every frame, under ``attention_bias``."""

    def context(self, labels: Tensor, mask: Tensor) -> LabelContext:
        """Project the ``labels`` (N, D); ``mask``: the :func:`label_mask` of all layers."""
        return LabelContext(*self.project(labels), mask)

    def forward(self, x: Tensor, prefix: Tensor, context: LabelContext) -> Tensor:
        """Attend from ``x`` (B, T, D) to itself; ``prefix`` (B, P, D) holds the tokens every query sees."""
        batch = len(x)
        keys, values = (
            torch.cat([of_prefix, labels.expand(batch, -1, -1, -1), own], dim=1).transpose(1, 2)
            for of_prefix, labels, own in zip(self.project(prefix), context[:2], self.project(x), strict=True)
        )
        queries, mask = self.split(self.query(x)).transpose(1, 2), context.mask.to(keys.dtype)
        dropout = self.dropout.p if self.training else 0.0
        mixed = nn.functional.scaled_dot_product_attention(queries, keys, values, mask, dropout)
        return self.out(mixed.transpose(1, 2).flatten(2))


class AlignedContext(NamedTuple):
    """What the query of each frame sees beside the prefix: (B, T, S, heads, D / heads) keys and values of its S tokens."""

    keys: Tensor
    values: Tensor


class AlignedCrossAttention(PrefixAttention):
    """DiffSpeaker's cross-attention: query i sees the prefix, frame i's tokens and memory frame i, nothing else."""

    def context(self, per_frame: FrameTokens, memory: Tensor) -> AlignedContext:
        """Project each frame's own tokens and the ``memory`` (B, T, D)."""
        # There are few labels and many frames: each label is projected once.
        keys, values = (
            torch.cat([labels[per_frame.which], own[:, :, None]], dim=2)
            for labels, own in zip(self.project(per_frame.labels), self.project(memory), strict=True)
        )
        return AlignedContext(keys, values)

    def forward(self, x: Tensor, prefix: Tensor, context: AlignedContext) -> Tensor:
        """Attend from ``x`` (B, T, D); ``prefix`` (B, P, D) holds the tokens every query sees."""
        q = self.split(self.query(x)) / math.sqrt(x.shape[-1] // self.heads)
        kp, vp = self.project(prefix)
        # A few products a frame: as sums they are quicker than as many tiny matrices.
        scores = [torch.einsum("bthd,bphd->bthp", q, kp), (q[:, :, None] * context.keys).sum(-1).transpose(2, 3)]
        share = self.dropout(torch.cat(scores, dim=-1).softmax(dim=-1))
        to_prefix, to_own = share.split([kp.shape[1], context.keys.shape[2]], dim=-1)
        mixed = torch.einsum("bthp,bphd->bthd", to_prefix, vp)
        mixed = mixed + (to_own.transpose(2, 3)[..., None] * context.values).sum(2)
        return self.out(mixed.flatten(2))


Contexts = tuple[LabelContext, AlignedContext]


class DecoderLayer(nn.Module):
    """Pre-norm transformer decoder layer: biased self-attention, aligned cross-attention, GELU feed-forward."""

    def __init__(self, config: FaceConfig) -> None:
        super().__init__()
        width = config.latent
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = PrefixSelfAttention(width, config.heads, config.dropout)
        self.cross_attention = AlignedCrossAttention(width, config.heads, config.dropout)
        self.feedforward = nn.Sequential(
            nn.Linear(width, config.feedforward),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.feedforward, width),
        )

    def contexts(self, memory: Tensor, per_frame: FrameTokens, mask: Tensor) -> Contexts:
        """Return what both attentions see beside their prefix; ``memory`` (B, T, D) is the projected speech, ``mask`` the
        :func:`label_mask`."""
        return self.self_attention.context(per_frame.labels, mask), self.cross_attention.context(per_frame, memory)

    def forward(self, x: Tensor, prefix: Tensor, contexts: Contexts) -> Tensor:
        """Return ``x`` (B, T, D) after one layer."""
        x = x + self.self_attention(self.norms[0](x), prefix, contexts[0])
        x = x + self.cross_attention(self.norms[1](x), prefix, contexts[1])
        return x + self.feedforward(self.norms[2](x))


class StepEmbedding(nn.Module):
    """The diffusion time t in [0, 1] as a token: sinusoids of 1000 t, then two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        """Return (B, width) for t (B,)."""
        half = self.width // 2
        frequency = torch.exp(torch.arange(half, device=t.device) * (-math.log(10000.0) / half))
        angle = 1000.0 * t[:, None] * frequency
        return self.mlp(torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1))


class Prepared(NamedTuple):
    """The conditions of B performers in T frames, as the layers take them."""

    prefix: Tensor
    """(B, 2, D): both styles; the step of the diffusion comes behind."""
    layers: tuple[Contexts, ...]
    """Of each layer's self- and cross-attention."""
    positions: Tensor
    """(T, D)"""


class FaceDenoiser(nn.Module):
    """Predict clean, standardised ARKit weights from noised ones. Index 0 of style and emotion stands for "not said"."""

    def __init__(self, config: FaceConfig) -> None:
        super().__init__()
        self.config = config
        width, shapes = config.latent, len(config.shapes)
        self.motion_in = nn.Linear(shapes, width)
        self.motion_out = nn.Linear(width, shapes)
        self.speech = nn.Linear(2 * config.speech_width, width)
        self.own_style = nn.Embedding(config.styles + 1, width)
        self.partner_style = nn.Embedding(config.styles + 1, width)
        self.facing = nn.Embedding(2, width)
        self.emotion = nn.Embedding(len(config.emotions) + 1, width)
        self.step = StepEmbedding(width)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        nn.init.zeros_(self.motion_out.weight)
        nn.init.zeros_(self.motion_out.bias)

    def prepare(self, c: Conditions) -> Prepared:
        """Return what the conditions come to: the same at every step of the diffusion."""
        memory = self.speech(torch.cat([c.own_speech, c.partner_speech], dim=-1))
        labels = torch.cat([self.facing.weight, self.emotion.weight])
        per_frame = FrameTokens(labels, torch.stack([c.facing, c.emotion + self.facing.num_embeddings], dim=2))
        frames, config = memory.shape[1], self.config
        bias = attention_bias(frames, config.heads, config.period).to(memory)
        styles = torch.stack([self.own_style(c.own_style), self.partner_style(c.partner_style)], dim=1)
        mask = label_mask(per_frame, bias, styles.shape[1] + 1)  # the styles' tokens and the step's
        layers = tuple(layer.contexts(memory, per_frame, mask) for layer in self._decoder())
        return Prepared(styles, layers, periodic_positions(frames, config.latent, config.period).to(memory))

    def forward(self, x: Tensor, t: Tensor, prepared: Prepared) -> Tensor:
        """Return x0 (B, T, shapes).

        Args:
            x: (B, T, shapes) noised weights, standardised. Frame 0 lies at a multiple of the period.
            t: (B,) diffusion time in [0, 1].
            prepared: the conditions, by ``prepare``.
        """
        prefix = torch.cat([prepared.prefix, self.step(t)[:, None]], dim=1)
        h = self.motion_in(x) + prepared.positions
        for layer, contexts in zip(self._decoder(), prepared.layers, strict=True):
            h = layer(h, prefix, contexts)
        return self.motion_out(h)

    def _decoder(self) -> Iterator[DecoderLayer]:
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            yield layer
