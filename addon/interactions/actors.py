# SPDX-License-Identifier: GPL-3.0-or-later
"""Two performers as what solves touches knows people: their surfaces at rest, and how Blender shows them in each frame.

Whatever plays counts: takes, tweak layers, constraints, drivers, keys of the animator's own.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue import arkit
from duologue.interactions.actor import Actor
from duologue.interactions.known import known
from duologue.motion.rotations import einsum
from duologue.rigs.joints import expected_parent, limb_chains
from numpy.typing import ArrayLike, NDArray

from ..cast.cast import Performer
from ..scene import armatures, poses, turning
from ..scene.data import face_keys, pose_of
from ..scene.evaluating import without_surfaces
from .surfaces import Surface, rows_of, surface_of

if TYPE_CHECKING:
    from bpy.types import Depsgraph, Object, Scene

Floats = NDArray[np.float64]
Actors = tuple[Actor, Actor]


@dataclass(frozen=True, eq=False)
class Shown:
    """What Blender shows of A and B over T frames."""

    actors: Actors
    rotations: tuple[Mapping[str, Floats], ...]
    """Of each performer: played bone -> the numbers (T, 3 or 4) that turn it, in whatever mode it has."""


Reading = Generator[tuple[int, int], None, Shown]
"""Yields how many frames are read, and of how many; returns what was read."""

_EVEN = 0.001
"""Metres by which two bones may carry something equally well."""
_SAME = 1e-4
"""Metres between bones that begin in the same place."""


class Ensemble:
    """A and B in a scene. Hold it only within one operator: undo and file loading make its objects invalid."""

    def __init__(self, scene: Scene, performers: Sequence[Performer]) -> None:
        """Read both surfaces at rest.

        Raises:
            DuologueError: what :func:`.surfaces.surface_of` raises.
        """
        self._scene = scene
        self.performers = tuple(performers)
        self.surfaces: tuple[Surface, ...] = tuple(surface_of(performer) for performer in performers)
        self._placed = False

    def read(self, frames: ArrayLike) -> Actors:
        """Return both actors at ``frames`` (T,) of the scene, which may lie between whole ones."""
        return finished(self.reading(frames)).actors

    def reading(self, frames: ArrayLike) -> Reading:
        """Read both frame by frame; the scene is as before when it ends, or is closed."""
        scene, times = self._scene, np.asarray(frames, np.float64)
        before, subframe = scene.frame_current, scene.frame_subframe
        matrices = [np.empty((len(times), len(one.rig.names), 4, 4)) for one in self.performers]
        values = [np.empty((len(times), _shape_count(one)), np.float32) for one in self.performers]
        turned: list[dict[str, list[Any]]] = [{name: [] for name in _turned_bones(one)} for one in self.performers]
        meshes = {mesh for one in self.performers for mesh in one.meshes}
        faces = {face.mesh for one in self.performers for face in one.faces}
        try:
            with without_surfaces(meshes - faces, set()), without_surfaces(faces, faces):
                for i, time in enumerate(times):
                    scene.frame_set(int(np.floor(time)), subframe=float(time - np.floor(time)))
                    depsgraph = bpy.context.evaluated_depsgraph_get()
                    for performer, placed, shapes, turns in zip(self.performers, matrices, values, turned, strict=True):
                        placed[i] = _bones(performer, depsgraph)
                        shapes[i] = _shapes(performer, depsgraph)
                        bones = pose_of(performer.armature.evaluated_get(depsgraph)).bones
                        for name, rows in turns.items():
                            rows.append(getattr(bones[name], turning.rotation_property(bones[name]))[:])
                    yield i + 1, len(times)
        finally:
            scene.frame_set(before, subframe=subframe)
        if not self._placed:
            carried = map(_carried, self.performers, self.surfaces, matrices)
            self.surfaces = tuple(replace(one, character=known(one.character)) for one in carried)
            self._placed = True
        a, b = (
            Actor.from_matrices(surface.character, placed, _weights(performer, shapes))
            for performer, surface, placed, shapes in zip(self.performers, self.surfaces, matrices, values, strict=True)
        )
        return Shown((a, b), tuple({name: np.array(rows, np.float64) for name, rows in one.items()} for one in turned))


def finished(reading: Reading) -> Shown:
    """Read to the end at once."""
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return end.value


def _turned_bones(performer: Performer) -> list[str]:
    """Return the bones that a touch may turn."""
    known = {*performer.match.bones.values(), *performer.match.eyes.values()}
    return [name for name in performer.rig.names if name in known]


def _bones(performer: Performer, depsgraph: Depsgraph) -> Floats:
    """Return where the rig's bones are (B, 4, 4), in our world."""
    placed = armatures.world_pose(performer.armature, depsgraph)
    names = pose_of(performer.armature).bones
    return placed[[names.find(name) for name in performer.rig.names]]


def _shape_count(performer: Performer) -> int:
    return sum(len(face.match.shapes) for face in performer.faces)


def _shapes(performer: Performer, depsgraph: Depsgraph) -> NDArray[np.float32]:
    """Return the values (K,) of all shape keys that the faces' maps know, one face after the other."""
    found: list[float] = []
    for face in performer.faces:
        blocks: Any = face_keys(face.mesh).evaluated_get(depsgraph)
        values = {block.name: 0.0 if block.mute else block.value for block in blocks.key_blocks}
        found += [values.get(name, 0.0) for name in face.match.shapes]
    return np.array(found, np.float32)


def _weights(performer: Performer, values: NDArray[np.float32]) -> dict[str, Floats]:
    """Return ARKit's weights (T,) that come nearest to what the keys are at (T, K), by the faces' maps.

    A take's own weights come back as they were wherever every one of them has keys of its own; keys that mix several stand for
    the smallest weights that make the same face.
    """
    factors = [rows_of(face.match) for face in performer.faces]
    if not factors:
        return {}
    weights = np.asarray(values, np.float64) @ np.linalg.pinv(np.concatenate(factors, axis=1))
    mapped = np.concatenate(factors, axis=1).any(axis=1)
    return {name: weights[:, row] for row, name in enumerate(arkit.NAMES) if mapped[row]}


def _carried(performer: Performer, surface: Surface, matrices: Floats) -> Surface:
    """Hang bones that constraints hold on the played bone that really carries them: generated rigs deform by such bones.

    ``matrices`` (T, B, 4, 4) of a stretch of the take tell: what goes along with a played bone as at rest is carried by it.
    """
    held, rig, rest = _held_bones(performer.armature), performer.rig, surface.character.rest.copy()
    rest[:, :3, :3] /= np.linalg.norm(rest[:, :3, :3], axis=1, keepdims=True)
    index = {name: i for i, name in enumerate(rig.names)}
    played = [index[bone] for bone in performer.match.bones.values() if bone in index]
    free = [bone for bone, name in enumerate(rig.names) if name in held and bone not in played]
    if not free or not len(matrices):
        return surface
    moved = matrices @ np.linalg.inv(rest)
    parents = list(rig.parents)
    for bone in free:
        head = rest[bone, :3, 3]
        points = head + 0.1 * np.concatenate([np.zeros((1, 3)), np.eye(3)])
        own = _carry(moved[:, bone], points)
        able = [one for one in played if bone not in _above(one, parents)]
        apart = {one: float(np.linalg.norm(_carry(moved[:, one], points) - own, axis=-1).max()) for one in able}
        best = min(apart.values(), default=0.0)
        above, limbs = _above(bone, rig.parents), _limbs_of(performer, bone)
        # Several carry it alike where a take keeps fingers still: then what its limb grows from, what lies where it does, or what
        # it hangs on anyway. What carries the hips hangs on nothing that is played: the lower half of a Rigify spine went along
        # with the upper one, for both begin in one place.
        carries = any(bone in _above(one, rig.parents) for one in played)
        near = [
            (one not in limbs, far > _SAME, one not in above, far, one)
            for one in able
            if apart[one] <= best + _EVEN and (limbs or not carries)
            for far in [float(np.linalg.norm(rest[one, :3, 3] - head))]
        ]
        parents[bone] = min(near)[-1] if near else parents[bone]
    character = surface.character
    return replace(surface, character=replace(character, armature=replace(character.armature, parents=tuple(parents))))


def _limbs_of(performer: Performer, bone: int) -> set[int]:
    """Return the played bones that those below a bone grow from: of the bone that drives a finger, the hand."""
    rig, joints = performer.rig, performer.match.bones
    index = {name: i for i, name in enumerate(rig.names)}
    below = {joint for joint, name in joints.items() if bone in _above(index.get(name, bone), rig.parents)}
    grown = {joint: before for limb in limb_chains() for before, joint in pairwise(limb)}
    roots = {grown.get(joint) or expected_parent(joint, joints) or "" for joint in below}
    return {index[joints[root]] for root in roots - below if root in joints}


def _carry(matrices: Floats, points: Floats) -> Floats:
    return einsum("tij,pj->tpi", matrices[:, :3, :3], points) + matrices[:, None, :3, 3]


def _above(bone: int, parents: Sequence[int]) -> set[int]:
    above: set[int] = set()
    while (bone := parents[bone]) >= 0:
        above.add(bone)
    return above


def _held_bones(armature: Object) -> set[str]:
    """Return the bones that a constraint or driver holds, with all that hang on them."""
    driven = armatures.driven_bones(armature)
    tops = [bone for bone in pose_of(armature).bones if bone.name in driven or poses.is_held(bone)]
    return {below.name for top in tops for below in (top, *top.children_recursive)}


def frames_of(begin: float, rate: float, stretch: slice, fps: int) -> Floats:
    """Return where frames of a take lie in a scene (T,): ``begin`` is the first's, ``rate`` the scene's frames a second."""
    return begin + np.arange(stretch.start, stretch.stop) * (rate / fps)
