"""One capsule in skin: how far a point is inside of it, how far until it is out, and how skin sinks around it.

The shape of the dent is that of a sphere in an elastic half-space (H. Hertz 1881; K. L. Johnson, "Contact mechanics", 1985,
section 3.4), faded out; what is displaced comes out as a ring around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.motion.rotations import Floats, einsum

Array = NDArray[np.float64]

REACH: Final = 0.040
"""Metres from a capsule beyond which skin does not move at all."""
WIDTH: Final = 0.014
"""Metres over which a dent fades into the skin around it."""
_THROUGH: Final = 0.012
"""Metres along the dent's axis over which it fades: what lies behind a lip goes along, what stands out beside it does not."""


@dataclass(frozen=True, eq=False)
class Capsules:
    """K capsules over T frames: ``ends`` (T, K, 2, 3) of their lines in the world, ``radius`` (K,); metres."""

    ends: Array
    radius: Array

    def __len__(self) -> int:
        return len(self.ends)

    def chosen(self, which: NDArray[np.bool_]) -> Capsules:
        """Return some of the capsules (K,)."""
        return Capsules(self.ends[:, which], self.radius[which])

    def part(self, frames: slice | NDArray[np.int64]) -> Capsules:
        """Return some of the frames."""
        return Capsules(self.ends[frames], self.radius)

    def apart(self, points: Floats) -> Array:
        """Return how far (T, n, K) points (T, n, 3) are from each capsule's surface; less than 0 inside."""
        return np.sqrt(self.on_lines(points)[0]) - self.radius

    def on_lines(self, points: Floats) -> tuple[Array, Array]:
        """Return the squared distance (T, n, K) of points (T, n, 3) from each capsule's line, and how far along it they meet it.

        By products of matrices alone: it is asked of every vertex near a hand.
        """
        origin = self.ends[:, :1, 0]
        start, line = self.ends[:, :, 0] - origin, self.ends[:, :, 1] - self.ends[:, :, 0]
        points = points - origin
        length = np.maximum(einsum("tki,tki->tk", line, line), 1e-12)[:, None]
        onto = points @ line.swapaxes(1, 2) - einsum("tki,tki->tk", start, line)[:, None]
        along = np.clip(onto / length, 0.0, 1.0)
        square = einsum("tni,tni->tn", points, points)[..., None] + einsum("tki,tki->tk", start, start)[:, None]
        square = square - 2.0 * (points @ start.swapaxes(1, 2)) + along * (along * length - 2.0 * onto)
        return np.maximum(square, 0.0), along

    def from_line(self, points: Floats) -> tuple[Array, Array]:
        """Return vectors (T, n, K, 3) from each capsule's line to points (T, n, 3), and how far along (T, n, K) they meet it."""
        start, line = self.ends[:, :, 0], self.ends[:, :, 1] - self.ends[:, :, 0]
        away = points[:, :, None] - start[:, None]
        length = np.maximum(einsum("tki,tki->tk", line, line), 1e-12)[:, None]
        along = np.clip(einsum("tnki,tki->tnk", away, line) / length, 0.0, 1.0)
        away -= along[..., None] * line[:, None]
        return away, along

    def from_lines(self, points: Array, frame: NDArray[np.int64], capsule: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return vectors (m, 3) to points (m, 3) from one capsule's line each, and how far along (m,) they meet it.

        Args:
            points: where they are.
            frame: (m,), and
            capsule: (m,): which capsule each is held against.
        """
        start = self.ends[:, :, 0]
        line = self.ends[:, :, 1] - start
        length = np.maximum(einsum("tki,tki->tk", line, line), 1e-12)
        away, line = points - start[frame, capsule], line[frame, capsule]
        along = np.clip(einsum("mi,mi->m", away, line) / length[frame, capsule], 0.0, 1.0)
        return away - along[:, None] * line, along


def exit_length(points: Array, directions: Array, ends: Array, radius: Array) -> Array:
    """Return how far (m,) points (m, 3) inside capsules go along unit ``directions`` (m, 3) until they are out; one capsule each.

    The line through the round surface between both ends, else through the ball at the end beyond which it leaves (C. Ericson,
    "Real-time collision detection", 2005, sections 5.3.2 and 5.3.7, solved for the far root).

    Args:
        points: where they are.
        directions: which way they go.
        ends: (m, 2, 3), each one's capsule.
        radius: (m,).
    """
    start, axis = ends[:, 0], ends[:, 1] - ends[:, 0]
    away = points - start
    length, across = einsum("mi,mi->m", axis, axis), einsum("mi,mi->m", axis, directions)
    along, into = einsum("mi,mi->m", axis, away), einsum("mi,mi->m", directions, away)
    a = length - across**2
    b = length * into - along * across
    c = length * einsum("mi,mi->m", away, away) - along**2 - radius**2 * length
    safe = np.maximum(a, 1e-14)
    side = (-b + np.sqrt(np.maximum(b**2 - safe * c, 0.0))) / safe
    height = np.where(a > 1e-12 * np.maximum(length, 1e-12), along + side * across, np.where(across > 0, length, 0.0))
    from_ball = np.where((height > 0)[:, None], points - ends[:, 1], away)
    inward = einsum("mi,mi->m", directions, from_ball)
    ball = -inward + np.sqrt(np.maximum(inward**2 - einsum("mi,mi->m", from_ball, from_ball) + radius**2, 0.0))
    return np.maximum(np.where((height > 0) & (height < length), side, ball), 0.0)


def hertz(distance: Array, contact: Array) -> Array:
    """Return how deep skin is (…,), as a share of the deepest, at lateral ``distance`` from a ball's middle.

    Inside the radius of contact ``a``: 1 - r^2 / 2a^2, the ball itself; outside:
    ((2 - r^2/a^2) asin(a/r) + sqrt(r^2/a^2 - 1)) / pi (Johnson 1985, section 3.4: Hertz pressure).
    """
    ratio = distance / np.maximum(contact, 1e-9)
    far = np.maximum(ratio, 1.0)
    outside = ((2.0 - far**2) * np.arcsin(1.0 / far) + np.sqrt(far**2 - 1.0)) / np.pi
    return np.where(ratio < 1.0, 1.0 - 0.5 * ratio**2, outside)


def fading(distance: Array, wide: Array) -> Array:
    """Return 1 where a dent is, and less the farther beside it: nothing from ``REACH`` less 14 mm on."""
    return 1.0 - smoothstep(np.clip(distance / (REACH - WIDTH) * (WIDTH / wide), 0.0, 1.0))


def ring(distance: Array, wide: Array) -> Array:
    """Return the rim of a dent, where what it displaces comes out: highest a little beyond one width, 0 from ``REACH`` on."""
    hill = np.exp(-(((distance - 1.1 * wide) / (0.6 * wide)) ** 2))
    return hill * (1.0 - smoothstep(np.clip((distance - 0.7 * REACH) / (0.25 * REACH), 0.0, 1.0)))


def through(height: Array) -> Array:
    """Return how much goes along at a ``height`` (…,), metres, above or below the dent along its axis."""
    return np.exp(-((height / _THROUGH) ** 2))
