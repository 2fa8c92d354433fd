# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as its characters show it, whatever their rigs: where heads, hands and hips are, and where their skin is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import bpy
import numpy as np
from duologue.motion.skeleton import forward_kinematics
from duologue.rigs.joints import SIDES
from duologue.staging.camera import EYES_ABOVE_JOINT, HEAD, Sight
from duologue.take import Take
from duologue.units import FPS
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..scene import armatures
from ..scene.axes import from_blender
from ..scene.data import mesh_of
from ..scene.timing import frame_rate

if TYPE_CHECKING:
    from bpy.types import Object, Scene

Float = NDArray[np.floating[Any]]

_EVERY: Final = 5
_MOST: Final = 1200
"""Moments that are looked at: every fifth frame, fewer of a take that is longer than three minutes."""
_AROUND: Final = 0.25
"""Metres around the head's joint in which its crown is looked for."""
_CHIN: Final = 0.4
"""How far below the skull's joint a chin is, of the way from there to the crown."""


def look(scene: Scene, take: Take, performers: Sequence[Performer], first_frame: int) -> Sight:
    """Look at the characters as Blender evaluates them, at moments spread over the take."""
    moments = np.unique(np.linspace(0, take.frames - 1, min(take.frames // _EVERY + 2, _MOST)).astype(int))
    places = np.zeros((2, len(moments), 4, 3))
    for n, depsgraph in enumerate(_shown(scene, moments, first_frame)):
        for i, performer in enumerate(performers):
            pose = armatures.world_pose(performer.armature, depsgraph)[:, :3, 3]
            places[i, n] = [pose[performer.bone_index(joint)] for joint in ("Head", *_hands(performer), "Hips")]
    at = take.skeleton.index("Head")
    turns = np.stack([
        forward_kinematics(take.skeleton, track.rotations[moments], track.root_translation[moments])[0][:, at]
        for track in take.tracks
    ])  # fmt: skip
    heads = [_head(performer) for performer in performers]
    middles = np.array([(crown - chin) / 2 for crown, chin in heads])[:, None, None]
    sizes = [float(crown + chin) for crown, chin in heads]
    return Sight(
        places[:, :, 0] + turns[..., :, 1] * middles,
        turns[..., :, 2],
        places[:, :, 1:3],
        places[:, :, 3],
        moments,
        (sizes[0], sizes[1]),
    )


def _hands(performer: Performer) -> list[str]:
    """Return the joints that a character's hands begin at: robots may have fingers on their forearms, and no hand."""
    return [side + ("Hand" if side + "Hand" in performer.match.bones else "ForeArm") for side in SIDES]


def _shown(scene: Scene, moments: NDArray[np.int_], first_frame: int) -> Iterator[Any]:
    """Show one moment of the take after the other; yield what Blender evaluates then. The scene's frame is put back."""
    before, subframe, rate = scene.frame_current, scene.frame_subframe, frame_rate(scene)
    try:
        for moment in moments:
            at = first_frame + moment * rate / FPS
            frame = math.floor(at)
            scene.frame_set(frame, subframe=at - frame)
            yield bpy.context.evaluated_depsgraph_get()
    finally:
        scene.frame_set(before, subframe=subframe)


def _head(performer: Performer) -> tuple[float, float]:
    """Return how far a character's crown is above the joint of its skull and its chin below, metres, at rest."""
    joint = performer.rig.heads[performer.bone_index("Head")]
    usual = HEAD - HEAD / 2 + EYES_ABOVE_JOINT
    crown = 0.0
    for mesh in performer.meshes:
        points = _rest_points(mesh)
        near = np.hypot(points[:, 0] - joint[0], points[:, 2] - joint[2]) < _AROUND
        crown = max(crown, float(points[near, 1].max(initial=joint[1]) - joint[1]))
    crown = crown if usual / 3 < crown < 3 * usual else usual
    return crown, _CHIN * crown


def _rest_points(mesh: Object) -> Float:
    points = np.empty(3 * len(mesh_of(mesh).vertices), np.float32)
    mesh_of(mesh).vertices.foreach_get("co", points)
    world = np.array(mesh.matrix_world, np.float64)
    return from_blender(points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])


def skin(scene: Scene, performer: Performer, moments: NDArray[np.int_], first_frame: int) -> Float:
    """Return a character's vertices (m, 3) as they are at these moments of the take, all together, world, our axes."""
    found: list[Float] = [np.zeros((0, 3))]
    for depsgraph in _shown(scene, moments, first_frame):
        for mesh in performer.meshes:
            if mesh.hide_render or mesh.name not in scene.objects:
                continue
            evaluated = mesh.evaluated_get(depsgraph)
            vertices = mesh_of(evaluated).vertices
            points = np.empty(3 * len(vertices), np.float32)
            vertices.foreach_get("co", points)
            world = np.array(evaluated.matrix_world, np.float64)
            found.append(from_blender(points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]))
    return np.concatenate(found)
