"""A folder of Wan's weights in diffusers' layout, opened part by part: headers first, then whole, never from anywhere else.

``transformer/``, ``vae/``, ``text_encoder/``, ``tokenizer/`` and, for diffusers' own pipelines, ``scheduler/``. The originals'
text encoder and autoencoder are pickles; both exist in this layout as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from duologue.errors import DuologueError
from duologue.video.backends.headers import Headers, missing, read_config, read_headers

EXTRA: Final = "wan"
_STEMS: Final = {"text_encoder": "model"}
_TIED: Final = ("encoder.embed_tokens.weight",)
"""Of a text encoder: the same tensor under a second name, which files leave out."""
_SIXTEEN, _THIRTYTWO = 2, 4
_PIXEL: Final = 96 * 4 * 8
"""Bytes that the autoencoder works in for each pixel of four frames: 96 channels in 32 bits, eight times over."""


def offline() -> None:
    """Have no library ask a hub for anything. Call before diffusers or transformers are imported."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(name, "1")


def library() -> Any:
    """Return diffusers.

    Raises:
        DuologueError: FAILED_PRECONDITION ``backend-unavailable``.
    """
    offline()
    if any(find_spec(name) is None for name in ("diffusers", "transformers", "accelerate")):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "backend-unavailable",
            f"this backend runs on diffusers, transformers and accelerate, which are not all installed; install the extra "
            f"duologue[{EXTRA}], or "
            "take --backend tiny or carried",
            field="--backend",
        )
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    return diffusers


@dataclass(frozen=True)
class Part:
    """A part of a model as its folder has it. ``kind``: the class that reads it, of diffusers or transformers."""

    folder: Path
    kind: Any
    config: Mapping[str, Any]
    headers: Headers

    @classmethod
    def open(cls, folder: Path, kind: Any) -> Part:
        """Read a part's configuration and headers, and check that the class has these tensors and no memory is needed for it.

        Raises:
            DuologueError: what :func:`.headers.read_headers` and :meth:`.Headers.check` raise.
        """
        config = read_config(folder / "config.json")
        headers = read_headers(folder, _STEMS.get(folder.name, "diffusion_pytorch_model"))
        headers.check(_expected(kind, config, headers), kind.__name__)
        return cls(folder, kind, config, headers)

    def load(self, dtype: Any) -> Any:
        """Load it, in evaluation mode."""
        return self.kind.from_pretrained(
            str(self.folder), local_files_only=True, use_safetensors=True, dtype=dtype
        ).eval()

    def bytes(self, device: str) -> int:
        """Return what it takes in memory: 16 bits on a GPU but for the autoencoder, 32 elsewhere."""
        half = device.startswith("cuda") and self.folder.name != "vae"
        return self.headers.numbers * (_SIXTEEN if half else _THIRTYTWO)


def _expected(kind: Any, config: Mapping[str, Any], headers: Headers) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what a class has, built without memory."""
    import torch
    from transformers import PreTrainedModel

    from duologue.video.backends.headers import foreign

    try:
        with torch.device("meta"):
            of_transformers = issubclass(kind, PreTrainedModel)
            made: Any = kind  # both libraries' classes are typed as one or the other
            model: Any = made(made.config_class(**config)) if of_transformers else made.from_config(dict(config))
    except (TypeError, ValueError, KeyError) as error:
        raise foreign(headers, f"its config.json is none of {kind.__name__} ({error})") from error
    return {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in _TIED}


def dtype_of(device: str) -> Any:
    """Return the type that transformers run in on a device: bfloat16 on a GPU."""
    import torch

    return torch.bfloat16 if device.startswith("cuda") else torch.float32


def work(size: tuple[int, int], frames: int, width: int, feedforward: int, bytes_each: int) -> int:
    """Return the bytes that a forward call works in: tokens of a transformer so wide, or the autoencoder on four frames."""
    pixels = size[0] * size[1]
    tokens = pixels // 256 * ((frames - 1) // 4 + 1)
    return max(tokens * (12 * width + 2 * feedforward) * bytes_each, pixels * _PIXEL)


def folder_of(weights: Path | None, name: str, holds: str) -> Path:
    """Return the folder that a backend's weights are in.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing`` where none is named, or it is not there.
    """
    if weights is None:
        raise DuologueError(
            "NOT_FOUND",
            "weights-missing",
            f"{name} takes weights of your own, which are never downloaded; name their folder with --weights DIR ({holds})",
            field="--weights",
        )
    if not weights.is_dir():
        raise missing([weights])
    return weights
