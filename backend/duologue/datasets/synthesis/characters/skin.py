"""The head's skin as shapes see it: where a vertex lies on the face, and how skin slides. Head space, centimetres (see head.py).

Skin does not move through the head but slides on it: a field gives (dx, dy) in the front view, and z follows the head's own
surface. One-sided shapes are written for the left; the right one is the same field in mirrored coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.fields import Points, smoothstep
from duologue.datasets.synthesis.characters.head import MOUTH_Y, FaceDesign, HeadMesh

Array = NDArray[np.float64]
HINGE = np.array([0.0, 8.8, -0.5])
JAW_ANGLE = np.deg2rad(17.0)
LINING_FOLLOWS = {-1: 1.0, -2: 0.95, -3: 0.7, -4: 0.3, -5: 0.1}


@dataclass
class Skin:
    """Skin vertices in one side's coordinates: x grows towards the side being modelled."""

    p: Points
    side: int
    lip_ring: Array
    lip_angle: Array
    lid_ring: Array
    lid_angle: Array
    lid_side: Array
    head: HeadMesh
    design: FaceDesign

    def __post_init__(self) -> None:
        self.x, self.y = self.p[:, 0] * self.side, self.p[:, 1]
        z0 = self.head.height(self.p[:, 0], self.p[:, 1])
        e = 0.15
        gx = (self.head.height(self.p[:, 0] + e, self.y) - self.head.height(self.p[:, 0] - e, self.y)) / (2 * e)
        gy = (self.head.height(self.p[:, 0], self.y + e) - self.head.height(self.p[:, 0], self.y - e)) / (2 * e)
        inside = (np.abs(self.p[:, 0]) < 7.4) & (self.y > 0.2) & (self.y < 19.5)
        near = np.abs(self.p[:, 2] - z0) < 1.6
        self.front = smoothstep(2.4, 1.2, np.hypot(gx, gy)) * inside * near
        self.normal = np.stack((-gx * self.side, -gy, np.ones_like(gx)), 1)
        self.normal /= np.linalg.norm(self.normal, axis=1, keepdims=True)
        # in front of the ears only: fields in the front view must not reach the back of the head
        self.face = smoothstep(-1.0, 1.5, self.p[:, 2])
        self.half = smoothstep(-0.75, 0.75, self.x)
        s, c = np.sin(self.lip_angle), np.abs(np.cos(self.lip_angle))
        self.oval = 1 - np.nan_to_num(c) ** 3.2  # 0 at the mouth's corners, 1 in its middle
        beyond = smoothstep(MOUTH_Y - 1.3, MOUTH_Y + 1.3, self.y)
        ring = np.clip(np.nan_to_num(self.lip_ring, nan=8.0), 0, 8) / 8
        in_mouth = ~np.isnan(self.lip_ring)
        at_lip = 0.5 + 0.5 * np.sign(np.nan_to_num(s)) * self.oval**0.5 * (np.abs(np.nan_to_num(s)) > 1e-9)
        ease = ring * ring * (3 - 2 * ring)
        self.upper = np.where(in_mouth, at_lip * (1 - ease) + beyond * ease, beyond)
        # 1 on the lips, fading over the skin around them
        self.lips = np.where(in_mouth, smoothstep(8.0, 3.5, np.nan_to_num(self.lip_ring, nan=8.0)), 0.0)

    def bump(self, x: float, y: float, sx: float, sy: float | None = None) -> Array:
        """Gaussian hill in the front view, on the face only."""
        return np.exp(-0.5 * (((self.x - x) / sx) ** 2 + ((self.y - y) / (sy or sx)) ** 2)) * self.face

    def slide(self, dx: Array, dy: Array, dz: Array | float = 0.0, puff: Array | float = 0.0) -> Points:
        """Displacement that follows the surface, plus a push along z and along the surface's normal."""
        h = self.head.height
        along = h((self.x + dx) * self.side, self.y + dy) - h(self.x * self.side, self.y)
        out = np.stack((dx, dy, np.clip(along, -1.5, 1.5) * self.front + dz), 1)
        out = out + self.normal * np.broadcast_to(puff, dx.shape)[:, None]
        return out * [self.side, 1, 1]


def jaw_motion(p: Points, angle: float = JAW_ANGLE) -> Points:
    """Displacement of points that move with the opened jaw."""
    c, s = np.cos(angle), np.sin(angle)
    q = p - HINGE
    turned = np.stack((q[:, 0], q[:, 1] * c - q[:, 2] * s, q[:, 1] * s + q[:, 2] * c), 1)
    return np.asarray(turned - q + [0.0, 0.0, 0.25], np.float64)
