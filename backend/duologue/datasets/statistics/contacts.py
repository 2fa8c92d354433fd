"""Hands on heads, shoulders, elbows and hands, the own and the partner's (InterAct, arXiv 2509.05747, appendix A.5).

The paper prints no distance. Here bodies are capsules (``motion.capsules``), which are drawn in for soft flesh: a hand touches
from where they are ``NEAR`` to where they are over ``FAR`` from each other, for a tenth of a second at least. So told, the kit's
clips that are named for a hand at face, hair or head touch the head, those of folded arms an elbow, and those of standing and
breathing nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.statistics.placed import Array, Body
from duologue.motion.capsules import Capsules, depths
from duologue.motion.contact import hysteresis
from duologue.motion.rotations import Floats
from duologue.motion.skeleton import Skeleton
from duologue.motion.stances import runs
from duologue.units import FPS

PARTS: Final = ("head", "shoulder", "elbow", "hand")
NEAR: Final = 0.05
"""Metres between surfaces under which a touch begins."""
FAR: Final = 0.06
"""Metres over which it ends: hands that lie on something breathe."""
SHORTEST: Final = FPS // 10
DURATION: Final = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0])
"""Seconds: edges of the bins of durations."""
_SIDES: Final = ("Left", "Right")
Shapes = dict[str, tuple[Floats, Array]]
"""Lines (T, n, 2, 3) and radii (n,) of a part, by ``PARTS`` and side: "Left hand", "head"."""


def shapes(skeleton: Skeleton, matrices: Floats, positions: Floats) -> Shapes:
    """Return what can be touched of a body whose joints are placed, (T, J, 3, 3) and (T, J, 3). An elbow is as thick as its upper
    arm."""
    capsules = Capsules.of(skeleton)
    lines = capsules.place(matrices, positions)

    def part(*names: str) -> tuple[Floats, Array]:
        chosen = capsules.indices(*names)
        return lines[:, chosen], capsules.radii[chosen]

    found: Shapes = {"head": part("head")}
    for side in _SIDES:
        found[f"{side} hand"] = part(f"{side}Hand", f"{side}Fingers")
        found[f"{side} shoulder"] = part(f"{side}Shoulder")
        elbow = positions[:, skeleton.index(f"{side}ForeArm")]
        found[f"{side} elbow"] = (np.repeat(elbow[:, None, None], 2, axis=2), part(f"{side}UpperArm")[1])
    return found


def gaps(toucher: Shapes, touched: Shapes, *, own: bool) -> dict[str, Floats]:
    """Return how far (T,) the toucher's nearer hand is from each of ``PARTS`` of who is touched, metres; below 0 it is in it.

    ``own``: both are one body, whose left hand touches its right and no hand the arm that it hangs on.
    """
    found: dict[str, Floats] = {}
    for hand in _SIDES:
        for name, shape in touched.items():
            side, _, part = name.rpartition(" ")
            if own and side == hand and part in {"hand", "elbow"}:
                continue
            depth = depths(*toucher[f"{hand} hand"], *shape).max((-2, -1))
            found[part] = np.minimum(found[part], -depth) if part in found else -depth
    return found


def touches(gap: Floats, seen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, one past the last frame) of each touch, of distances (T,) in the frames that were seen (T,)."""
    holding = hysteresis(gap < NEAR, gap > FAR) & seen
    return [(first, last + 1) for first, last in runs(holding) if last + 1 - first >= SHORTEST]


def contacts(toucher: Body, touched: Body) -> dict[str, Array]:
    """Return by ``PARTS`` how long (n,) each touch of somebody's hands lasts, seconds."""
    own = toucher is touched
    of_toucher, of_touched = (shapes(body.skeleton, body.matrices, body.positions) for body in (toucher, touched))
    found = gaps(of_toucher, of_touched, own=own)
    seen = toucher.known[:, 0] & touched.known[:, 0]
    return {
        part: np.array([last - first for first, last in touches(gap, seen)], np.float64) / FPS
        for part, gap in found.items()
    }
