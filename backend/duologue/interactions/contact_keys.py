"""Skin's movement as few corrective shapes: the fewest whose largest error is under half a millimetre, and their curves.

A dent travels over a face, but its offsets over time lie near few directions (as captured hand-made deformation does: arXiv
2510.17181), so a truncated singular value decomposition holds them. The shapes are of the mesh at rest, before its armature
bends it: nothing is deformed twice, and any program that knows morph targets shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.interactions.press import Pressed
from duologue.interactions.surface import COARSE
from duologue.motion.rotations import einsum

Array = NDArray[np.float64]

PREFIX: Final = "duologue_touch_"
MOST: Final = 24
"""Shapes that one mesh gets at most."""
ERROR: Final = 0.0005
"""Metres: the largest error of any vertex in any frame that is let pass."""
_UNSEEN: Final = 1e-5
"""Metres: a shape that moves nothing by more is left out."""


@dataclass(frozen=True, eq=False)
class ContactKeys:
    """K corrective shapes of one mesh and their values over T frames."""

    vertices: NDArray[np.int64]
    """(m,): the vertices that they move."""
    deltas: Array
    """(K, m, 3): how far, at value 1; metres, our axes, of the mesh at rest."""
    values: Array
    """(T, K): in [0, 1], as most programs hold morph targets to; in [-1, 1] where that would take more than ``MOST`` shapes."""
    error: float
    """Metres: the largest distance of any vertex in any frame from where it was to be."""
    largest: float
    """Metres: how far the farthest vertex is moved."""
    left: float
    """Metres that skin still stands in the hand at worst, because tissue gives no further."""
    edge: float
    """Metres: the median edge where skin moves at least half as far as at most; 0 without a dent."""

    def __len__(self) -> int:
        return len(self.deltas)

    @property
    def names(self) -> tuple[str, ...]:
        """What the shapes are called: ``duologue_touch_01`` and on."""
        return tuple(f"{PREFIX}{k + 1:02d}" for k in range(len(self)))

    @property
    def coarse(self) -> bool:
        """Whether the mesh samples the dent too coarsely: its edges are wider than ``surface.COARSE``."""
        return self.edge > COARSE

    def offsets(self) -> Array:
        """Return what the shapes make of it (T, m, 3)."""
        return einsum("tk,kmi->tmi", self.values, self.deltas)


def contact_keys(pressed: Sequence[Pressed], most: int = MOST, error: float = ERROR) -> ContactKeys:
    """Return the fewest shapes that hold what was done to one character's skin, all offsets of the same T frames summed.

    Raises:
        DuologueError: INVALID_ARGUMENT ``pressed-frames`` for parts of different lengths, or for none.
    """
    lengths = {len(part.offsets) for part in pressed}
    if len(lengths) != 1:
        raise invalid(
            "pressed-frames", f"the parts of a touch have {sorted(lengths)} frames; they must have the same number"
        )
    vertices = np.unique(np.concatenate([part.skin.vertices for part in pressed]))
    total = np.zeros((lengths.pop(), len(vertices), 3))
    edge = np.zeros(len(vertices))
    for part in pressed:
        place = np.searchsorted(vertices, part.skin.vertices)
        total[:, place] += part.offsets
        edge[place] = part.skin.edge
    size = np.linalg.norm(total, axis=-1).max(axis=0, initial=0.0)
    moved = size > 0
    deltas, values = _decomposed(total[:, moved], most, error)
    deltas, values = _positive(deltas, values, most)
    held = einsum("tk,kmi->tmi", values, deltas)
    dented = edge[moved & (size >= 0.5 * size.max(initial=0.0))]
    return ContactKeys(
        vertices[moved],
        deltas,
        values,
        _largest(total[:, moved] - held),
        float(size.max(initial=0.0)),
        max(float(part.left.max(initial=0.0)) for part in pressed),
        float(np.median(dented)) if len(dented) else 0.0,
    )


def _decomposed(total: Array, most: int, error: float) -> tuple[Array, Array]:
    """Split offsets (T, m, 3) into shapes (K, m, 3) and values (T, K), adding shapes until the largest error is small enough."""
    frames, count = total.shape[:2]
    active = np.flatnonzero(np.abs(total).max(axis=(1, 2), initial=0.0) > 0)
    flat = total[active].reshape(len(active), 3 * count)
    left, sizes, right = np.linalg.svd(flat, full_matrices=False) if flat.size else (flat, np.zeros(0), flat)
    shapes = right.reshape(len(sizes), count, 3)
    residual, used = total[active], 0
    while used < min(most, len(sizes)) and _largest(residual) > error:
        residual = residual - sizes[used] * left[:, used, None, None] * shapes[used]
        used += 1
    values = np.zeros((frames, used))
    values[active] = left[:, :used] * sizes[:used]
    return shapes[:used], values


def _positive(deltas: Array, values: Array, most: int) -> tuple[Array, Array]:
    """Scale values to at most 1, and give a shape that goes both ways a twin for the other way, unless those are too many."""
    signs = [(k, sign) for k in range(len(deltas)) for sign in (1.0, -1.0)]
    farthest = np.linalg.norm(deltas, axis=-1).max(axis=1, initial=0.0)
    seen = [(k, sign) for k, sign in signs if (sign * values[:, k]).max() * farthest[k] > _UNSEEN]
    if len(seen) > most:
        top = np.abs(values).max(axis=0)
        return deltas * top[:, None, None], values / top
    top = np.array([(sign * values[:, k]).max() for k, sign in seen])
    shapes = np.array([sign * size * deltas[k] for (k, sign), size in zip(seen, top, strict=True)])
    parts = [np.maximum(sign * values[:, k], 0.0) / size for (k, sign), size in zip(seen, top, strict=True)]
    return shapes.reshape(len(seen), *deltas.shape[1:]), np.array(parts).reshape(len(seen), len(values)).T


def _largest(offsets: Array) -> float:
    return float(np.linalg.norm(offsets, axis=-1).max(initial=0.0))
