"""Mixed precision: bfloat16 where the device computes in it."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch

_INSTRUCTIONS: Final = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16")
"""Any of them multiplies matrices of bfloat16; names as ``torch.cpu.get_capabilities`` has them."""


def bfloat16(device: torch.device, *, wanted: bool = True) -> torch.autocast:
    """Return a context in which ``device`` computes in bfloat16; in float32 where it isn't ``wanted`` or would be slower.

    A processor without instructions for it converts each number there and back: products of matrices then take five times as
    long as in float32 (an Intel Xeon with AVX-512 alone), where one that has them takes half.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and (device.type != "cpu" or _has_instructions()))


@cache
def _has_instructions() -> bool:
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch can't tell, and most machines that train have them
        return True
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in _INSTRUCTIONS)
