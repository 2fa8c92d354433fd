"""How two hands lie on or in each other: palm on palm by their own meshes, and each finger closed onto the other hand's.

Worked out once for two hands, for they hold each other in the same way as long as they do. Fingers close joint by joint, each
until its own part touches, as grasps are planned (A. Miller and P. Allen, "GraspIt!", 2004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape, hand_shapes
from duologue.interactions.mesh_depth import depths
from duologue.interactions.palms import Palms
from duologue.interactions.patterns import Pattern

_TOUCHED: Final = 0.0015
"""Metres that a finger which closes may be in the other hand."""
_STEP: Final = 8.0
_HALVED: Final = 3
"""Degrees by which a joint is closed at a time, and how often the last step is halved."""
_KNUCKLE: Final = 0.55
"""Of a finger's first bone, up to where skin belongs to the knuckle."""
_STAGES: Final = ((0.0, 0.6), (0.2, 0.8), (0.4, 1.0))
"""When a finger's three joints close, of the whole closing: those near the palm lead."""
_KEYS: Final = 9
_OFF: Final = (0.0, 6.0, 12.0, 20.0, 30.0, 40.0)
"""Degrees by which a finger on its way is bent off at its first joint."""
_ASIDE: Final = (0.0, 15.0, -15.0, 30.0, -30.0)
"""Degrees by which a thumb on its way is turned over more."""
_THINNED: Final = 3
"""Of a thumb's vertices every so many tell how it lies."""
_AROUND: Final = 0.02
"""Metres round a finger's reach within which the other hand is looked at."""
_OPPOSED: Final = (-30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0)
_BASES: Final = (-25.0, -12.0, 0.0, 12.0, 25.0)
_BENT: Final = (0.0, 15.0, 30.0, 45.0)
"""Degrees by which a thumb is turned over, and bent at its joints."""

Depth = Callable[[Array], Array]
"""How deep (n,) points (n, 3) in the meeting's axes are in what a finger closes onto."""


@dataclass(frozen=True, eq=False)
class Clasp:
    """How hands lie on each other, the performer's first, in the axes of their meeting: left, up, ahead as the performer sees it,
    from where they meet. ``frames`` (2, 3, 3); ``wrists`` (2, 3); ``shapes``: of each hand, from open to closed."""

    frames: Array
    wrists: Array
    shapes: tuple[tuple[HandShape, ...], tuple[HandShape, ...]]

    def points(self, k: int, hand: Hand, shape: HandShape) -> Array:
        """Return where the vertices (n, 3) of hand ``k`` are in a shape."""
        return self.wrists[k] + hand.surface(shape) @ self.frames[k].T


@lru_cache(maxsize=16)
def clasp_of(first: Hand, second: Hand, pattern: Pattern) -> Clasp:
    """Let two hands meet as a pattern has it."""
    return _Closing((first, second), pattern).clasp()


class _Closing:
    def __init__(self, hands: tuple[Hand, Hand], pattern: Pattern) -> None:
        self.palms, self.hands, self.pattern = Palms(hands, pattern), hands, pattern
        # Palms lie on each other flat; hands that come to clasp are bent a little.
        self.open = hand_shapes().get(pattern.shape + "-open", hand_shapes()[pattern.shape])
        self.closed = hand_shapes()[pattern.shape + "-closed"]
        self.shapes = self.palms.shapes

    def clasp(self) -> Clasp:
        if self.pattern.clasps:
            for k in (0, 1):
                self._close(k, self._into_other(k))
            for k in (0, 1):
                self._fold_thumb(k)
        else:
            for k in (0, 1):
                self._close(k, self._over_middle(k))
        ways = self._ways()
        return Clasp(self.palms.frames, self.palms.wrists, (tuple(ways[0]), tuple(ways[1])))

    def _ways(self) -> tuple[list[HandShape], list[HandShape]]:
        """Return each hand's shapes from open to closed; fingers that would go through the other hand are bent off it."""
        ways: tuple[list[HandShape], list[HandShape]] = ([], [])
        ends = list(self.shapes)
        for share in np.linspace(0, 1, _KEYS):
            self.shapes[:] = [_between(_no_further(self.open, end), end, float(share)) for end in ends]
            for k in (0, 1):
                if self.pattern.clasps:
                    depth = self._into_other(k)
                    for finger in self.hands[k].fingers:
                        self._bend_off(k, finger, depth)
                ways[k].append(self.shapes[k])
        self.shapes[:] = ends
        return ways

    def _bend_off(self, k: int, finger: str, depth: Depth) -> None:
        shape = self.shapes[k]
        rows = _moved_by(self.hands[k], self.hands[k].segments[finger][0][0])
        rows = rows if finger == "Thumb" else _beyond_knuckle(self.hands[k], finger)
        least = np.inf
        for aside, more in product(_ASIDE if finger == "Thumb" else (0.0,), _OFF) if len(rows) else ():
            bent = shape.with_joint(finger, 0, shape.bends[finger][0] - more)
            bent = replace(bent, oppose=shape.oppose + aside) if aside else bent
            deep = float(depth(self.palms.points(k, rows, bent)).max())
            if deep < least - 0.0005:
                least, self.shapes[k] = deep, bent
            if deep < _TOUCHED + 0.001:
                return

    def _into_other(self, k: int) -> Depth:
        other, normals = self.palms.skin(1 - k)
        return lambda points: _near_depths(points, other, normals)

    def _over_middle(self, k: int) -> Depth:
        """Both hands' fingers go half of the way: onto the plane between the palms."""
        return lambda points: points @ self.palms.out[k]

    def _close(self, k: int, depth: Depth) -> None:
        for finger in (f for f in self.hands[k].fingers if f != "Thumb"):
            self.shapes[k] = self._closed_finger(k, finger, depth)

    def _closed_finger(self, k: int, finger: str, depth: Depth) -> HandShape:
        """Close a finger joint by joint until its part, or what hangs on it, touches."""
        hand, shape = self.hands[k], self.shapes[k]
        bones, _ = hand.segments[finger]
        for i, bone in enumerate(bones):
            rows = _beyond_knuckle(hand, finger) if i == 0 else _moved_by(hand, bone)
            if not len(rows):
                continue

            def free(bend: float, i: int = i, rows: NDArray[np.int64] = rows, shape: HandShape = shape) -> bool:
                bent = shape.with_joint(finger, i, bend)
                return float(depth(self.palms.points(k, rows, bent)).max()) < _TOUCHED

            low, most = shape.bends[finger][i], self.closed.bends[finger][i]
            if not free(low):
                continue
            while low < most:
                bend = min(low + _STEP, most)
                if free(bend):
                    low = bend
                    continue
                for _ in range(_HALVED):
                    middle = 0.5 * (low + bend)
                    low, bend = (middle, bend) if free(middle) else (low, middle)
                break
            shape = shape.with_joint(finger, i, low)
        return shape

    def _fold_thumb(self, k: int) -> None:
        """Lay a thumb onto the other hand: of all ways to hold it the nearest one that is not in it."""
        hand = self.hands[k]
        if "Thumb" not in hand.segments:
            return
        bones, joints = hand.segments["Thumb"]
        rows = _moved_by(hand, bones[0])[::_THINNED]
        last = np.isin(rows, _moved_by(hand, bones[1]))
        other, normals = self.palms.skin(1 - k)
        base = self.palms.wrists[k] + self.palms.frames[k] @ (hand.frame.T @ (joints[0] - hand.wrist))
        around = np.linalg.norm(np.diff(joints, axis=0), axis=1).sum() + _AROUND
        near = np.linalg.norm(other - base, axis=1) < around
        other, normals = other[near], normals[near]
        if not len(other) or not last.any():
            return
        best, found = np.inf, self.shapes[k]
        for oppose, first, bend in product(_OPPOSED, _BASES, _BENT):
            bends = {**self.shapes[k].bends, "Thumb": (first, bend, 0.8 * bend)}
            shape = replace(self.shapes[k], bends=bends, oppose=oppose)
            points = self.palms.points(k, rows, shape)
            off, deep = _distances(points, other, normals)
            cost = float(off[last].mean()) + 20 * max(deep - _TOUCHED, 0.0) + 1e-5 * abs(bend - 20)
            if cost < best:
                best, found = cost, shape
        self.shapes[k] = found


def _moved_by(hand: Hand, bone: int) -> NDArray[np.int64]:
    """Return which of a hand's vertices (n,) a bone, with all that hangs on it, moves mostly."""
    return np.flatnonzero(hand.character.mesh.weight_of(hand.character.under[bone])[hand.vertices] > 0.5)


def _beyond_knuckle(hand: Hand, finger: str) -> NDArray[np.int64]:
    """Return which of a hand's vertices (n,) are a finger's but not its knuckle's, which hardly moves."""
    bones, points = hand.segments[finger]
    rows = _moved_by(hand, bones[0])
    away = np.linalg.norm(hand.character.mesh.vertices[hand.vertices[rows]] - points[0], axis=1)
    return rows[away > _KNUCKLE * float(np.linalg.norm(points[1] - points[0]))]


def _no_further(first: HandShape, last: HandShape) -> HandShape:
    """Return a shape whose fingers are nowhere bent further than in the last one: round a large hand they hardly close."""
    least = {
        finger: cast("tuple[float, float, float]", tuple(map(min, bend, last.bends[finger])))
        for finger, bend in first.bends.items()
    }
    return replace(first, bends={**least, "Thumb": first.bends["Thumb"]})


def _between(first: HandShape, last: HandShape, share: float) -> HandShape:
    """Return a shape on the way, joints near the palm leading."""
    parts = [float(np.clip((share - begin) / (end - begin), 0.0, 1.0)) for begin, end in _STAGES]
    bends = {
        finger: cast(
            "tuple[float, float, float]",
            tuple(a + part * (b - a) for a, b, part in zip(bend, last.bends[finger], parts, strict=True)),
        )
        for finger, bend in first.bends.items()
    }
    # What is as at rest has no middle: fingers are spread as in the end from the first step on.
    spread = first if share == 0 else last
    oppose = first.oppose + share * (last.oppose - first.oppose)
    return replace(spread, bends=bends, oppose=oppose)


def _near_depths(points: Array, other: Array, normals: Array) -> Array:
    low, high = points.min(axis=0) - _AROUND, points.max(axis=0) + _AROUND
    near = ((other > low) & (other < high)).all(axis=1)
    return depths(points, other[near], normals[near])


def _distances(points: Array, other: Array, normals: Array) -> tuple[Array, float]:
    """Return how far (n,) points are from the nearest vertex, and how deep the deepest is."""
    square = (points**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * points @ other.T
    nearest = square.argmin(axis=1)
    away = points - other[nearest]
    height = (away * normals[nearest]).sum(axis=1)
    aside = np.linalg.norm(away - height[:, None] * normals[nearest], axis=1)
    inside = np.where(aside < 0.008, -height, -np.inf)
    return np.linalg.norm(away, axis=1), float(inside.max())
