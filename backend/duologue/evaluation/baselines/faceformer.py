"""FaceFormer (Fan et al. 2022, arXiv 2112.05329) on ARKit weights: the autoregressive baseline that our face is measured against.

Frame after frame, each generated from those before it, one's own speech and one's style (the paper's equation 1)::

    x_t = F(x_1 .. x_{t-1}, s, speech)

As published: one post-norm decoder layer of 4 heads; biased causal self-attention (equation 5); aligned cross-attention
(equation 7); periodic positional encoding (equation 3); the style added to every frame's embedding. It hears its own speaker
alone and knows no partner, facing or emotion. Ours: ARKit weights instead of vertices, our speech encoder, no dropout.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from duologue.arkit import NAMES
from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.errors import DuologueError
from duologue.face.config import FaceConfig
from duologue.face.network import periodic_positions
from duologue.speech.encoder import EncodedSpeech, EncoderConfig, SpeechEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL: Final = "faceformer"
_STARTER: Final = FaceConfig()


@dataclass(frozen=True)
class FaceFormerConfig:
    """Sizes; the defaults are those of our starter, with the one layer of the paper."""

    speech_width: int = _STARTER.speech_width
    width: int = _STARTER.latent
    feedforward: int = _STARTER.feedforward
    heads: int = _STARTER.heads
    period: int = _STARTER.period
    styles: int = _STARTER.styles


def causal_bias(frames: int, heads: int, period: int) -> Tensor:
    """Return (heads, frames, frames): -m_h floor((i - j) / period) for j <= i, minus infinity for the future.

    m_h are ALiBi's slopes 2^(-8 h / heads): 1/4, 1/16, 1/64, 1/256 for four heads.
    """
    at = torch.arange(frames)
    since = at[:, None] - at[None, :]
    return (-_slopes(heads)[:, None, None] * (since // period)).masked_fill(since < 0, -torch.inf)


def _slopes(heads: int) -> Tensor:
    return 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)


class FaceFormer(nn.Module):
    """The decoder. Weights are standardised; a style is a speaker's id."""

    def __init__(self, config: FaceFormerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.speech = nn.Linear(config.speech_width, width)
        self.motion_in = nn.Linear(len(NAMES), width)
        self.motion_out = nn.Linear(width, len(NAMES))
        self.style = nn.Embedding(config.styles, width)  # the paper's linear map of a one-hot
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.cross_value = nn.Linear(width, width)
        self.cross_out = nn.Linear(width, width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, config.feedforward), nn.ReLU(), nn.Linear(config.feedforward, width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        nn.init.zeros_(self.motion_out.weight)
        nn.init.zeros_(self.motion_out.bias)

    def forward(self, previous: Tensor, speech: Tensor, style: Tensor) -> Tensor:
        """Return frames 0 .. T - 1, (B, T, 52), all at once, given what came before each.

        Args:
            previous: (B, T - 1, 52) frames 0 .. T - 2, true or generated: frame t sees those before it.
            speech: (B, T, speech_width) encoder features at 30 fps.
            style: (B,) speaker ids.
        """
        frames, config = speech.shape[1], self.config
        embedded = nn.functional.pad(self.motion_in(previous), (0, 0, 1, 0))  # there is nothing before frame 0
        x = embedded + self._given(style, frames)
        q, k, v = (part.unflatten(-1, (config.heads, -1)).transpose(1, 2) for part in self._projected(x))
        bias = causal_bias(frames, config.heads, config.period).to(x)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self._rest(x, attended.transpose(1, 2).flatten(2), self._aligned(speech))

    @torch.no_grad()
    def generate(self, speech: Tensor, style: Tensor) -> Tensor:
        """Return (B, T, 52) for speech (B, T, speech_width) and styles (B,), each frame generated from those before it.

        Keys and values of past frames are kept, so a frame costs one row of attention. The loop is the model's nature.
        """
        config, (batch, frames, _) = self.config, speech.shape
        size = config.width // config.heads
        given, aligned = self._given(style, frames), self._aligned(speech)
        # Row i of the bias is the last i + 1 entries of its last row.
        bias = causal_bias_row(frames, config.heads, config.period).to(speech)
        keys, values = speech.new_zeros(2, batch, config.heads, frames, size)
        weights = speech.new_zeros(batch, frames, len(NAMES))
        embedded = speech.new_zeros(batch, config.width)
        for i in range(frames):
            x = embedded + given[:, i]
            q, keys[:, :, i], values[:, :, i] = (p.unflatten(-1, (config.heads, -1)) for p in self._projected(x))
            score = torch.einsum("bhd,bhtd->bht", q, keys[:, :, : i + 1]) * size**-0.5 + bias[:, frames - 1 - i :]
            attended = torch.einsum("bht,bhtd->bhd", score.softmax(-1), values[:, :, : i + 1])
            weights[:, i] = self._rest(x, attended.flatten(1), aligned[:, i])
            embedded = self.motion_in(weights[:, i])
        return weights

    def _given(self, style: Tensor, frames: int) -> Tensor:
        """Return (B, T, width): what is added to the embedding of every frame."""
        positions = periodic_positions(frames, self.config.width, self.config.period).to(self.style.weight)
        return self.style(style)[:, None] + positions

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        return query, key, value

    def _aligned(self, speech: Tensor) -> Tensor:
        """Return the cross-attention: its alignment bias leaves frame i only speech frame i, so the softmax over one is 1."""
        return self.cross_out(self.cross_value(self.speech(speech)))

    def _rest(self, x: Tensor, attended: Tensor, aligned: Tensor) -> Tensor:
        x = self.norms[0](x + self.attended(attended))
        x = self.norms[1](x + aligned)
        return self.motion_out(self.norms[2](x + self.feedforward(x)))


def causal_bias_row(frames: int, heads: int, period: int) -> Tensor:
    """Return (heads, frames): the last row of ``causal_bias``."""
    return -_slopes(heads)[:, None] * (torch.arange(frames - 1, -1, -1) // period)


class FaceFormerPipeline:
    """A speech encoder, a FaceFormer and the scale of its weights; ``sha256`` is its checkpoint's, empty where it has none."""

    def __init__(
        self, encoder: SpeechEncoder, network: FaceFormer, mean: Tensor, std: Tensor, sha256: str = ""
    ) -> None:
        self.encoder = encoder.eval().requires_grad_(False)
        self.network = network.eval()
        self.mean, self.std = mean, std
        self.sha256 = sha256

    @classmethod
    def load(cls, checkpoint: str | Path | Checkpoint) -> FaceFormerPipeline:
        """Load what ``faceformer_training.train_faceformer`` wrote.

        Raises:
            DuologueError: what ``open_checkpoint`` raises; FAILED_PRECONDITION ``checkpoint-foreign`` for another model's
                checkpoint or one whose tensors don't fit its config.
        """
        stored = open_checkpoint(checkpoint).require(MODEL)
        tensors = stored.tensors()
        network = FaceFormer(read_config(stored, FaceFormerConfig))
        encoder = SpeechEncoder(read_config(stored, EncoderConfig, "encoder"))
        fill(network, under("network.", tensors), stored)
        fill(encoder, under("encoder.", tensors), stored)
        if missing := {"mean", "std"} - tensors.keys():
            raise stored.foreign(f"it has no {' and no '.join(sorted(missing))}")
        return cls(encoder, network, tensors["mean"], tensors["std"], stored.sha256)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return (config, tensors) as ``checkpoints.store.write_checkpoint`` takes them."""
        if self.encoder.config is None:
            raise DuologueError(
                "UNIMPLEMENTED",
                "encoder-pretrained",
                "a baseline is stored with the encoder trained here; give one of those.",
            )
        tensors = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        tensors |= {f"encoder.{key}": value for key, value in self.encoder.state_dict().items()}
        config = {"model": MODEL, "network": asdict(self.network.config), "encoder": asdict(self.encoder.config)}
        return config, tensors | {"mean": self.mean, "std": self.std}

    def perform(self, samples_16k: NDArray[np.float32], style: NDArray[np.int64], frames: int) -> NDArray[np.float32]:
        """Return weights (P, frames, 52) in [0, 1] of P speakers with samples (P, N) at 16 kHz and styles (P,)."""
        speech = EncodedSpeech(self.encoder, samples_16k).frames(0, frames)
        weights = self.network.generate(speech, torch.as_tensor(np.asarray(style)))
        return (weights * self.std + self.mean).clamp(0, 1).numpy()
