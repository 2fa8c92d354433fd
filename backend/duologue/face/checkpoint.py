"""The networks of a face checkpoint: a speech encoder, a denoiser or two, and the scale of the weights it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from duologue.arkit import NAMES
from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint
from duologue.errors import DuologueError
from duologue.face.config import FaceConfig
from duologue.face.network import FaceDenoiser
from duologue.speech.encoder import EncoderConfig, SpeechEncoder

MODEL: Final = "face"
"""What ``config["model"]`` of a face checkpoint says."""

Denoiser = Literal["base", "tuned", "swap"]
"""Which of a checkpoint's denoisers: ``base``, ``tuned`` (with all that fine-tuning changed) or ``swap`` (with its decoder)."""


def swap(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return InterAct's mixture of parameters: ``base`` everywhere, the decoder's layers from ``tuned`` if there are any.

    What says who speaks and what is heard (embeddings, projections) stays as it was trained on everybody (arXiv 2509.05747).
    """
    return dict(base) | {name: value for name, value in tuned.items() if name.startswith("layers.")}


class FaceModel(nn.Module):
    """A speech encoder, a denoiser, and the mean and standard deviation (52,) that weights are standardised by.

    Raises:
        DuologueError: FAILED_PRECONDITION ``encoder-width`` for an encoder of other features than the denoiser takes.
    """

    def __init__(self, encoder: SpeechEncoder, denoiser: FaceDenoiser, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.encoder, self.denoiser, self.config = encoder, denoiser, denoiser.config
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        if encoder.width != self.config.speech_width:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "encoder-width",
                f"this face was trained on {self.config.speech_width}-wide speech features; the encoder makes {encoder.width}.",
                field="face",
            )

    @classmethod
    def untrained(
        cls, seed: int = 0, config: FaceConfig | None = None, encoder: EncoderConfig | None = None
    ) -> FaceModel:
        """Return a model with random parameters."""
        config = config or FaceConfig()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            speech, denoiser = SpeechEncoder(encoder or EncoderConfig()), FaceDenoiser(config)
        return cls(speech, denoiser, torch.zeros(len(config.shapes)), torch.ones(len(config.shapes)))

    @classmethod
    def load(cls, checkpoint: Checkpoint, encoder: Path | None = None, denoiser: Denoiser | None = None) -> FaceModel:
        """Build the networks that a checkpoint describes and fill them.

        Args:
            checkpoint: a face's.
            encoder: a pretrained Wav2Vec2's folder, in place of the checkpoint's own speech encoder.
            denoiser: by default the swap where the checkpoint was fine-tuned.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` for another model's checkpoint, tensors that don't fit its
                config, or one that was not fine-tuned when that is asked for; ``encoder-width``, ``encoder-unreadable``.
        """
        config = read_config(checkpoint.require(MODEL), FaceConfig)
        if config.shapes != NAMES:
            raise checkpoint.foreign("its shapes are not the 52 that this version writes")
        tensors = checkpoint.tensors()
        if any(name not in tensors or tensors[name].shape != (len(NAMES),) for name in ("mean", "std")):
            raise checkpoint.foreign(f"its mean and std don't have {len(NAMES)} values each")
        network = FaceDenoiser(config)
        fill(network, _chosen(checkpoint, tensors, denoiser), checkpoint)
        speech = SpeechEncoder.pretrained(encoder) if encoder else _own_encoder(checkpoint, tensors)
        return cls(speech, network, tensors["mean"], tensors["std"])

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.mean.device

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return (config, tensors) as ``checkpoints.store.write_checkpoint`` takes them. A pretrained encoder is left out."""
        ours = self.encoder.config
        tensors = {name: value for name, value in self.state_dict().items() if ours or not name.startswith("encoder.")}
        config = {"model": MODEL, "network": asdict(self.config), "encoder": asdict(ours) if ours else None}
        return config, tensors


def _chosen(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], denoiser: Denoiser | None) -> dict[str, Tensor]:
    """Return the parameters of one of a checkpoint's denoisers."""
    base, tuned = under("denoiser.", tensors), under("tuned.", tensors)
    if denoiser in {"swap", "tuned"} and not tuned:
        raise checkpoint.foreign("its lips were never fine-tuned (`duologue train lips`); only its base can be loaded")
    return {"base": base, "tuned": base | tuned, "swap": swap(base, tuned)}[denoiser or "swap"]


def _own_encoder(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> SpeechEncoder:
    if checkpoint.config.get("encoder") is None:
        raise checkpoint.foreign("it holds no speech encoder; point at the folder of the Wav2Vec2 it was trained with")
    encoder = SpeechEncoder(read_config(checkpoint, EncoderConfig, "encoder"))
    fill(encoder, under("encoder.", tensors), checkpoint)
    return encoder
