"""A clip of passes in memory: two people as moving blocks, with everything that backends read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from duologue.passes.contract import Passes, label
from duologue.passes.sources import HeldPasses
from duologue.video.backends import Event

SIDE = 32


def clip(frames: int = 17, side: int = SIDE) -> HeldPasses:
    """Two heads, one body and a hand that moves across, over a grey background."""
    rng = np.random.default_rng(5)
    part = np.zeros((frames, side, side), np.uint8)
    body, head, hand = 1, 2, 3
    one, two = np.uint8(1), np.uint8(2)
    for k in range(frames):
        part[k, side // 2 :, : side // 2] = label(one, np.uint8(body))
        part[k, 4 : side // 2, 4 : side // 2] = label(one, np.uint8(head))
        part[k, 4 : side // 2, side // 2 + 4 : -4] = label(two, np.uint8(head))
        across = 2 + k % (side - 10)
        part[k, side // 2 - 2 : side // 2 + 6, across : across + 6] = label(two, np.uint8(hand))
    look = rng.integers(30, 220, (256, 3)).astype(np.uint8)
    beauty = look[part]
    grain = rng.integers(0, 20, beauty.shape).astype(np.uint8)
    depth = np.where(part > 0, 1.0 + part / 64.0, np.inf).astype(np.float16)
    contact = np.zeros((*part.shape, 3), np.uint8)
    contact[..., 0] = np.where(part == label(two, np.uint8(hand)), 200, 0)
    return HeldPasses(
        Passes(
            beauty=beauty + grain,
            structure=np.where(part[..., None] > 0, np.uint8(150), np.uint8(0)) + grain,
            part=part,
            depth=depth,
            contact=contact,
            pose=np.where(contact > 0, np.uint8(255), np.uint8(0)),
            carried=beauty,
            relit=beauty + np.uint8(1),
            hole=(part == label(two, np.uint8(hand))).astype(np.uint8),
            depth_range=(1.0, 2.0),
        ),
        fps=15.0,
    )


def cropped(passes: HeldPasses, width: int, height: int) -> HeldPasses:
    """What is above and to the left of a size."""
    held = passes.passes
    return replace(
        passes, passes=replace(held, **{name: getattr(held, name)[:, :height, :width] for name in held.names})
    )


PEOPLE = {
    name: {
        kind: np.random.default_rng(seed).integers(0, 255, (24, 20, 3)).astype(np.uint8)
        for kind in ("face", "hand", "full")
    }
    for seed, name in enumerate("AB")
}
EVENTS = (Event("stroke-cheek", "B", "A", 4.0, 12.0),)
