"""A prompt as Wan takes it: UMT5's last hidden states, 512 tokens, zeros behind the text (arXiv 2503.20314)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.video.backends.headers import missing
from duologue.video.backends.wan_parts import Part, dtype_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS: Final = 512
NEGATIVE: Final = "blurry, low quality, deformed hands, extra fingers, fused fingers, static, watermark, text"
"""What guidance leads away from."""


class WanText:
    """A text encoder's folder, opened. It is loaded for a moment only: it is as large as a small transformer."""

    def __init__(self, root: Path, device: str) -> None:
        from transformers import UMT5EncoderModel

        self._device, self._root = device, root
        self.part = Part.open(root / "text_encoder", UMT5EncoderModel)
        if not any((root / "tokenizer" / name).is_file() for name in ("tokenizer.json", "spiece.model")):
            raise missing([root / "tokenizer" / "tokenizer.json"])

    @property
    def width(self) -> int:
        """Numbers a token has."""
        return int(self.part.config["d_model"])

    def encode(self, prompts: list[str], *, on_device: bool = True) -> list[NDArray[np.float32]]:
        """Return each prompt (512, W). ``on_device``: whether there is room for the encoder on the device."""
        import torch
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(str(self._root / "tokenizer"), local_files_only=True)
        where = self._device if on_device else "cpu"
        encoder = self.part.load(dtype_of(where)).to(where)
        found: list[NDArray[np.float32]] = []
        with torch.inference_mode():
            for prompt in prompts:
                told = tokenizer(
                    [" ".join(prompt.split())], padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
                )  # fmt: skip
                ids, mask = told.input_ids.to(where), told.attention_mask.to(where)
                states = encoder(ids, mask).last_hidden_state[0].float()
                found.append((states * mask[0, :, None]).cpu().numpy())
        return found
