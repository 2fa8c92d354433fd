# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sample characters: from ``rigs/characters/*.safetensors`` to a mesh, its armature, materials and 52 shape keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.files.folders import rigs_folder
from numpy.typing import NDArray

from ..scene import compat
from ..scene.axes import to_blender
from ..scene.data import armature_of, bend, face_keys

if TYPE_CHECKING:
    from bpy.types import Collection, Material, Mesh, Object

SAMPLES = ("ada", "ben")
"""Who plays A and who plays B when the user has no characters."""

_SHAPE = "shape/"


@dataclass(frozen=True)
class Character:
    """A character in the scene."""

    armature: Object
    mesh: Object


def sample_file(name: str) -> Path:
    """Return the file of a sample character."""
    return rigs_folder() / "characters" / f"{name}.safetensors"


def build(path: Path, collection: Collection) -> Character:
    """Build the character of ``path`` in ``collection``, standing on the world's origin in its rest pose.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; DATA_LOSS ``tensors-malformed`` or ``character-malformed``.
    """
    arrays, metadata = tensors.load(path)
    try:
        about = json.loads(metadata["character"])
        name = about["name"].title()
        shapes = _shapes(arrays)
        if not np.isfinite(arrays["positions"]).all() or not np.isfinite(arrays["joint_weights"]).all():
            raise ValueError("it holds NaN")
        armature = _armature(name, about["bones"], collection)
        mesh = _mesh(name, arrays, about["materials"])
        body = bpy.data.objects.new(name, mesh)
        collection.objects.link(body)
        _skin(body, armature, [bone["name"] for bone in about["bones"]], arrays["joints"], arrays["joint_weights"])
        _shape_keys(body, arrays["positions"], shapes)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DuologueError(
            "DATA_LOSS", "character-malformed", f"{path} is not a character, or a damaged one ({error}); install again"
        ) from error
    return Character(armature, body)


def _armature(name: str, bones: Sequence[Mapping[str, Any]], collection: Collection) -> Object:
    armature = bpy.data.objects.new(f"{name} rig", bpy.data.armatures.new(f"{name} rig"))
    collection.objects.link(armature)
    layer = bpy.context.view_layer
    before = layer.objects.active
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature_of(armature).edit_bones
    for bone in bones:
        edit_bone = edit.new(bone["name"])
        edit_bone.head, edit_bone.tail = to_blender(bone["head"]).tolist(), to_blender(bone["tail"]).tolist()
        edit_bone.roll = bone.get("roll", 0.0)
        edit_bone.parent = edit[bone["parent"]] if bone["parent"] else None
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = before
    armature_of(armature).display_type = "STICK"
    armature.show_in_front = True
    return armature


def _mesh(name: str, arrays: Mapping[str, NDArray[Any]], materials: Sequence[Mapping[str, Any]]) -> Mesh:
    positions, faces = to_blender(arrays["positions"]), arrays["faces"]
    corners = faces >= 0
    sizes = corners.sum(axis=1)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(positions))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(positions, np.float32).ravel())
    mesh.loops.add(int(sizes.sum()))
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces[corners], np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32))
    mesh.polygons.foreach_set("material_index", arrays["face_material"].astype(np.int32))
    for material in materials:
        mesh.materials.append(_material(f"{name} {material['name']}", material))
    mesh.update(calc_edges=True)
    mesh.validate()
    mesh.shade_smooth()
    return mesh


def _material(name: str, about: Mapping[str, Any]) -> Material:
    """Make a material that looks alike in Workbench (its viewport colour) and in EEVEE and Cycles (its shader)."""
    material = bpy.data.materials.new(name)
    color: Any = (*about["color"], 1.0)
    material.diffuse_color = color
    material.roughness = about["roughness"]
    shader = next(node for node in compat.node_tree(material).nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = color
    shader.inputs["Roughness"].default_value = about["roughness"]
    return material


def _skin(body: Object, armature: Object, bones: Sequence[str], joints: NDArray[Any], weights: NDArray[Any]) -> None:
    """Weigh the vertices (V, 4) to the bones; vertices of one bone and one weight are assigned in one call."""
    scale = 255.0 if weights.dtype == np.uint8 else 1.0
    vertices = np.repeat(np.arange(len(joints)), joints.shape[1])
    joints, weights = joints.ravel().astype(np.int64), np.round(weights.ravel() * (255.0 / scale)).astype(np.int64)
    held = weights > 0
    key = joints[held] * 256 + weights[held]
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    groups = [body.vertex_groups.new(name=bone) for bone in bones]
    for value, members in zip(keys, np.split(vertices[held][order], starts[1:]), strict=True):
        groups[value // 256].add(members.tolist(), (value % 256) / 255.0, "REPLACE")
    body.parent = armature
    bend(body, armature)


def _shapes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    names = [key.removeprefix(_SHAPE).removesuffix("/index") for key in arrays if key.endswith("/index")]
    return {name: (arrays[f"{_SHAPE}{name}/index"], arrays[f"{_SHAPE}{name}/delta"]) for name in names}


def _shape_keys(body: Object, positions: NDArray[Any], shapes: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> None:
    rest = np.ascontiguousarray(to_blender(positions), np.float32)
    body.shape_key_add(name="Basis", from_mix=False)
    for name, (index, delta) in sorted(shapes.items()):
        moved = rest.copy()
        moved[index] += to_blender(delta.astype(np.float32))
        key = body.shape_key_add(name=name, from_mix=False)
        key.value = 0.0  # Blender 5.0 and later make a new one at 1
        key.points.foreach_set("co", moved.ravel())  # `data` takes a hundred times as long
    face_keys(body).name = body.name
