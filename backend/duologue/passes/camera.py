"""The camera of a clip: where it stands and how it sees, as Blender's cameras do, and where points fall in its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.errors import invalid

Floats = NDArray[np.floating[Any]]
Size = tuple[int, int]
"""Width and height of a picture, pixels."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole or orthographic camera in our world (metres, Y up).

    ``axes`` (3, 3): its right, up and backward direction (towards what is behind it) as columns, orthonormal. ``focal`` (2,) and
    ``offset`` (2,) map camera space to -1..1 across and up the picture: ``focal * xy / depth + offset`` with perspective,
    ``focal * xy + offset`` without. They carry lens, sensor, aspect and shift. ``near`` and ``far``: what it sees, metres.
    """

    position: Floats
    axes: Floats
    focal: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)
    orthographic: bool = False
    near: float = 0.01
    far: float = 1000.0

    def __post_init__(self) -> None:
        numbers = (*np.ravel(self.position), *np.ravel(self.axes), *self.focal, *self.offset, self.near, self.far)
        if not np.isfinite(numbers).all():
            raise invalid("camera-not-finite", "the camera's place or lens is not finite; see what moves it")

    @classmethod
    def looking(
        cls, position: ArrayLike, target: ArrayLike, *, lens: float = 50.0, sensor: float = 36.0, aspect: float = 1.0
    ) -> Camera:
        """Return an upright camera that looks from ``position`` to ``target``; ``lens`` and ``sensor`` width in mm."""
        place = np.asarray(position, np.float64)
        back = place - np.asarray(target, np.float64)
        back = back / np.linalg.norm(back)
        right = np.cross((0.0, 1.0, 0.0), back)
        right = right / np.linalg.norm(right)
        focal = 2.0 * lens / sensor
        wide, high = (focal, focal * aspect) if aspect >= 1.0 else (focal / aspect, focal)
        return cls(place, np.stack([right, np.cross(back, right), back], axis=1), (wide, high))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-safe values."""
        return {
            "position": [round(float(value), 6) for value in self.position],
            "axes": [[round(float(value), 9) for value in row] for row in self.axes],
            "focal": [float(value) for value in self.focal],
            "offset": [float(value) for value in self.offset],
            "orthographic": self.orthographic,
        }

    def view(self, points: ArrayLike) -> Floats:
        """Turn world points (..., 3) into camera space: right, up, and depth in front of it."""
        seen = (np.asarray(points, np.float64) - self.position) @ self.axes
        seen[..., 2] *= -1.0
        return seen

    def screen(self, seen: Floats, size: Size) -> Floats:
        """Turn points in camera space (..., 3) into pixels (..., 2): x to the right, y down; a centre is at a half."""
        depth = 1.0 if self.orthographic else seen[..., 2:]
        place = seen[..., :2] / depth * self.focal + self.offset
        return (place * (0.5, -0.5) + 0.5) * size

    def project(self, points: ArrayLike, size: Size) -> tuple[Floats, Floats]:
        """Return pixels (..., 2) and depths (...) of world points (..., 3). Behind the camera the pixels mean nothing."""
        seen = self.view(points)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.screen(seen, size), seen[..., 2]

    def footprint(self, depth: Floats, size: Size) -> Floats:
        """Return how many metres a pixel is wide at a depth (...)."""
        one = 2.0 / (np.asarray(self.focal) * size).max()
        return np.broadcast_to(one, np.shape(depth)) if self.orthographic else depth * one

    def rays(self, pixels: Floats, size: Size) -> tuple[Floats, Floats]:
        """Return where the rays of pixels (..., 2) begin and lead, in camera space: points are begin + depth x lead."""
        scale, start = np.array((2.0, -2.0)) / size, np.array((-1.0, 1.0)) - self.offset
        points = np.zeros((*pixels.shape[:-1], 3))
        for axis in (0, 1):
            points[..., axis] = (pixels[..., axis] * scale[axis] + start[axis]) / self.focal[axis]
        if self.orthographic:
            return points, np.broadcast_to((0.0, 0.0, 1.0), points.shape)
        points[..., 2] = 1.0
        return np.zeros(points.shape), points
