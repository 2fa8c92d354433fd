# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces: which meshes carry a character's shape keys, which of them are driven, and the channels that move them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.rigs.shape_map import ShapeMatch
from numpy.typing import NDArray

from . import armatures
from .actions import Channels
from .data import face_keys, keys_of, mesh_of

if TYPE_CHECKING:
    from bpy.types import Key, Object

_NOTHING = 1e-6
"""Of a mesh's size: less than what a 32-bit float can tell there."""


def face_meshes(armature: Object) -> list[Object]:
    """Return the meshes with shape keys that hang on an armature, however far below, in the order of their names."""
    direct = armatures.meshes_of(armature)
    below = [ob for ob in bpy.data.objects if ob.type == "MESH" and armatures.armature_behind(ob) == armature]
    return sorted({mesh for mesh in (*direct, *below) if keys_of(mesh)}, key=lambda ob: ob.name)


def shape_names(mesh: Object) -> list[str]:
    """Return the names of a mesh's shape keys without its basis."""
    keys = face_keys(mesh)
    return [block.name for block in keys.key_blocks if block != keys.reference_key] if keys else []


def travel(mesh: Object, key: str) -> float:
    """Return how far a shape key moves any vertex, metres in the world."""
    block = face_keys(mesh).key_blocks[key]
    moved, rest = (np.empty(3 * len(mesh_of(mesh).vertices), np.float32) for _ in range(2))
    block.points.foreach_get("co", moved)
    block.relative_key.points.foreach_get("co", rest)
    way = (moved - rest).reshape(-1, 3) @ np.array(mesh.matrix_world)[:3, :3].T
    return float(np.linalg.norm(way, axis=1).max(initial=0.0))


def moves(mesh: Object, name: str) -> bool:
    """Return whether a shape key moves any vertex at all: exporters leave keys of a whole set behind that move none."""
    return travel(mesh, name) > _NOTHING * mesh.dimensions.length


def shape_path(name: str) -> str:
    """Return the path of a shape key's value as an F-curve names it."""
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def shape_values(keys: Key, weights: NDArray[Any], match: ShapeMatch) -> dict[str, NDArray[Any]]:
    """Turn ARKit weights (T, 52) into the values (T,) of a mesh's own shapes, within the range of each one's slider."""
    blocks = keys.key_blocks
    values = match.apply(weights)
    return {
        name: np.clip(values[:, i], blocks[name].slider_min, blocks[name].slider_max)
        for i, name in enumerate(match.shapes)
    }


def channels(keys: Key, weights: NDArray[Any], match: ShapeMatch) -> list[Channels]:
    """Return the curves of a face."""
    return [
        Channels(shape_path(name), value[:, None], "Face") for name, value in shape_values(keys, weights, match).items()
    ]


def driven_shapes(keys: Key) -> set[str]:
    """Return the shape keys whose value a driver sets; muted drivers set nothing."""
    data = keys.animation_data
    driven = {curve.data_path for curve in data.drivers if not curve.mute} if data is not None else set()
    return {block.name for block in keys.key_blocks if shape_path(block.name) in driven}
