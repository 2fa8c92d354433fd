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
from typing import NamedTuple

import torch
from torch import Tensor, nn

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


class PrefixAttention(nn.Module):
    """Multi-head attention whose keys and values begin with condition tokens.

    ``aligned`` makes it DiffSpeaker's cross-attention: query i sees memory frame i and the prefix, nothing else. Otherwise every
    query sees every frame, under ``attention_bias``.
    """

    def __init__(self, width: int, heads: int, *, aligned: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.aligned = aligned
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, memory: Tensor, prefix: Tensor, per_frame: FrameTokens, bias: Tensor | None = None
    ) -> Tensor:
        """Attend from ``x`` (B, T, D) to ``memory`` (B, T, D).

        ``prefix`` (B, P, D) holds the tokens every query sees, ``per_frame`` those that only frame t's query sees;
        ``bias`` (heads, T, T) is added to the scores of frames, never to those of tokens.
        """
        split = (self.heads, -1)
        q = self.query(x).unflatten(-1, split) / math.sqrt(x.shape[-1] // self.heads)
        k, v = self.key(memory).unflatten(-1, split), self.value(memory).unflatten(-1, split)
        kp, vp = self.key(prefix).unflatten(-1, split), self.value(prefix).unflatten(-1, split)
        # There are few labels and many frames: project each label once.
        kf, vf = (project(per_frame.labels).unflatten(-1, split)[per_frame.which] for project in (self.key, self.value))
        scores = [torch.einsum("bthd,bphd->bhtp", q, kp), torch.einsum("bthd,btfhd->bhtf", q, kf)]
        if self.aligned:
            scores.append(torch.einsum("bthd,bthd->bht", q, k)[..., None])
        else:
            frames = torch.einsum("bthd,bshd->bhts", q, k)
            scores.append(frames if bias is None else frames + bias)
        share = self.dropout(torch.cat(scores, dim=-1).softmax(dim=-1))
        to_prefix, to_frame_tokens, to_memory = share.split([s.shape[-1] for s in scores], dim=-1)
        mixed = torch.einsum("bhtp,bphd->bthd", to_prefix, vp) + torch.einsum("bhtf,btfhd->bthd", to_frame_tokens, vf)
        if self.aligned:
            mixed = mixed + to_memory.permute(0, 2, 1, 3) * v
        else:
            mixed = mixed + torch.einsum("bhts,bshd->bthd", to_memory, v)
        return self.out(mixed.flatten(2))


class DecoderLayer(nn.Module):
    """Pre-norm transformer decoder layer: biased self-attention, aligned cross-attention, GELU feed-forward."""

    def __init__(self, config: FaceConfig) -> None:
        super().__init__()
        width = config.latent
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = PrefixAttention(width, config.heads, aligned=False, dropout=config.dropout)
        self.cross_attention = PrefixAttention(width, config.heads, aligned=True, dropout=config.dropout)
        self.feedforward = nn.Sequential(
            nn.Linear(width, config.feedforward),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.feedforward, width),
        )

    def forward(self, x: Tensor, memory: Tensor, prefix: Tensor, per_frame: FrameTokens, bias: Tensor) -> Tensor:
        """Return ``x`` (B, T, D) after one layer; ``memory`` (B, T, D) is the projected speech."""
        y = self.norms[0](x)
        x = x + self.self_attention(y, y, prefix, per_frame, bias)
        x = x + self.cross_attention(self.norms[1](x), memory, prefix, per_frame)
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

    def forward(  # noqa: PLR0913, PLR0917 - the terms of the equation above
        self,
        x: Tensor,
        t: Tensor,
        own_speech: Tensor,
        partner_speech: Tensor,
        own_style: Tensor,
        partner_style: Tensor,
        facing: Tensor,
        emotion: Tensor,
    ) -> Tensor:
        """Return x0 (B, T, shapes).

        Args:
            x: (B, T, shapes) noised weights, standardised. Frame 0 lies at a multiple of the period.
            t: (B,) diffusion time in [0, 1].
            own_speech: (B, T, speech_width) encoder features at 30 fps; ``partner_speech`` likewise.
            partner_speech: see above.
            own_style: (B,) 0 for "not said", else speaker + 1; ``partner_style`` likewise.
            partner_style: see above.
            facing: (B, T) 1 where the two face each other.
            emotion: (B, T) 0 for "not said", else index into ``config.emotions`` + 1.
        """
        frames = x.shape[1]
        memory = self.speech(torch.cat([own_speech, partner_speech], dim=-1))
        prefix = torch.stack([self.own_style(own_style), self.partner_style(partner_style), self.step(t)], dim=1)
        labels = torch.cat([self.facing.weight, self.emotion.weight])
        per_frame = FrameTokens(labels, torch.stack([facing, emotion + self.facing.num_embeddings], dim=2))
        positions = periodic_positions(frames, self.config.latent, self.config.period).to(x)
        bias = attention_bias(frames, self.config.heads, self.config.period).to(x)
        h = self.motion_in(x) + positions
        for layer in self.layers:
            h = layer(h, memory, prefix, per_frame, bias)
        return self.motion_out(h)
