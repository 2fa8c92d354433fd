# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's meshes at rest as one surface: vertices, triangles, weights, and ARKit's shapes as its own keys make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from duologue import arkit
from duologue.errors import DuologueError
from duologue.interactions.actor import Character
from duologue.rigs.shape_map import ShapeMatch
from duologue.rigs.skinned import SkinnedMesh
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..scene import armatures
from ..scene.axes import from_blender
from ..scene.data import armature_of, bends, face_keys, mesh_of, pose_of
from .places import marked

if TYPE_CHECKING:
    from bpy.types import Key, Object

SOFTNESS = "duologue_softness"
"""The vertex group that says how far skin gives way, where a user painted one: 1 as far as a cheek, 0 not at all."""
_INFLUENCES = 4
"""Bones a vertex that count; the strongest."""


@dataclass(frozen=True)
class Surface:
    """A character as arrays, and where its vertices come from: each mesh object with the row of its first vertex."""

    character: Character
    meshes: tuple[tuple[Object, int], ...]


@dataclass(frozen=True)
class _Part:
    """One mesh: vertices in our world, and what else a surface needs of it."""

    vertices: NDArray[Any]
    triangles: NDArray[Any]
    material: NDArray[Any]
    materials: list[str]
    bones: NDArray[Any]
    weights: NDArray[Any]
    softness: NDArray[Any] | None


def surface_of(performer: Performer) -> Surface:
    """Read all meshes of a performer that its armature bends or a bone carries, at rest.

    Raises:
        DuologueError: INVALID_ARGUMENT ``surface-not-finite``, FAILED_PRECONDITION ``head-without-skin`` naming the character.
    """
    bone_of = {name: index for index, name in enumerate(performer.rig.names)}
    meshes = [ob for ob in performer.meshes if len(mesh_of(ob).polygons) and _is_carried(ob, performer.armature)]
    if not meshes:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "head-without-skin",
            f"no mesh goes with {performer.armature.name!r}; give one an Armature modifier of it, or hang it on a bone",
        )
    parts = [_read(ob, performer, bone_of) for ob in meshes]
    firsts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    slots = np.cumsum([0, *(len(part.materials) for part in parts)])
    soft = any(part.softness is not None for part in parts)
    mesh = SkinnedMesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.triangles + first for part, first in zip(parts, firsts, strict=False)]),
        np.concatenate([part.bones for part in parts]),
        np.concatenate([part.weights for part in parts]),
        _shapes(performer, dict(zip(meshes, firsts.tolist(), strict=False))),
        np.concatenate([part.material + slot for part, slot in zip(parts, slots, strict=False)]),
        tuple(name for part in parts for name in part.materials),
        np.repeat(np.arange(len(parts)), [len(part.vertices) for part in parts]),
        np.concatenate([_or_ones(part) for part in parts]) if soft else np.zeros(0),
        performer.armature.name,
    )
    pairs = tuple(zip(meshes, firsts.tolist(), strict=False))
    return Surface(Character(performer.rig, performer.match, mesh, marked(performer)), pairs)


def _is_carried(ob: Object, armature: Object) -> bool:
    return any(bends(m, armature) for m in ob.modifiers) or (ob.parent == armature and ob.parent_type == "BONE")


def _or_ones(part: _Part) -> NDArray[Any]:
    return part.softness if part.softness is not None else np.ones(len(part.vertices))


def _read(ob: Object, performer: Performer, bone_of: dict[str, int]) -> _Part:
    mesh = mesh_of(ob)
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    if mesh.shape_keys is not None:
        mesh.shape_keys.reference_key.points.foreach_get("co", flat)
    else:
        mesh.vertices.foreach_get("co", flat)
    placed = at_rest(ob, performer.armature)
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    corners = corners.reshape(-1, 3)
    material = np.empty(len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("material_index", material)
    shown = armatures.shown_vertices(ob)
    seen = shown[corners].all(axis=1)
    corners, material = corners[seen], material[seen]
    names = [slot.material.name if slot.material is not None else "" for slot in ob.material_slots] or [""]
    bones, weights, softness = _weights(ob, performer.armature, bone_of)
    weights[~shown] = 0.0  # helper vertices and what a mask hides are no part of hand or head
    points = flat.reshape(-1, 3).astype(np.float64) @ placed[:3, :3].T + placed[:3, 3]
    if np.linalg.det(placed[:3, :3]) < 0:  # a mirrored mesh shows its triangles the other way round
        corners = corners[:, ::-1]
    return _Part(
        from_blender(points),
        corners,
        np.minimum(material, len(names) - 1),
        names,
        bones,
        weights,
        softness,
    )


def at_rest(ob: Object, armature: Object | None) -> NDArray[Any]:
    """Return where a mesh stands (4, 4) in Blender's world while its armature rests."""
    placed = np.array(ob.matrix_world, np.float64)
    if armature is not None and ob.parent == armature and ob.parent_type == "BONE":
        world = np.array(armature.matrix_world, np.float64)
        rest = np.array(armature_of(armature).bones[ob.parent_bone].matrix_local, np.float64)
        pose = np.array(pose_of(armature).bones[ob.parent_bone].matrix, np.float64)
        placed = world @ rest @ np.linalg.inv(pose) @ np.linalg.inv(world) @ placed
    return placed


def _weights(
    ob: Object, armature: Object, bone_of: dict[str, int]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """Return the strongest bones (V, 4) of each vertex, their weights, summing to 1, and its softness where that is painted."""
    mesh = mesh_of(ob)
    count = len(mesh.vertices)
    if ob.parent == armature and ob.parent_type == "BONE":
        # As many columns as bent meshes have: all meshes of a character become one.
        weights = np.zeros((count, min(_INFLUENCES, len(bone_of))))
        weights[:, 0] = 1.0
        return np.full(weights.shape, bone_of[ob.parent_bone]), weights, None
    deforming = {bone.name for bone in armature_of(armature).bones if bone.use_deform}
    group_bone = {g.index: bone_of[g.name] for g in ob.vertex_groups if g.name in deforming and g.name in bone_of}
    soft = ob.vertex_groups.find(SOFTNESS)
    table = np.zeros((count, len(bone_of)), np.float32)
    softness = np.zeros(count)
    for row, vertex in enumerate(mesh.vertices):
        for element in vertex.groups:
            if element.group in group_bone:
                table[row, group_bone[element.group]] = element.weight
            elif element.group == soft:
                softness[row] = element.weight
    bones = np.argsort(-table, axis=1, kind="stable")[:, :_INFLUENCES]
    weights = np.take_along_axis(table, bones, 1).astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    return (
        bones,
        np.divide(weights, total, out=np.zeros_like(weights), where=total > 0),
        softness if soft >= 0 else None,
    )


def _shapes(performer: Performer, firsts: dict[Object, int]) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Return what each ARKit shape moves, by the factors of the faces' maps: vertices of the surface (n,), metres (n, 3)."""
    found: dict[str, list[tuple[NDArray[Any], NDArray[Any]]]] = {}
    for face in performer.faces:
        if face.mesh not in firsts:
            continue
        keys, linear = face_keys(face.mesh), np.array(face.mesh.matrix_world, np.float64)[:3, :3]
        deltas, rows = _deltas(keys, face.match.shapes), rows_of(face.match)
        for row, name in enumerate(arkit.NAMES):
            share = rows[row]
            if share.any():
                delta = from_blender(np.tensordot(share, deltas, axes=1) @ linear.T)
                moved = np.flatnonzero(np.abs(delta).max(axis=1) > 1e-6)
                found.setdefault(name, []).append((moved + firsts[face.mesh], delta[moved]))
    return {
        name: (np.concatenate([index for index, _ in parts]), np.concatenate([delta for _, delta in parts]))
        for name, parts in found.items()
    }


def rows_of(match: ShapeMatch) -> NDArray[np.float64]:
    """Return what each of ARKit's weights, alone and at 1, does to a face's keys (52, K), visemes included."""
    if match.basis is None:
        return np.asarray(match.factors, np.float64)
    return np.asarray(match.apply(np.eye(len(arkit.NAMES))), np.float64)


def _deltas(keys: Key, names: Sequence[str]) -> NDArray[Any]:
    """Return what some shape keys move (K, V, 3), in the mesh's own units."""
    size = len(keys.reference_key.points)
    out = np.empty((len(names), size, 3))
    for row, name in enumerate(names):
        moved, rest = (np.empty(3 * size, np.float32) for _ in range(2))
        keys.key_blocks[name].points.foreach_get("co", moved)
        keys.key_blocks[name].relative_key.points.foreach_get("co", rest)
        out[row] = (moved - rest).reshape(-1, 3)
    return out
