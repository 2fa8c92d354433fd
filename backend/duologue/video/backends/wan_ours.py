"""Our pipeline on Wan's weights: with CoInteract's tensors (``wan-cointeract``), or with an adapter of ours (``wan-lora``)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from duologue.video.backends import memory
from duologue.video.backends.headers import Headers, foreign, missing, read_headers
from duologue.video.backends.pipeline import PipelineBackend
from duologue.video.backends.wan_adapter import Adapter
from duologue.video.backends.wan_cointeract_keys import CoInteractChange, expert_width, stripped
from duologue.video.backends.wan_denoiser import WanDenoiser, WanModel, build, layout_of, wan_config, without_ours
from duologue.video.backends.wan_parts import Part, folder_of, library, work
from duologue.video.backends.wan_text import NEGATIVE, WanText
from duologue.video.config import VideoConfig
from duologue.video.keys import to_wan
from duologue.video.pipeline import VideoPipeline

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS: Final = "trainable_cond_mask.weight"
_COINTERACT: Final = (
    "a folder of Wan2.2-S2V-14B and CoInteract's checkpoint.safetensors, with vae, text_encoder and tokenizer"
)
_LORA: Final = "Wan's transformer, vae, text_encoder and tokenizer as diffusers has them, and our adapter in adapter"


_FILES: Final = ("checkpoint.safetensors", "cointeract.safetensors")
_GUIDANCE: Final = 5.0
"""Of the text: the paper's."""


class WanPipelineBackend(PipelineBackend):
    """What both have in common. Headers are checked at once, memory before anything is loaded, weights when pictures are asked
    for."""

    def __init__(self, name: str, root: Path, device: str) -> None:
        super().__init__(name)
        self._vae_kind = library().AutoencoderKLWan
        self._device, self._root = device, root
        self._vae, self._text = Part.open(root / "vae", self._vae_kind), WanText(root, device)
        self._loaded: VideoPipeline | None = None
        self._words: dict[str, NDArray[np.float32]] = {}

    def fit(self, config: VideoConfig, headers: Headers, size: tuple[int, int]) -> None:
        """Check the sizes of all parts against each other, and whether there is memory.

        Raises:
            DuologueError: FAILED_PRECONDITION ``weights-foreign``, ``memory-short``.
        """
        if config.text_width != self._text.width:
            what = f"its tokens have {self._text.width} numbers, and the transformer takes {config.text_width}"
            raise foreign(self._text.part.headers, what)
        if config.channels != (channels := int(self._vae.config["z_dim"])):
            raise foreign(self._vae.headers, f"it has {channels} channels, and the transformer takes {config.channels}")
        each = 2 if self._device.startswith("cuda") else 4
        parts = {
            "transformer and vae": headers.numbers * each + self._vae.bytes(self._device),
            "text_encoder": self._text.part.bytes(self._device),
        }
        frames = 4 * (config.window - 1) + 1
        calls = work(size, frames, config.width, config.feedforward, each)
        # The text encoder is let go before the rest is loaded; our stack holds all of its blocks.
        memory.choose(memory.Need(parts, 0, calls), self._device, tiers=("models",))
        named = {"transformer": headers, "vae": self._vae.headers, "text_encoder": self._text.part.headers}
        self.weights = {name: part.fingerprint() for name, part in named.items()}

    @abstractmethod
    def network(self) -> WanDenoiser:
        """Load the network that was checked."""

    def pipeline(self) -> VideoPipeline:
        """See ``PipelineBackend``."""
        if self._loaded is None:
            model: Any = WanModel(self.network(), self._vae.load(torch.float32))
            self._loaded = VideoPipeline(model, self._device)
        return self._loaded

    def text(self, prompt: str) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """See ``PipelineBackend``."""
        if absent := [one for one in (prompt, NEGATIVE) if one not in self._words]:
            self._words |= dict(zip(absent, self._text.encode(absent), strict=True))
        return self._words[prompt], self._words[NEGATIVE]


class WanLoraBackend(WanPipelineBackend):
    """A Wan of any size and an adapter that was trained on it: all of our modes."""

    def __init__(self, weights: Path | None, device: str = "cpu", size: tuple[int, int] = (832, 480)) -> None:
        root = folder_of(weights, "wan-lora", _LORA)
        super().__init__("wan-lora", root, device)
        if not (root / "adapter").is_dir():
            raise missing([root / "adapter" / "manifest.json"])
        self._adapter = Adapter(root / "adapter")
        self._headers = read_headers(root / "transformer")
        self._adapter.fits(wan_config(self._headers, root / "transformer"))
        self.fit(self._adapter.config, self._headers, size)
        self.weights["adapter"] = self._adapter.checkpoint.sha256

    def network(self) -> WanDenoiser:
        """See ``WanPipelineBackend``."""
        return build(self._adapter.config, self._headers, self._device, [self._adapter.change])


class WanCoInteractBackend(WanPipelineBackend):
    """CoInteract's released model on Wan2.2-S2V, without speech: the paper's modes, structure dropped or made along.

    Its weights are read in the original layout and in diffusers'. What of them speech, a pose video and packed motion need has no
    counterpart here and is left out; the report counts it.
    """

    def __init__(self, weights: Path | None, device: str = "cpu", size: tuple[int, int] = (832, 480)) -> None:
        root = folder_of(weights, "wan-cointeract", _COINTERACT)
        super().__init__("wan-cointeract", root, device)
        own = next((root / name for name in _FILES if (root / name).is_file()), None)
        if own is None:
            raise missing([root / _FILES[0]])
        self._place = root / "transformer" if (root / "transformer").is_dir() else root
        self._headers, self._own = read_headers(self._place), read_headers(own)
        plain = without_ours(wan_config(self._headers, self._place))
        inner = expert_width(stripped(self._own), self._own)
        self._config = replace(plain, expert_width=inner, structure_clean=True)
        self.fit(self._config, self._headers, size)
        self.weights["cointeract"] = self._own.fingerprint()
        self.strengths = {"text": _GUIDANCE}
        self._notes: list[str] = []

    def network(self) -> WanDenoiser:
        """See ``WanPipelineBackend``."""
        kinds = dict(self._headers.tensors([_KINDS])).get(_KINDS) if _KINDS in self._headers else None
        change = CoInteractChange(self._config, self._own, kinds)
        built = build(self._config, self._headers, self._device, [change])
        used = len(to_wan(built.state_dict(), layout_of(self._headers))) + (kinds is not None)
        self._notes = [
            f"{len(self._headers) - used} tensors of Wan2.2-S2V and {len(change.unused)} of CoInteract's are not used: speech, "
            "pose videos and packed motion have no counterpart here"
        ]
        return built

    def pipeline(self) -> VideoPipeline:
        """See ``PipelineBackend``."""
        found = super().pipeline()
        self.report.notes += self._notes
        return found
