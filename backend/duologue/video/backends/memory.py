"""Whether there is memory for a model, asked before it is loaded, and which way of holding it fits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue.errors import DuologueError

_GIGA: Final = 1e9
_ROOM: Final = 1.1
"""Of what is held, for what else a runtime takes."""

TIERS: Final = ("whole", "models", "blocks")
"""How a model is held: all of it on the device; one part of it at a time (text, transformer, autoencoder); one block at a time.
What is not on a GPU waits in the machine's own memory."""
_HELD: Final = {"whole": "as a whole", "models": "a part at a time", "blocks": "a block at a time"}


@dataclass(frozen=True)
class Need:
    """Bytes: of each ``part`` of a model, of the transformer's largest ``block``, and of what a forward call works in."""

    parts: Mapping[str, int]
    block: int
    work: int

    def of(self, tier: str) -> int:
        """Return what a tier takes on the device."""
        held = {
            "whole": sum(self.parts.values()),
            "models": max(self.parts.values()),
            "blocks": 2 * self.block,
        }[tier]
        return int(_ROOM * held) + self.work


def choose(need: Need, device: str, free: int | None = None, tiers: Sequence[str] = ()) -> str:
    """Return the first way of holding a model that fits the device.

    Args:
        need: of the model.
        device: ``cpu``, ``cuda:0``, …
        free: bytes; by default what the device has.
        tiers: what the backend knows of ``TIERS``; by default all on a GPU, and ``whole`` elsewhere.

    Raises:
        DuologueError: FAILED_PRECONDITION ``memory-short``, with what each tier would take.
    """
    available = free_memory(device) if free is None else free
    tiers = tiers or (TIERS if device.startswith("cuda") else TIERS[:1])
    if available is None:
        return tiers[0]
    for tier in tiers:
        if need.of(tier) <= available:
            return tier
    takes = ", ".join(f"{need.of(tier) / _GIGA:.2f} GB {_HELD[tier]}" for tier in tiers)
    raise DuologueError(
        "FAILED_PRECONDITION",
        "memory-short",
        f"{device} has {available / _GIGA:.2f} GB free, and this model takes {takes}; choose a smaller --size, a smaller "
        "model (1.3B), another --device, or --backend carried, which has none",
        field="--backend",
    )


def free_memory(device: str) -> int | None:
    """Return the bytes that are free on a device; None where that can't be told."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
