"""The speech encoder: 16 kHz samples to 50 feature vectors a second, and those to 30 a second for the face.

The network is transformers' ``Wav2Vec2Model`` (Baevski et al. 2020, arXiv 2006.11477): the starter's own small configuration,
trained here on phone targets, or a pretrained one from a folder the user points at. Everything that surrounds it keeps time
exact: frame k stands for the sound around ``(k + 0.5) / 50`` s whatever the convolutions' receptive field, and motion frame t is
looked up at ``t / 30`` s rather than by stretching one clip onto the other, so that windows of a long clip agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from duologue.errors import DuologueError, invalid
from duologue.speech.phones import PHONES
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import Wav2Vec2Config, Wav2Vec2Model

HOP: Final = 320
"""Samples between two feature vectors: the product of the convolutions' strides, in ours as in every released Wav2Vec2."""
_PIECE, _CONTEXT = 500, 50
"""Frames that ``log_posteriors`` hears at once, and those on either side that they are heard with."""
_SPEECH_RMS: Final = 0.08
_MAX_GAIN: Final = 30.0


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the encoder. The defaults are the starter's; ``EncoderConfig.base()`` is wav2vec2-base."""

    hidden: int = 256
    layers: int = 4
    heads: int = 4
    feedforward: int = 768
    conv_dims: tuple[int, ...] = (80, 96, 128, 192)
    conv_kernels: tuple[int, ...] = (320, 8, 8, 4)
    conv_strides: tuple[int, ...] = (16, 5, 2, 2)
    positional_kernel: int = 32
    positional_groups: int = 8
    layer_norm: bool = True
    """Normalise each frame by itself. Released base models normalise a channel over the whole clip instead."""
    phone_head: bool = False
    """Whether it also says which phone is heard (``log_posteriors``). Those from before 2026-12 and pretrained ones don't."""

    def __post_init__(self) -> None:
        if math.prod(self.conv_strides) != HOP:
            raise invalid("encoder-strides", f"the strides multiply to {math.prod(self.conv_strides)}, not {HOP}.")
        if not len(self.conv_dims) == len(self.conv_kernels) == len(self.conv_strides):
            raise invalid("encoder-layers", "conv_dims, conv_kernels and conv_strides need one entry a layer each.")

    @classmethod
    def tiny(cls, *, phone_head: bool = False) -> EncoderConfig:
        """Return sizes for trying out data and machine."""
        return cls(16, 1, 2, 16, (8, 8), (40, 20), (20, 16), 8, 2, phone_head=phone_head)

    @classmethod
    def base(cls) -> EncoderConfig:
        """Return the dimensions of facebook/wav2vec2-base: 768 wide, 12 layers, 95 M parameters."""
        return cls(
            768, 12, 12, 3072, (512,) * 7, (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), 128, 16, layer_norm=False
        )

    def wav2vec2(self) -> Wav2Vec2Config:
        """Return the same sizes as a ``transformers`` config, without masking or dropout."""
        from transformers import Wav2Vec2Config

        return Wav2Vec2Config(
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.feedforward,
            conv_dim=self.conv_dims,
            conv_kernel=self.conv_kernels,
            conv_stride=self.conv_strides,
            conv_bias=self.layer_norm,
            feat_extract_norm="layer" if self.layer_norm else "group",
            do_stable_layer_norm=self.layer_norm,
            num_conv_pos_embeddings=self.positional_kernel,
            num_conv_pos_embedding_groups=self.positional_groups,
            mask_time_prob=0.0,
            layerdrop=0.0,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            activation_dropout=0.0,
            feat_proj_dropout=0.0,
        )


class SpeechEncoder(nn.Module):
    """Wav2Vec2 with exact frame times. ``width`` is the size of its feature vectors.

    ``phones`` is a linear layer from feature vectors to the logits of ``speech.phones.PHONES``; None where it has no such head.
    """

    def __init__(self, config: EncoderConfig | None = None, *, model: Wav2Vec2Model | None = None) -> None:
        super().__init__()
        from transformers import Wav2Vec2Model

        if model is None:
            config = config or EncoderConfig()
            model = Wav2Vec2Model(config.wav2vec2())
            if config.layer_norm:
                first = model.feature_extractor.conv_layers[0].conv
                assert isinstance(first, nn.Conv1d)
                _start_as_filterbank(first)
        self.config = config
        self.model = model
        self.width: int = model.config.hidden_size
        self.phones = nn.Linear(self.width, len(PHONES)) if config and config.phone_head else None
        receptive = 1 + sum(
            (kernel - 1) * math.prod(model.config.conv_stride[:layer])
            for layer, kernel in enumerate(model.config.conv_kernel)
        )
        self._margin = (receptive - HOP) // 2

    @classmethod
    def pretrained(cls, folder: Path) -> SpeechEncoder:
        """Load a Wav2Vec2 in Hugging Face's layout (``config.json`` and ``model.safetensors``) from disk, never from the net.

        Raises:
            DuologueError: FAILED_PRECONDITION ``encoder-unreadable`` when the folder holds no Wav2Vec2 at 50 frames a second.
        """
        from transformers import Wav2Vec2Model

        try:
            model = Wav2Vec2Model.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "encoder-unreadable",
                f"{folder} holds no Wav2Vec2 with config.json and model.safetensors: {error}",
                field="encoder",
            ) from error
        if math.prod(model.config.conv_stride) != HOP:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "encoder-unreadable",
                f"{folder} makes a frame every {math.prod(model.config.conv_stride)} samples; {HOP} are needed.",
                field="encoder",
            )
        return cls(model=model)

    def forward(self, samples: Tensor) -> Tensor:
        """Encode ``samples`` (B, N) at 16 kHz to (B, N // 320, width); frame k is centred on sample ``320 k + 160``."""
        padded = nn.functional.pad(samples, (self._margin, self._margin))
        return self.model(padded).last_hidden_state

    @torch.inference_mode()
    def log_posteriors(self, samples_16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log probability of each of ``PHONES`` in every 20 ms of one speaker's track (n,), as (n // 320, 40).

        Frame k is centred on ``(k + 0.5) / 50`` s. The track is brought to a level of its own (``gain``) and heard ten seconds at
        a time with a second on either side, so memory does not grow with it.

        Raises:
            DuologueError: FAILED_PRECONDITION ``encoder-no-phones`` where the encoder has no phone head.
        """
        if self.phones is None:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "encoder-no-phones",
                "this speech encoder has no phone head; use the face that ships, or one trained with `duologue train face`.",
                field="face",
            )
        frames = len(samples_16k) // HOP
        level = np.float32(gain(samples_16k))
        pieces = [np.zeros((0, len(PHONES)), np.float32)]
        for first in range(0, frames, _PIECE):
            low, high = max(first - _CONTEXT, 0), min(first + _PIECE + _CONTEXT, frames)
            sound = torch.from_numpy(samples_16k[low * HOP : high * HOP] * level).to(self.phones.weight)
            logits = self.phones(self(sound[None]))[0, first - low : first - low + _PIECE]
            pieces.append(logits.float().log_softmax(-1).cpu().numpy())
        return np.concatenate(pieces)


def gain(samples: NDArray[np.float32]) -> float:
    """Return the factor that brings one speaker's whole track (N,) to a level that does not depend on the microphone.

    The loud frames (95th percentile of 20 ms RMS) come to 0.08; a faint track is amplified by 30 dB at most.
    """
    if len(samples) < HOP:
        return 1.0
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    # einsum widens piece by piece: a float64 copy of twenty minutes would be 150 MB.
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / HOP
    loud = float(np.percentile(np.sqrt(power), 95))
    return min(_SPEECH_RMS / max(loud, 1e-9), _MAX_GAIN)


def at_motion_frames(features: Tensor, start: int, frames: int) -> Tensor:
    """Interpolate features (B, n, D), whose frame 0 begins at motion frame ``start``'s time 0, to 30 fps: (B, frames, D).

    Motion frame t lies at t / 30 s, feature k at (k + 0.5) / 50 s. ``start`` only shifts: result frame i is motion frame
    ``start + i`` counted from the features' own beginning.
    """
    times = (torch.arange(start, start + frames, dtype=torch.float64) / FPS * SPEECH_RATE / HOP - 0.5).clamp(
        0, features.shape[1] - 1
    )
    low = times.floor().long()
    high = (low + 1).clamp(max=features.shape[1] - 1)
    weight = (times - low).to(features.dtype)[:, None]
    return torch.lerp(features[:, low], features[:, high], weight)


class EncodedSpeech:
    """Both performers' tracks, encoded chunk by chunk as the face asks for frames, so memory does not grow with the clip.

    A chunk is 2 s and is encoded with 1 s of sound on either side; only the last few are kept.
    """

    CHUNK: Final = 60
    CONTEXT: Final = 30
    _KEPT: Final = 8

    def __init__(
        self, encoder: SpeechEncoder, samples_16k: NDArray[np.float32], device: str | torch.device = "cpu"
    ) -> None:
        self._encoder = encoder.eval()
        self._samples = samples_16k
        self._gains = np.array([[gain(track)] for track in samples_16k], np.float32)
        self._device = torch.device(device)
        self._chunks: dict[int, Tensor] = {}

    def frames(self, start: int, stop: int) -> Tensor:
        """Return the features of motion frames [start, stop) as (2, stop - start, width). Past the end there is silence."""
        first, last = start // self.CHUNK, (stop - 1) // self.CHUNK
        joined = torch.cat([self._chunk(index) for index in range(first, last + 1)], dim=1)
        return joined[:, start - first * self.CHUNK : stop - first * self.CHUNK]

    def _chunk(self, index: int) -> Tensor:
        if index not in self._chunks:
            begin = (index * self.CHUNK - self.CONTEXT) * SPEECH_RATE // FPS  # whole: 30 frames are a second
            length = (self.CHUNK + 2 * self.CONTEXT) * SPEECH_RATE // FPS
            piece = np.zeros((len(self._samples), length), np.float32)
            low, high = max(begin, 0), min(begin + length, self._samples.shape[1])
            if high > low:
                piece[:, low - begin : high - begin] = self._samples[:, low:high]
            piece *= self._gains
            with torch.inference_mode():
                features = self._encoder(torch.from_numpy(piece).to(self._device))
                self._chunks[index] = at_motion_frames(features, self.CONTEXT, self.CHUNK)
            while len(self._chunks) > self._KEPT:
                del self._chunks[next(iter(self._chunks))]
        return self._chunks[index]


def _start_as_filterbank(conv: nn.Conv1d) -> None:
    """Begin the first convolution as mel-spaced windowed cosines and sines: a spectrogram is what it would learn first."""
    channels, _, length = conv.weight.shape
    pairs = channels // 2
    mel = np.linspace(1127 * np.log1p(60 / 700), 1127 * np.log1p(7400 / 700), pairs)
    hertz = 700 * np.expm1(mel / 1127)
    t = (np.arange(length) - length / 2) / SPEECH_RATE
    phase = 2 * np.pi * hertz[:, None] * t
    # High bands get shorter windows, as in a wavelet transform: 20 ms at the bottom, about 5 ms at the top.
    width = np.clip(6.0 / hertz, 0.0022, 0.006)[:, None]
    envelope = np.exp(-0.5 * (t / width) ** 2)
    filters = np.concatenate([np.cos(phase) * envelope, np.sin(phase) * envelope])
    filters *= 8.0 / np.linalg.norm(filters, axis=1, keepdims=True) * np.tile(hertz / 500, 2).clip(0.7, 4.0)[:, None]
    with torch.no_grad():
        conv.weight[: 2 * pairs, 0] = torch.from_numpy(filters).float()
        if conv.bias is not None:
            conv.bias.normal_(0, 0.1)
