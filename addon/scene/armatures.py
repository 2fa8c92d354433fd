# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a user's armature into our axes, and turning poses into the channels that its bones really have.

Nothing of the rig is changed: rotation modes, inheritance and the object's own placement are taken as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.rigs.armature import Armature
from duologue.rigs.joints import SIDES
from numpy.typing import NDArray

from .actions import Channels
from .axes import frames_from_blender, from_blender
from .data import armature_of, bends, mask_of, mesh_of, pose_of

if TYPE_CHECKING:
    from bpy.types import Object, PoseBone

_EVEN = 1e-2
"""How far the three scales of an armature object may differ, relative: more would shear the bones."""


def read_rig(armature: Object) -> Armature:
    """Read an armature object where it stands in the world.

    Raises:
        DuologueError: FAILED_PRECONDITION ``rig-scale`` when the object is mirrored or scaled unevenly.
    """
    bones = armature_of(armature).bones
    world = np.array(armature.matrix_world, np.float64)
    if not is_even(armature):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "rig-scale",
            f"{_named(uneven(armature), armature)} is scaled unevenly or mirrored; apply its scale (Object > Apply > Scale)",
        )
    flat = np.empty(16 * len(bones), np.float32)
    bones.foreach_get("matrix_local", flat)
    rest = flat.reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)  # Blender stores matrices by columns
    names = tuple(bone.name for bone in bones)
    index = {name: i for i, name in enumerate(names)}
    parents = tuple(index[bone.parent.name] if bone.parent else -1 for bone in bones)
    return Armature(names, parents, rest, frames_from_blender(world), tuple(connected(armature)))


def is_even(armature: Object) -> bool:
    """Return whether an armature object is neither mirrored nor scaled more along one axis than along another."""
    world = np.array(armature.matrix_world, np.float64)[:3, :3]
    axes = np.linalg.norm(world, axis=0)
    return bool(np.ptp(axes) <= _EVEN * axes.mean() and np.linalg.det(world) > 0)


def uneven(armature: Object) -> Object:
    """Return which object makes an armature mirrored or scaled unevenly: itself, or what it is parented to."""
    ob: Object | None = armature
    while ob is not None:
        scale = np.array(ob.scale)
        if np.ptp(scale) > _EVEN * np.abs(scale).max() or np.prod(scale) < 0:
            return ob
        ob = ob.parent
    return armature


def _named(ob: Object, armature: Object) -> str:
    return (
        f"the armature {ob.name!r}" if ob == armature else f"{ob.name!r}, the parent of the armature {armature.name!r},"
    )


def armature_behind(ob: Object) -> Object | None:
    """Return the armature that moves a mesh: its modifier's, else the nearest that it, or what it hangs on, is parented to."""
    found = ob.find_armature()
    while found is None and ob.parent is not None:
        ob = ob.parent
        found = ob if ob.type == "ARMATURE" else ob.find_armature()
    return found


def connected(armature: Object) -> list[str]:
    """Return the bones that take no location because they are joined to their parent's tail."""
    return [bone.name for bone in armature_of(armature).bones if bone.use_connect and bone.parent]


def feet_of(armature: Object, bones: Mapping[str, str]) -> frozenset[str]:
    """Return the bones that a foot's skin may hang on: those that play feet and toes, what begins where they do, what is below.

    ``bones``: joint word -> bone. What deforms a foot need not be what plays it: Rigify's ``DEF-foot.L`` lies in ``foot_fk.L``.
    """
    known = armature_of(armature).bones
    ends = [known[bones[side + part]] for side in SIDES for part in ("Foot", "ToeBase") if side + part in bones]
    hips, ankle = (known[bones[joint]].head_local for joint in ("LeftUpLeg", "LeftFoot"))
    near = 0.02 * (hips - ankle).length
    feet = {b for b in known for end in ends if (b.head_local - end.head_local).length < near}
    return frozenset(bone.name for foot in feet for bone in (foot, *foot.children_recursive))


def sole_height(meshes: Sequence[Object], feet: Set[str]) -> float | None:
    """Return the height of a character's soles at rest, metres: of the lowest vertex that hangs on its feet.

    Where nothing does, it is the lowest of all; None without meshes. So neither staff nor plinth nor hem is stood on. Only what
    is seen counts: MakeHuman's helper vertices, hidden by a mask or without faces, hang below its soles.
    """
    lowest: list[float] = []
    of_feet: list[float] = []
    for mesh in meshes:
        shown = shown_vertices(mesh)
        points = np.empty(3 * len(mesh_of(mesh).vertices), np.float32)
        mesh_of(mesh).vertices.foreach_get("co", points)
        world = np.array(mesh.matrix_world, np.float64)
        heights = points.reshape(-1, 3) @ world[2, :3] + world[2, 3]
        if not shown.any():
            continue
        lowest.append(float(heights[shown].min()))
        if mesh.parent_type == "BONE" and mesh.parent_bone in feet:
            of_feet.append(lowest[-1])
        elif (foot := _lowest_of(mesh, heights, shown, feet)) is not None:
            of_feet.append(foot)
    return min(of_feet or lowest, default=None)


def _lowest_of(mesh: Object, heights: NDArray[Any], shown: NDArray[np.bool_], feet: Set[str]) -> float | None:
    """Return the height of the lowest vertex of which the feet hold half or more; looked for from below."""
    groups = {group.index for group in mesh.vertex_groups if group.name in feet}
    if not groups:
        return None
    vertices = mesh_of(mesh).vertices
    for index in np.argsort(heights, kind="stable"):
        held = [(g.weight, g.group in groups) for g in vertices[index].groups] if shown[index] else []
        whole = sum(weight for weight, _ in held)
        if whole > 0 and sum(weight for weight, is_foot in held if is_foot) >= 0.5 * whole:
            return float(heights[index])
    return None


def shown_vertices(mesh: Object) -> NDArray[np.bool_]:
    """Return which vertices (V,) belong to a face that no mask modifier hides."""
    shown = np.zeros(len(mesh_of(mesh).vertices), bool)
    corners = np.empty(len(mesh_of(mesh).loops), np.int32)
    mesh_of(mesh).loops.foreach_get("vertex_index", corners)
    shown[corners] = True
    for modifier in mesh.modifiers:
        mask = mask_of(modifier)
        group = mesh.vertex_groups.get(mask.vertex_group) if mask is not None else None
        if mask is not None and group is not None and mask.mode == "VERTEX_GROUP" and mask.show_viewport:
            masked = [
                any(g.group == group.index and g.weight > mask.threshold for g in v.groups)
                for v in mesh_of(mesh).vertices
            ]
            shown &= np.array(masked) ^ mask.invert_vertex_group
    return shown


def weighted_points(mesh: Object, bone: str) -> NDArray[np.float64]:
    """Return the vertices (V, 3) of a mesh at rest that hang mostly on a bone, in our world."""
    index = mesh.vertex_groups.find(bone)
    vertices = mesh_of(mesh).vertices if index >= 0 else ()
    held = [v.co.to_tuple() for v in vertices if any(g.group == index and g.weight > 0.5 for g in v.groups)]
    world = np.array(mesh.matrix_world, np.float64)
    return from_blender(np.array(held, np.float64).reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])


def bone_path(bone: PoseBone | str, prop: str) -> str:
    """Return the path of a pose bone's property as an F-curve names it."""
    name = bone if isinstance(bone, str) else bone.name
    return f'pose.bones["{bpy.utils.escape_identifier(name)}"].{prop}'


def location_channels(bone: PoseBone, locations: NDArray[np.float64]) -> Channels:
    """Return a bone's location (T, 3), given along its own rest axes in armature units."""
    values = locations
    if not bone.bone.use_local_location:
        # Then Blender reads it along the armature's axes.
        values = values @ np.array(bone.bone.matrix_local.to_3x3(), np.float64).T
    return Channels(bone_path(bone, "location"), values, bone.name)


def driven_bones(armature: Object) -> set[str]:
    """Return the bones whose location or rotation a driver sets; muted drivers set nothing."""
    data = armature.animation_data
    channels = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")
    curves = [] if data is None else [c for c in data.drivers if not c.mute and c.data_path.endswith(channels)]
    return {bone_of(curve.data_path) for curve in curves} - {""}


def bone_of(path: str) -> str:
    """Return the bone that a data path speaks of, or nothing."""
    parts = path.split('"')
    return bpy.utils.unescape_identifier(parts[1]) if path.startswith("pose.bones[") and len(parts) > 2 else ""


def world_pose(armature: Object, depsgraph: Any) -> NDArray[np.float64]:
    """(B, 4, 4): where each pose bone is in our world now, drivers and constraints included, its axes unscaled."""
    evaluated = armature.evaluated_get(depsgraph)
    flat = np.empty(16 * len(pose_of(evaluated).bones), np.float32)
    pose_of(evaluated).bones.foreach_get("matrix", flat)
    world = np.array(evaluated.matrix_world, np.float64) @ flat.reshape(-1, 4, 4).transpose(0, 2, 1)
    world[:, :3, :3] /= np.linalg.norm(world[:, :3, :3], axis=1, keepdims=True)
    return frames_from_blender(world)


def weighted_bones(armature: Object) -> set[str]:
    """Return the bones that move a mesh, by weights or as its parent; empty where no mesh says so."""
    weighted = {ob.parent_bone for ob in bpy.data.objects if ob.parent == armature and ob.parent_type == "BONE"}
    for mesh in meshes_of(armature):
        groups = {group.index: group.name for group in mesh.vertex_groups if group.name not in weighted}
        for vertex in mesh_of(mesh).vertices:
            if not groups:
                break
            for element in vertex.groups:
                if element.weight > 0 and element.group in groups:
                    weighted.add(groups.pop(element.group))
    return weighted


def meshes_of(armature: Object) -> list[Object]:
    """Return the meshes that hang on an armature, as its children or by an armature modifier, in the order of their names."""
    meshes = [
        ob
        for ob in bpy.data.objects
        if ob.type == "MESH" and (ob.parent == armature or any(bends(m, armature) for m in ob.modifiers))
    ]
    return sorted(meshes, key=lambda ob: ob.name)
