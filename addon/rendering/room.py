# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample scene's set: a floor, a rug and a wall around three sides, painted as a lens sees a room that is out of focus.

Wherever a camera of ours stands, it sees wall: dark and calm where heads are, with something to see beside them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, cast

import bpy
import numpy as np
from duologue.passes.shading import from_linear
from numpy.typing import NDArray

from ..scene import compat

if TYPE_CHECKING:
    from bpy.types import Image, Material, Mesh

Float = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]

HEIGHT: Final = 3.6
_CORNER: Final = 1.4
"""Metres of the round corners' radius: no edge stands behind a head."""
_AHEAD: Final = 4.0
"""How far the side walls come towards the camera, metres."""
_PIXELS: Final = 40
"""A metre of the wall."""

_WALL: Final[Colour] = (0.046, 0.092, 0.104)
_PANEL: Final[Colour] = (0.024, 0.046, 0.052)
_RAIL: Final[Colour] = (0.085, 0.125, 0.125)
_GLOW: Final[Colour] = (0.36, 0.20, 0.085)
_SKY: Final[Colour] = (0.34, 0.48, 0.58)
_FRAME: Final[Colour] = (0.045, 0.036, 0.030)
_PRINTS: Final[tuple[Colour, ...]] = ((0.52, 0.40, 0.26), (0.42, 0.16, 0.10), (0.20, 0.30, 0.26), (0.55, 0.50, 0.42))
_BOARDS: Final[Colour] = (0.115, 0.062, 0.034)
_RUG: Final[Colour] = (0.165, 0.060, 0.045)
_RUG_EDGE: Final[Colour] = (0.30, 0.22, 0.13)
"""Linear RGB, all darker than the darker of both skins where a head may be."""


def build(back: float, side: float) -> Mesh:
    """Return the set as one mesh around the pair: the wall ``back`` metres behind and ``side`` metres to both sides.

    In the mesh's own axes (Blender's) the camera stands at -Y.
    """
    mesh = bpy.data.meshes.new("Duologue Backdrop")
    plan = _plan(back, side)
    n = len(plan)
    floor = [
        (-side - 9, -_AHEAD - 14, 0),
        (side + 9, -_AHEAD - 14, 0),
        (side + 9, back + 1, 0),
        (-side - 9, back + 1, 0),
    ]
    wall = [(x, y, z) for x, y in plan for z in (0.0, HEIGHT)]
    rug = _disc(1.75, 1.25, 0.006) + _disc(1.62, 1.13, 0.010)
    vertices = [*floor, *wall, *rug]
    at, half = 4 + 2 * n, len(rug) // 2
    faces = [(0, 1, 2, 3), *((4 + 2 * i, 4 + 2 * i + 1, 4 + 2 * i + 3, 4 + 2 * i + 2) for i in range(n - 1))]
    faces += [tuple(range(at, at + half)), tuple(range(at + half, at + 2 * half))]
    mesh.from_pydata(vertices, [], faces)
    mesh.polygons.foreach_set("material_index", np.array([0, *[1] * (n - 1), 2, 3], np.int32))
    mesh.polygons.foreach_set("use_smooth", np.array([False, *[True] * (n - 1), False, False]))
    _lay_pictures(mesh, np.array(plan))
    length = _length(np.array(plan))
    mesh.materials.append(_material("Duologue Floor", _BOARDS, _image("Duologue Floor", _boards())))
    mesh.materials.append(_material("Duologue Backdrop", _WALL, _image("Duologue Backdrop", _paint(length[-1]))))
    mesh.materials.append(_material("Duologue Rug Edge", _RUG_EDGE))
    mesh.materials.append(_material("Duologue Rug", _RUG))
    mesh.update()
    return mesh


def _plan(back: float, side: float) -> list[tuple[float, float]]:
    """Return the wall from above, from the left end near the camera, around, to the right one."""
    turn = np.linspace(0.0, math.pi / 2, 9)
    left = [(-side + _CORNER * (1 - math.cos(a)), back - _CORNER * (1 - math.sin(a))) for a in turn]
    right = [(-x, y) for x, y in reversed(left)]
    return [(-side, -_AHEAD), *left, *right, (side, -_AHEAD)]


def _length(plan: Float) -> Float:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(plan, axis=0), axis=1))])


def _disc(wide: float, deep: float, height: float) -> list[tuple[float, float, float]]:
    angles = np.linspace(0.0, 2 * math.pi, 48, endpoint=False)
    return [(wide * math.cos(a), deep * math.sin(a), height) for a in angles]


def _lay_pictures(mesh: Mesh, plan: Float) -> None:
    """Give the wall one picture from end to end and from floor to ceiling, and the floor boards of a size."""
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3)
    along = _length(plan)
    uv = points[:, :2] / 2.4
    wall = np.arange(4, 4 + 2 * len(plan))
    uv[wall, 0] = np.repeat(along / along[-1], 2)
    uv[wall, 1] = points[wall, 2] / HEIGHT
    loops = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", loops)
    layer: Any = mesh.uv_layers.new(name="Picture")
    layer.data.foreach_set("uv", uv[loops].astype(np.float32).ravel())


def _paint(length: float) -> Float:
    """Return the wall's picture (height, width, 3), linear: wall over panels, lamplight, a window, prints; all of it blurred."""
    wide, high = round(length * _PIXELS), round(HEIGHT * _PIXELS)
    x = np.arange(wide)[None, :] / _PIXELS - length / 2
    y = np.arange(high)[:, None] / _PIXELS
    shade = 0.72 + 0.5 * np.exp(-(((y - 1.2) / 1.1) ** 2)) - 0.25 * np.clip((y - 2.2) / 1.4, 0, 1)
    picture = np.array(_WALL) * shade[..., None] * np.ones((high, wide, 1))
    panel = np.broadcast_to(y < 0.92, (high, wide))
    picture[panel] = (np.array(_PANEL) * np.broadcast_to(shade[..., None], (high, wide, 1)))[panel]
    _fill(picture, (np.abs(x % 0.8 - 0.4) > 0.37) & (y < 0.82) & (y > 0.1), np.multiply(_PANEL, 0.7))
    _fill(picture, (np.abs(y - 0.92) < 0.03) | (y < 0.1), _RAIL)
    for number, middle in enumerate(np.arange(-10.2, 10.3, 1.7)):
        if number % 4 == 1:
            _window(picture, x - middle, y)
        else:
            _print(picture, x - middle, y, number)
    for middle in np.arange(-8.5, 8.6, 3.4):
        away = np.hypot(x - middle, 0.8 * (y - 1.75))
        picture += np.array(_GLOW) * (0.75 * np.exp(-((away / 0.55) ** 2)))[..., None]
    return _blurred(picture, 0.028 * _PIXELS)


def _fill(picture: Float, where: Any, colour: Any) -> None:
    picture[np.broadcast_to(where, picture.shape[:2])] = colour


def _window(picture: Float, x: Float, y: Float) -> None:
    _fill(picture, (np.abs(x) < 0.62) & (np.abs(y - 1.75) < 0.72), _FRAME)
    _fill(picture, (np.abs(x) < 0.56) & (np.abs(y - 1.75) < 0.66), np.multiply(_SKY, 0.55))
    _fill(picture, (np.abs(x) < 0.56) & (np.abs(y - 2.05) < 0.36), np.multiply(_SKY, 0.7))
    _fill(picture, (np.abs(x) < 0.025) & (np.abs(y - 1.75) < 0.66), _FRAME)
    _fill(picture, (np.abs(x) < 0.56) & (np.abs(y - 1.9) < 0.025), _FRAME)


def _print(picture: Float, x: Float, y: Float, number: int) -> None:
    wide, high, middle = ((0.30, 0.22, 1.75), (0.20, 0.28, 1.68), (0.36, 0.26, 1.8))[number % 3]
    colour = np.array(_PRINTS[number % len(_PRINTS)])
    _fill(picture, (np.abs(x) < wide) & (np.abs(y - middle) < high), _FRAME)
    _fill(picture, (np.abs(x) < wide - 0.04) & (np.abs(y - middle) < high - 0.04), 0.5 * colour)
    _fill(picture, np.hypot(x + 0.04, y - middle) < 0.5 * min(wide, high), colour * 0.9)


def _blurred(picture: Float, sigma: float) -> Float:
    reach = math.ceil(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(picture, [(reach, reach) if i == axis else (0, 0) for i in range(3)], mode="edge")
        picture = sum(  # type: ignore[assignment]
            weight * np.take(padded, range(k, k + picture.shape[axis]), axis) for k, weight in enumerate(kernel)
        )
    return picture


def _boards() -> Float:
    """Return 2.4 m of floor boards (n, n, 3), linear; the picture repeats."""
    size, count = 192, 16
    random = np.random.default_rng(4)
    board = np.arange(size) * count // size
    shade = 0.8 + 0.35 * random.random((count, 3))
    end = random.integers(0, 3, count)
    piece = (np.arange(size)[None, :] * 3 // size + end[board][:, None]) % 3
    picture = np.array(_BOARDS) * shade[board[:, None], piece][..., None]
    seam = (np.arange(size) * count / size) % 1.0 < 0.09
    picture[seam] *= 0.6
    return picture


def _image(name: str, linear: Float) -> Image:
    """Return a picture (height, width, 3), its first row at the bottom, packed into the file."""
    height, width, _ = linear.shape
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = from_linear(np.maximum(linear, 0.0)) / 255.0
    image = bpy.data.images.new(name, width, height)
    image.pixels.foreach_set(cast("Any", pixels.ravel()))
    image.pack()
    return image


def _material(name: str, colour: Colour, image: Image | None = None) -> Material:
    material = bpy.data.materials.new(name)
    viewport: Any = (*colour, 1.0)
    material.diffuse_color = viewport
    material.roughness = 1.0
    tree = compat.node_tree(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = viewport
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    if image is not None:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
        tree.nodes.active = texture  # the one that Workbench shows
    return material
