"""Wan's weights in our block stack: shapes read off headers, tensors put in one by one, what Wan lacks off until it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from duologue.video.backends.headers import Headers, foreign, read_config
from duologue.video.backends.wan_latent import WanLatent
from duologue.video.conditions import Conditions
from duologue.video.config import VideoConfig
from duologue.video.context import Context
from duologue.video.keys import Layout, from_wan, to_wan
from duologue.video.network import Output, Prepared, VideoDenoiser

Change = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""Takes our tensors by name and returns those that are other ones."""

_HEAD: Final = 128
"""Numbers a head of Wan's has, where no configuration says otherwise."""


class WanDenoiser(VideoDenoiser):
    """Our network in 16 bits where weights are: what adds up (norms, tables, latents) stays in 32."""

    sixteen = False

    def prepare(self, conditions: Conditions, mode: str, shape: torch.Size) -> Prepared:
        """See ``VideoDenoiser``."""
        with self._cast(conditions.pattern.device):
            return super().prepare(conditions, mode, shape)

    def forward(self, x: Tensor, t: Tensor, prepared: Prepared, structure: Tensor | None = None) -> Output:
        """See ``VideoDenoiser``; what comes out is in 32 bits."""
        with self._cast(x.device):
            made = super().forward(x, t, prepared, structure)
        return made._replace(x0=made.x0.float(), structure=None if made.structure is None else made.structure.float())

    def _cast(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.sixteen)


class WanModel(nn.Module):
    """What ``VideoPipeline`` takes: the network, and one autoencoder for pictures and structure."""

    def __init__(self, denoiser: WanDenoiser, vae: Any) -> None:
        super().__init__()
        self.config, self.denoiser = denoiser.config, denoiser
        self.picture = self.structure = WanLatent(vae)


def layout_of(headers: Headers) -> Layout:
    """Return whether names are diffusers' or the original ones."""
    return "diffusers" if any(".attn1." in name for name in headers) else "original"


def wan_config(headers: Headers, folder: Path) -> VideoConfig:
    """Return the sizes of Wan's transformer from its headers, and its heads from ``config.json``, where there is one.

    Raises:
        DuologueError: FAILED_PRECONDITION ``weights-foreign`` where these are no weights of Wan's.
    """
    theirs = layout_of(headers) == "diffusers"
    enter, text, time, inner = (
        ("patch_embedding", "condition_embedder.text_embedder.linear_1", "condition_embedder.time_embedder.linear_1",
         "blocks.0.ffn.net.0.proj")
        if theirs
        else ("patch_embedding", "text_embedding.0", "time_embedding.0", "blocks.0.ffn.0")
    )  # fmt: skip
    for name in (enter, text, time, inner):
        if f"{name}.weight" not in headers:
            raise foreign(headers, f"{name}.weight of Wan's transformer is not in them")
    width, channels = headers[f"{enter}.weight"].shape[:2]
    blocks = {int(name.split(".")[1]) for name in headers if name.startswith("blocks.")}
    about = read_config(folder / "config.json") if (folder / "config.json").is_file() else {}
    heads = int(about.get("num_attention_heads", about.get("num_heads", max(width // _HEAD, 1))))
    return VideoConfig(
        width=width,
        layers=1 + max(blocks),
        heads=heads,
        feedforward=headers[f"{inner}.weight"].shape[0],
        frequencies=headers[f"{time}.weight"].shape[1],
        channels=channels,
        text_width=headers[f"{text}.weight"].shape[1],
        window=20,
        motion=0,
        prediction="v",
        skip=False,
        shift=5.0,
    )


def without_ours(config: VideoConfig) -> VideoConfig:
    """Return a configuration in which nothing stands that Wan has not: no patterns, prompts, regions, crops to know people by."""
    return replace(config, patterns=(), prompts=0, spatial=0, temporal=0, identity_width=None, expert_width=0)


def build(
    config: VideoConfig, headers: Headers, device: str, changes: Iterable[Change] = (), *, half: bool | None = None
) -> WanDenoiser:
    """Return the network with Wan's weights and what ``changes`` make of them, on the CPU.

    What Wan has not is zero, so it says nothing, until a change gives it. ``half``: 16 bits, by default on a GPU.

    Raises:
        DuologueError: what :meth:`.Headers.check` raises.
    """
    layout, small = layout_of(headers), device.startswith("cuda") if half is None else half
    with torch.device("meta"):
        denoiser = WanDenoiser(config)
    names = to_wan(denoiser.state_dict(), layout)
    headers.check({name: tuple(value.shape) for name, value in names.items()}, "Wan's transformer")
    given = {name: _kept(name, value, half=small) for name, value in headers.tensors(names)}
    ours = from_wan(given, denoiser.state_dict(), layout)
    del given
    tensors = {name: _silent(name, value) if value.is_meta else value for name, value in ours.items()}
    for change in changes:
        tensors |= {name: _kept(name, value, half=small) for name, value in change(tensors).items()}
    denoiser.load_state_dict(tensors, assign=True)
    # What is no part of a checkpoint is worked out again, on memory that is there.
    denoiser.context.places = Context(replace(config, width=6, heads=1, text_width=0)).places
    denoiser.sixteen = small
    return denoiser.eval().requires_grad_(False)


def adaptable(config: VideoConfig, headers: Headers, device: str) -> WanDenoiser:
    """Return the network with Wan's weights, and what Wan has not as it is drawn for training, on the CPU; 16 bits for a GPU.

    As CoInteract begins: structure's embedding, head and tables are copies of the target's.

    Raises:
        DuologueError: what :meth:`.Headers.check` raises.
    """
    layout, half = layout_of(headers), device.startswith("cuda")
    denoiser = WanDenoiser(config)
    names = to_wan(denoiser.state_dict(), layout)
    headers.check({name: tuple(value.shape) for name, value in names.items()}, "Wan's transformer")
    given = {name: _kept(name, value, half=half) for name, value in headers.tensors(names)}
    denoiser.load_state_dict(from_wan(given, denoiser.state_dict(), layout), assign=True)
    denoiser.sixteen = half
    return denoiser


def _kept(name: str, value: Tensor, *, half: bool) -> Tensor:
    """Return a tensor as it is held: matrices in 16 bits where that is wanted; norms, biases and tables are small, and add up."""
    matrix = name.endswith(".weight") and value.dim() > 1
    return value.to(torch.bfloat16 if half and matrix else torch.float32)


def _silent(name: str, value: Tensor) -> Tensor:
    norm = name.endswith("weight") and value.dim() == 1
    return torch.ones(value.shape) if norm else torch.zeros(value.shape)


def lora_pairs(headers: Headers) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield low-rank pairs: the changed tensor's name, those of A and B, and of ``alpha`` where it is there."""
    for name in sorted(headers):
        for a, b in ((".lora_A.", ".lora_B."), (".lora_down.", ".lora_up.")):
            if a in name and (other := name.replace(a, b)) in headers:
                stem = name.partition(a)[0]
                alpha = f"{stem}.alpha"
                yield f"{stem}.weight", name, other, alpha if alpha in headers else None


def merged(weight: Tensor, a: Tensor, b: Tensor, alpha: float | None = None) -> Tensor:
    """Return ``W + alpha / rank B A`` (LoRA: Hu et al. 2021, arXiv 2106.09685); ``alpha`` None: the rank."""
    rank = a.shape[0]
    scale = 1.0 if alpha is None else alpha / rank
    return weight.float() + scale * (b.float().flatten(1) @ a.float().flatten(1)).reshape(weight.shape)
