"""Our adapter on Wan: low-rank changes of queries, keys, values, outputs and feed-forwards, and all that Wan has not, whole.

A checkpoint folder like any other (``checkpoints.store``), of the model ``video-adapter``: ``duologue models import`` takes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.checkpoints.config import read_config
from duologue.checkpoints.store import Checkpoint, open_checkpoint, write_checkpoint
from duologue.video.backends.wan_denoiser import merged
from duologue.video.config import VideoConfig
from duologue.video.keys import to_wan
from duologue.video.network import VideoDenoiser

MODEL: Final = "video-adapter"
FORMAT: Final = 1
RANK: Final = 128
"""As CoInteract's."""
_CHANGED: Final = re.compile(r"blocks\.\d+\.(attention|context)\.(query|key|value|out)|blocks\.\d+\.feedforward\.(0|2)")
_A, _B = ".lora_a", ".lora_b"


class LowRank(nn.Module):
    """A linear map that stays as it is, and a low-rank one beside it that begins at 0 (arXiv 2106.09685)."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        like = {"device": base.weight.device, "dtype": torch.float32}
        self.a = nn.Parameter(torch.randn(rank, base.in_features, **like) / rank)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank, **like))

    def forward(self, x: Tensor) -> Tensor:
        """Return both maps' sum."""
        return self.base(x) + functional.linear(functional.linear(x, self.a.to(x.dtype)), self.b.to(x.dtype))


class Trained(nn.Module):
    """What is trained of a network, and nothing of Wan's: what an optimiser, an average and a state need to hold."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], rank: int) -> None:
        super().__init__()
        self.rank = rank
        for name, parameter in parameters.items():
            self.register_parameter(name.replace(".", "/"), parameter)

    def tensors(self) -> dict[str, Tensor]:
        """Return them by the names that they have in an adapter's checkpoint."""
        return {name.replace("/", "."): value for name, value in self.named_parameters()}


def adapt(denoiser: VideoDenoiser, rank: int = RANK) -> Trained:
    """Put low-rank maps beside what is changed, freeze what is Wan's, and return what is trained."""
    shared = set(_shared(denoiser.state_dict()))
    trained = {name: parameter for name, parameter in denoiser.named_parameters() if name not in shared}
    for name, parameter in denoiser.named_parameters():
        parameter.requires_grad_(name in trained)
    for name, module in list(denoiser.named_modules()):
        if _CHANGED.fullmatch(name) and isinstance(module, nn.Linear):
            parent, _, last = name.rpartition(".")
            beside = LowRank(module, rank)
            setattr(denoiser.get_submodule(parent), last, beside)
            trained |= {name + _A: beside.a, name + _B: beside.b}
    return Trained(trained, rank)


def _shared(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of tensors that Wan has too, but for tables: they are of both streams, small, and the adapter's."""
    return [name for name, value in tensors.items() if not name.endswith("table") and to_wan({name: value})]


def wans(denoiser: VideoDenoiser) -> dict[str, Tensor]:
    """Return the tensors of an adapted network that are Wan's and stay as they are, by the names that they have without it."""
    tensors = {name: value for name, value in denoiser.state_dict().items() if not name.endswith((".a", ".b"))}
    plain = {name.replace(".base.", "."): value for name, value in tensors.items()}
    return {name: plain[name] for name in _shared(plain)}


def save_adapter(
    trained: Trained, config: VideoConfig, folder: Path, name: str, about: Mapping[str, Any]
) -> Checkpoint:
    """Write what :func:`adapt` trains of a network of ``config`` as a checkpoint; ``about``: how it was made."""
    written = {"model": MODEL, "format": FORMAT, "network": asdict(config), "training": dict(about)}
    return write_checkpoint(folder, name, written, trained.tensors())


class Adapter:
    """An adapter's checkpoint, to be put on Wan's weights.

    Raises:
        DuologueError: what ``open_checkpoint`` raises; FAILED_PRECONDITION ``checkpoint-foreign``.
    """

    def __init__(self, place: Path | str) -> None:
        self.checkpoint = open_checkpoint(place)
        if (written := self.checkpoint.require(MODEL).config.get("format")) != FORMAT:
            raise self.checkpoint.foreign(f"its format is {written!r} and this version reads {FORMAT}")
        self.config = read_config(self.checkpoint, VideoConfig)

    def fits(self, base: VideoConfig) -> None:
        """Check that it was made for a base of these sizes.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign``.
        """
        sizes = ("width", "layers", "heads", "feedforward", "channels", "text_width", "frequencies")
        if other := [name for name in sizes if getattr(self.config, name) != getattr(base, name)]:
            told = ", ".join(f"{name} {getattr(self.config, name)} for {getattr(base, name)}" for name in other)
            raise self.checkpoint.foreign(f"it was made for another size of Wan: {told}")

    def change(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the tensors that it changes or adds (``wan_denoiser.Change``)."""
        mine = self.checkpoint.tensors()
        found: dict[str, Tensor] = {}
        for name, value in mine.items():
            if name.endswith(_A):
                stem = name.removesuffix(_A)
                found[f"{stem}.weight"] = merged(tensors[f"{stem}.weight"], value, mine[stem + _B])
            elif not name.endswith(_B):
                found[name] = value
        if strange := [
            name for name, value in found.items() if name not in tensors or value.shape != tensors[name].shape
        ]:
            raise self.checkpoint.foreign(f"{strange[0]} fits nothing of the network that it describes")
        return found
