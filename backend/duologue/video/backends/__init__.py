"""What makes pictures of a clip's passes: nothing but the scene, our own network, or weights that users bring. No downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from duologue.labels import check
from duologue.passes.contract import whole_blocks
from duologue.passes.pictures import MAKERS, REGIONS, Event, References
from duologue.video.backends.protocol import Backend, Pictures, Region, Report, Wish, described

BACKENDS: Final = tuple(MAKERS)

__all__ = [
    "BACKENDS",
    "REGIONS",
    "Backend",
    "Event",
    "Pictures",
    "References",
    "Region",
    "Report",
    "Wish",
    "described",
    "open_backend",
]


def open_backend(
    name: str, weights: Path | None = None, device: str = "cpu", size: tuple[int, int] = (128, 128)
) -> Backend:
    """Return a backend, its weights checked: what is wrong with them or with the memory is known before anything is drawn.

    Args:
        name: one of ``BACKENDS``.
        weights: a folder; ``tiny`` also takes a checkpoint's name, ``carried`` none.
        device: ``cpu``, ``cuda:0``, …
        size: of the pictures that will be asked for, any.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``; ``backend-unavailable``, ``weights-missing``, ``weights-unsafe``,
            ``weights-damaged``, ``weights-foreign``, ``memory-short``; what opening a checkpoint raises.
    """
    check(name, BACKENDS, field="--backend")
    size = whole_blocks(size)
    if name == "carried":
        from duologue.video.backends.carried import CarriedBackend

        return CarriedBackend()
    if name == "tiny":
        from duologue.video.backends.tiny import TinyBackend

        return TinyBackend(weights, device, size)
    if name == "wan-vace":
        from duologue.video.backends.wan_vace import WanVaceBackend

        return WanVaceBackend(weights, device, size)
    from duologue.video.backends.wan_ours import WanCoInteractBackend, WanLoraBackend

    kind = WanCoInteractBackend if name == "wan-cointeract" else WanLoraBackend
    return kind(weights, device, size)
