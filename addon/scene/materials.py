# SPDX-License-Identifier: GPL-3.0-or-later
"""What colour a surface has of its own, without any light: its material's, or what an image says where it lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from duologue.passes.shading import as_bytes, from_linear
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bpy.types import Image, Material

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

_GREY: Final = (0.8, 0.8, 0.8)
"""Blender's own, where there is no material."""


def own_colours(data: Any, slot: NDArray[np.int32], loops: NDArray[np.int32]) -> Bytes:
    """Return the colour (F, 3) of each triangle of an evaluated mesh, sRGB 0..255.

    Where a material's colour comes from an image, it is the image's at the triangle's middle, by the UV map that renders use.

    Args:
        data: the mesh.
        slot: (F,) the triangles' materials.
        loops: (F, 3) their corners.
    """
    materials: Sequence[Material | None] = list(data.materials) or [None]
    colours = np.array([_plain(material) for material in materials])[slot]
    uv = _uv(data)
    for number, material in enumerate(materials):
        chosen = slot == number
        if uv is None or material is None or not chosen.any() or (image := _image(material)) is None:
            continue
        if (pixels := _pixels(image)) is not None:
            colours[chosen] = _sampled(pixels, uv[loops[chosen]].mean(axis=1))
    return as_bytes(colours)


def _plain(material: Material | None) -> Floats:
    """Return a material's colour (3,), sRGB 0..255: its shader's where that is a plain one, else what the viewport shows."""
    linear: Sequence[float] = _GREY
    if material is not None:
        linear = cast("Any", material.diffuse_color)[:3]
        if (base := _base_colour(material)) is not None and not base.is_linked:
            linear = base.default_value[:3]
    return from_linear(np.clip(np.array(linear), 0.0, 1.0))


def _base_colour(material: Material) -> Any:
    """Return where a material's shader takes its colour from, if it has the usual one."""
    tree = material.node_tree
    shader = next((node for node in tree.nodes if node.type == "BSDF_PRINCIPLED"), None) if tree else None
    return None if shader is None else shader.inputs["Base Color"]


def _image(material: Material) -> Image | None:
    """Return the image that a material's colour comes from, the nearest one up the links."""
    base = _base_colour(material)
    ahead, seen = [link.from_node for link in base.links] if base is not None else [], set[str]()
    while ahead:
        node = ahead.pop(0)
        if node.name in seen:
            continue
        seen.add(node.name)
        if node.type == "TEX_IMAGE":
            return node.image
        ahead += [link.from_node for socket in node.inputs for link in socket.links]
    return None


def _uv(data: Any) -> Floats | None:
    """Return the place (L, 2) of each corner in the image, by the UV map that is rendered."""
    layer = next((layer for layer in data.uv_layers if layer.active_render), None)
    if layer is None:
        return None
    flat = np.empty(2 * len(data.loops), np.float32)
    layer.uv.foreach_get("vector", flat)
    return flat.reshape(-1, 2).astype(np.float64)


def _pixels(image: Image) -> Floats | None:
    """Return an image (H, W, 3), rows from below, sRGB 0..255; None for one that isn't there or is of several tiles."""
    width, height = cast("Any", image).size
    if image.source not in {"FILE", "GENERATED"} or not width or not height or image.channels < 3:
        return None
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)  # as they are stored: encoded where they are bytes, linear where not
    found = flat.reshape(height, width, image.channels)[..., :3]
    return from_linear(np.clip(found, 0.0, 1.0)) if image.is_float else found * 255.0


def _sampled(pixels: Floats, uv: Floats) -> Floats:
    """Return an image's colours (N, 3) at places (N, 2), which go on beyond its edges as it began."""
    height, width = pixels.shape[:2]
    columns, rows = (np.floor(uv % 1.0 * (width, height)).astype(np.intp) % (width, height)).T
    return pixels[rows, columns].astype(np.float64)
