"""How a plain picture is lit where there is no Blender: lamps, their colours, what is behind everybody, and the key's shadow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera, Size
from duologue.passes.raster import Hits, rasterise
from duologue.passes.reprojection import around, far_pixels
from duologue.passes.shading import AMBIENT, LAMPS, falloff, interpolate, under_light
from duologue.passes.surface import Mesh

Floats = NDArray[np.floating[Any]]

_SHADOW_SIZE: Final = 256
"""Pixels across the key's own picture, in which it sees what it lights: about 4 mm each."""
_BIAS: Final = 0.006
"""Metres that a point may lie behind what the lamp sees and still be lit: a pixel of its picture is as wide."""
_DARK: Final = 0.75
"""Of the key's light, how much a shadow takes."""


@dataclass(frozen=True, eq=False)
class Look:
    """``lamps`` (L, 4): direction and strength, the key first; in the world where ``standing``, else in the camera's axes.

    ``colours`` (L, 3): of their light, linear, 1 is white. ``background``: sRGB, (3,), or (h, w, 3): what ``backdrop`` sees
    behind everybody, so far away that a camera's turn moves it and its place does not.
    """

    lamps: Floats = field(default_factory=lambda: np.array(LAMPS))
    colours: Floats | None = None
    background: Floats = field(default_factory=lambda: np.array((96.0, 100.0, 108.0)))
    backdrop: Camera | None = None
    ambient: float = AMBIENT
    standing: bool = False
    shadows: bool = False

    def draw(self, mesh: Mesh, hits: Hits, normal: Floats, camera: Camera) -> Floats:
        """Return the lit picture (2H, 2W, 3), sRGB 0..255, of what was hit at two samples a pixel each way."""
        lamps = np.array(self.lamps, np.float64)
        if self.standing:
            lamps[:, :3] = lamps[:, :3] @ camera.axes
        reach = falloff(normal, lamps[:, :3])
        if self.shadows and len(reach):
            towards = lamps[0, :3] / np.linalg.norm(lamps[0, :3])
            cosine = normal @ towards
            # A lamp grazes what it lights: there a map of pixels would speckle, and half of Lambert's light is faint anyway.
            facing = np.clip(cosine / 0.25, 0.0, 1.0)
            reach[:, 0] *= 1.0 - _DARK * facing * shadow(mesh, hits, camera.axes @ towards, cosine)
        colours = np.ones((len(lamps), 3)) if self.colours is None else self.colours
        light = reach @ (lamps[:, 3:] * colours) + self.ambient
        return under_light(
            mesh, hits, light, self.background if self.backdrop is None else _behind(self, camera, hits.size)
        )


@lru_cache(maxsize=2)
def _behind(look: Look, camera: Camera, size: Size) -> Floats:
    """Return the far background (H, W, 3) of a camera's picture; beyond the backdrop's edge its own edge goes on."""
    assert look.backdrop is not None
    y, x = np.indices(size[::-1]).reshape(2, -1) + 0.5
    its_size = look.background.shape[1], look.background.shape[0]
    pixels = far_pixels(camera, np.stack([x, y], axis=-1), size, look.backdrop, its_size)
    rows, columns, shares, _ = around(pixels, its_size)
    return einsum("nk,nkc->nc", shares, look.background[rows, columns]).reshape(*size[::-1], 3)


def shadow(mesh: Mesh, hits: Hits, towards: Floats, cosine: Floats) -> Floats:
    """Return how much (N,) of what was hit lies in the shadow of a far lamp, 0 to 1; ``towards`` (3,): unit, to it, world;
    ``cosine`` (N,): of the angle between that and what was hit.

    The lamp's own picture says how deep it sees (L. Williams, "Casting curved shadows on curved surfaces", 1978); the four
    pixels round a point are weighed, so that edges are soft (W. Reeves and others, "Rendering antialiased shadows with depth
    maps", 1987).
    """
    if not hits.found.any():
        return np.zeros(0)
    points = interpolate(mesh.vertices, mesh, hits)
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    size = float(np.linalg.norm(points - middle, axis=1).max()) + 0.02
    back = towards / np.linalg.norm(towards)
    beside = np.cross((0.31, 0.87, 0.38), back)
    beside /= np.linalg.norm(beside)
    axes = np.stack([beside, np.cross(back, beside), back], axis=1)
    lamp = Camera(middle + 4.0 * back, axes, (1.0 / size, 1.0 / size), orthographic=True, far=8.0)
    seen = rasterise(mesh.vertices, mesh.triangles, lamp, (_SHADOW_SIZE, _SHADOW_SIZE))
    place = lamp.view(points)
    pixel = lamp.screen(place, seen.size) - 0.5
    low = np.clip(np.floor(pixel).astype(np.intp), 0, _SHADOW_SIZE - 2)
    share = np.clip(pixel - low, 0.0, 1.0)
    corners = (
        np.stack([low[:, 1], low[:, 1], low[:, 1] + 1, low[:, 1] + 1]),
        np.stack([low[:, 0], low[:, 0] + 1, low[:, 0], low[:, 0] + 1]),
    )
    steep = np.sqrt(np.maximum(1.0 - cosine**2, 0.0)) / np.maximum(cosine, 0.15)
    bias = _BIAS + steep * 2.0 * size / _SHADOW_SIZE  # a slope is deeper at a pixel's far side
    hidden = (seen.depth[corners] < place[:, 2] - bias).astype(np.float64)
    x, y = share.T
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])
    return einsum("kn,kn->n", hidden, weights)
