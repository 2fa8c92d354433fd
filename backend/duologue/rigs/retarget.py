"""Turn a performance into what Blender's pose bones want: a quaternion per bone, and a location where one is needed.

With ``D`` the world turn of a bone away from its own rest pose and ``R`` its rest rotation, a pose bone whose parent turned by
``D_p`` holds ``R⁻¹ D_p⁻¹ D R``: the bone's roll cancels, whatever it is. ``D`` comes from the source joint's world turn and the
constant alignment of the two rest poses (``rigs.alignment``), so nothing accumulates down the chain and helper bones in between
don't matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from duologue.errors import invalid
from duologue.motion.rotations import (
    Floats,
    as_floats,
    matrix_to_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    unroll_quat,
)
from duologue.motion.skeleton import Skeleton
from duologue.rigs.alignment import IDENTITY, TIP
from duologue.rigs.body import MovingBody, clearance, foot_clearance, leg_length, middle, move
from duologue.rigs.joints import FINGERS, SIDES, expected_parent
from duologue.rigs.planting import bend_leg, plantedness, reach_down
from duologue.rigs.rig_map import RigMatch


@dataclass(frozen=True)
class RetargetedPose:
    """What to write on the rig's pose bones. T frames, M turned bones, L moved bones.

    ``quaternions`` (T, M, 4) are ``rotation_quaternion`` of ``bones``, each as near as can be to the frame before; ``locations``
    (T, L, 3) are ``location`` of ``located``, in armature units. ``world_turns`` (T, M, 4) and ``heads`` (T, M, 3) say where that
    puts the bones: turn away from the rest pose, and head in metres, in our axes.
    """

    bones: tuple[str, ...]
    quaternions: Floats
    located: tuple[str, ...]
    locations: Floats
    world_turns: Floats
    heads: Floats


class Retargeter:
    """Drives one armature with motion that comes on one skeleton. All that is constant is worked out once."""

    def __init__(
        self,
        source: Skeleton,
        bone_names: Sequence[str],
        bone_parents: Sequence[int],
        bone_rest: ArrayLike,
        match: RigMatch,
        *,
        world: ArrayLike | None = None,
        sole: float | None = None,
        floor_scale: float = 1.0,
        plant_feet: bool = True,
        fixed: Sequence[str] = (),
    ) -> None:
        """Measure the two rest poses against each other.

        Args:
            source: the performance's skeleton, with duologue60's joint names, soles at y = 0 in its rest pose.
            bone_names: all B bones of the armature.
            bone_parents: index of each bone's parent, -1 for none.
            bone_rest: rest matrices (B, 4, 4) of the bones in armature space (Blender's ``matrix_local``), any unit and axes.
            match: which bone plays which joint (``recognise_rig`` or ``RigMap.bind``).
            world: (4, 4) from armature space to ours (metres, Y up): the object's world matrix after Blender's axes are turned
                into ours. The performance stays where it is in the world whatever this is. None: the armature is in our axes.
            sole: height of the rig's soles in its rest pose, metres in our axes; measure it on the mesh if there is one. None:
                y = 0 if the feet stand there, else a sole's thickness under the lowest joint of the feet.
            floor_scale: what a metre over the floor becomes. 1 keeps the pair's distance; both performers must have the same.
            plant_feet: bend the legs so that feet on the floor stand where the performance has them, whatever the legs' length.
            fixed: bones that can't take a location (``use_connect``, locked).

        Raises:
            DuologueError: INVALID_ARGUMENT ``rig-incomplete`` when the match lacks joints a performance needs, ``rig-rest`` when
                the rest matrices don't fit the bones or are singular.
        """
        if not match.usable:
            lacking = ", ".join(match.required_missing)
            raise invalid(
                "rig-incomplete",
                f"the armature has no bone for {lacking}; name them in a rig map of your own.",
                field="match",
            )
        matrices = np.asarray(bone_rest, np.float64)
        if (
            matrices.shape != (len(bone_names), 4, 4)
            or len(bone_parents) != len(bone_names)
            or not np.isfinite(matrices).all()
        ):
            raise invalid(
                "rig-rest",
                f"{len(bone_names)} bones need as many parents and finite rest matrices; got {len(bone_parents)} parents and "
                f"matrices of shape {matrices.shape}.",
                field="bone_rest",
            )
        matrices = (np.eye(4) if world is None else np.asarray(world, np.float64)) @ matrices
        determinant = float(np.linalg.det(matrices[0, :3, :3]))
        self.scale = float(np.cbrt(determinant))
        if self.scale < 1e-9:
            what = "mirrored (a negative scale)" if determinant < -1e-27 else "scaled to nothing"
            raise invalid(
                "rig-rest", f"the armature is {what}; apply its scale (Object > Apply > Scale).", field="world"
            )
        self.source = source
        self.floor_scale = floor_scale
        self.plant_feet = plant_feet
        self._names = tuple(bone_names)
        self._rest_rotation = matrix_to_quat(_orthonormal(matrices[:, :3, :3]))
        self._rest_head: Floats = matrices[:, :3, 3]

        index = {name: i for i, name in enumerate(bone_names)}
        self._bone = {joint: index[bone] for joint, bone in match.bones.items()}
        parents = list(bone_parents)
        for child, parent in match.rig_map.parents.items():
            if child in index and parent in index:
                parents[index[child]] = index[parent]
        self._rest = {joint: self._rest_head[bone] for joint, bone in self._bone.items()}
        self._rest |= self._tips()
        self._also = {
            index[bone]: self._bone[joint]
            for bone, joint in match.rig_map.also.items()
            if bone in index and joint in self._bone and index[bone] not in self._bone.values()
        }
        played = set(self._bone.values()) | set(self._also)
        self._above = {bone: _nearest(bone, parents, played) for bone in played}
        self._moved = self._find_moved(set(fixed))
        self._order = _parents_first(played, self._above)
        self._placing = _parents_first(played, {bone: self._anchor(bone) for bone in played})

        self._own = {name: name for name in source.names}
        lowest = min(
            float(self._rest[side + part][1])
            for side in SIDES
            for part in ("Foot", "ToeBase")
            if side + part in self._rest
        )
        stature = leg_length(self._rest)
        stands = 0 <= lowest < 0.2 * stature
        self.sole = sole if sole is not None else 0.0 if stands else lowest - 0.02 * stature
        source_rest = {name: source.rest_positions[i] for i, name in enumerate(source.names)}
        self.leg_scale = stature / leg_length(source_rest)
        """How long this rig's legs are compared with the source's."""

    def _tips(self) -> dict[str, Floats]:
        """Guess where finger tips point: along the last bone's own axis that lies along the finger in the two bones before it.

        Blender bones have tails, but importers set them at random (FBX). Where the two bones before are not alike, or the tip
        would bend by more than 60 degrees, there is none.
        """
        tips: dict[str, Floats] = {}
        for side in SIDES:
            for finger in FINGERS:
                joints = [f"{side}Hand{finger}{i}" for i in (1, 2, 3)]
                if not all(joint in self._bone for joint in joints):
                    continue
                heads = [self._rest[joint] for joint in joints]
                turns = [self._rest_rotation[self._bone[joint]] for joint in joints]
                along = [quat_rotate(quat_conjugate(turns[i]), heads[i + 1] - heads[i]) for i in (0, 1)]
                lengths = [float(np.linalg.norm(way)) for way in along]
                tip = quat_rotate(turns[2], along[1])
                alike = min(lengths) > 1e-6 and float(along[0] @ along[1]) > 0.94 * lengths[0] * lengths[1]
                if alike and float(tip @ (heads[2] - heads[1])) > 0.5 * lengths[1] ** 2:
                    tips[joints[2] + TIP] = heads[2] + tip
        return tips

    def _find_moved(self, fixed: set[str]) -> dict[int, int | None]:
        """Return the bones that get a location, each with the bone it has to stay with (None: the hips, which stay with nothing).

        Besides the hips these are bones that the rig hangs elsewhere than the body does: 3ds Max's Biped has its clavicles under
        the neck and its thighs under the spine, where a nod would pull the arms and a bow the feet.
        """
        moved: dict[int, int | None] = {self._bone["Hips"]: None}
        for joint, bone in self._bone.items():
            anchor = expected_parent(joint, self._bone)
            above = self._above[bone]
            carrier = self._also.get(above, above) if above is not None else None
            if anchor is not None and carrier != self._bone[anchor] and self._names[bone] not in fixed:
                moved[bone] = self._bone[anchor]
        return moved | self._also

    def _anchor(self, bone: int) -> int | None:
        """Return the bone that carries this one's head."""
        return self._moved.get(bone, self._above[bone])

    def apply(
        self, rotations: ArrayLike, root_translation: ArrayLike, *, after: RetargetedPose | None = None
    ) -> RetargetedPose:
        """Pose the rig.

        Args:
            rotations: (T, J, 3) exponential maps on the source skeleton, parent-local.
            root_translation: (T, 3) world position of the source's hips, metres.
            after: what this returned for the frames just before, so that quaternions run on without a change of sign.
        """
        body = move(
            self.source,
            self._own,
            as_floats(rotations).astype(np.float64),
            as_floats(root_translation).astype(np.float64),
        )
        turns = self._turn(body)
        # The point between the hip joints goes where the source's goes over the floor; the lower sole is as high as the source's.
        root = middle(body.positions) * self.floor_scale
        root[:, 1] = 0.0
        root = root + quat_rotate(turns[self._bone["Hips"]], self._rest["Hips"] - middle(self._rest))
        heads = self._place(turns, root)
        own = clearance(self._rest, self.sole, self._by_joint(turns), self._by_joint(heads))
        root[:, 1] += self.leg_scale * clearance(body.rest, 0.0, body.turns, body.positions) - own
        heads = self._place(turns, root)
        if self.plant_feet:
            heads = self._plant(body, turns, heads, root)

        basis = {bone: self._basis(bone, turns) for bone in self._order}
        quaternions = np.stack([basis[bone] for bone in self._order], axis=1)
        if after is not None:
            quaternions = unroll_quat(np.concatenate([after.quaternions[-1:], quaternions]))[1:]
        else:
            quaternions = unroll_quat(quaternions)
        locations = np.stack([self._location(bone, turns, heads) for bone in self._moved], axis=1)
        return RetargetedPose(
            tuple(self._names[bone] for bone in self._order),
            quaternions,
            tuple(self._names[bone] for bone in self._moved),
            locations,
            np.stack([turns[bone] for bone in self._order], axis=1),
            np.stack([heads[bone] for bone in self._order], axis=1),
        )

    def _turn(self, body: MovingBody) -> dict[int, Floats]:
        """World turns (T, 4) of the played bones away from their rest pose."""
        driven = body.drive(self._rest)
        by_bone = {bone: driven[joint] for joint, bone in self._bone.items() if joint in driven}
        by_bone |= {bone: by_bone[goes_with] for bone, goes_with in self._also.items() if goes_with in by_bone}
        still = np.broadcast_to(IDENTITY, (body.frames, 4))
        turns: dict[int, Floats] = {}
        for bone in self._order:
            above = self._above[bone]
            turns[bone] = by_bone.get(bone, still if above is None else turns[above])
        return turns

    def _basis(self, bone: int, turns: Mapping[int, Floats]) -> Floats:
        """What the pose bone's quaternion (T, 4) has to be for it to have turned as ``turns`` says."""
        above, rest = self._above[bone], self._rest_rotation[bone]
        turn = turns[bone] if above is None else quat_multiply(quat_conjugate(turns[above]), turns[bone])
        return quat_multiply(quat_multiply(quat_conjugate(rest), turn), rest)

    def _plant(
        self, body: MovingBody, turns: dict[int, Floats], heads: Mapping[int, Floats], root: Floats
    ) -> dict[int, Floats]:
        """Bend the legs (in ``turns``) so that feet that are down stand where the source's stand, and place the bones again."""
        before, turned = self._by_joint(heads), self._by_joint(turns)
        goals: dict[str, Floats] = {}
        for side in SIDES:
            foot = side + "Foot"
            height = foot_clearance(side, body.rest, 0.0, body.turns, body.positions)
            way = self.floor_scale * body.positions[foot] - before[foot]
            way[:, 1] = self.leg_scale * height - foot_clearance(side, self._rest, self.sole, turned, before)
            goals[foot] = before[foot] + plantedness(height)[:, None] * way
        root[:, 1] -= reach_down(before, goals)
        lowered = self._by_joint(self._place(turns, root))
        for side in SIDES:
            joints = [side + part for part in ("UpLeg", "Leg", "Foot")]
            hinge = quat_rotate(body.turns[joints[1]], np.array([1.0, 0.0, 0.0]))
            hip, knee, ankle = (lowered[joint] for joint in joints)
            more = bend_leg(hip, knee, ankle, goals[joints[2]], hinge)
            for joint, turn in zip(joints, more, strict=False):
                turns[self._bone[joint]] = quat_multiply(turn, turns[self._bone[joint]])
        return self._place(turns, root)

    def _by_joint(self, values: Mapping[int, Floats]) -> dict[str, Floats]:
        return {joint: values[bone] for joint, bone in self._bone.items()}

    def _place(self, turns: Mapping[int, Floats], root: Floats) -> dict[int, Floats]:
        """World heads (T, 3) of the played bones, the hips at ``root``."""
        heads: dict[int, Floats] = {}
        hips = self._bone["Hips"]
        for bone in self._placing:
            anchor = self._anchor(bone)
            if bone == hips:
                heads[bone] = root.copy()
            elif anchor is None:
                heads[bone] = np.tile(self._rest_head[bone], (len(root), 1))
            else:
                heads[bone] = heads[anchor] + quat_rotate(
                    turns[anchor], self._rest_head[bone] - self._rest_head[anchor]
                )
        return heads

    def _location(self, bone: int, turns: Mapping[int, Floats], heads: Mapping[int, Floats]) -> Floats:
        """Return a pose bone's ``location`` (T, 3), in armature units, that puts its head where ``heads`` has it."""
        above = self._above[bone]
        rest = quat_conjugate(self._rest_rotation[bone])
        if above is None:
            return quat_rotate(rest, heads[bone] - self._rest_head[bone]) / self.scale
        carried = heads[above] + quat_rotate(turns[above], self._rest_head[bone] - self._rest_head[above])
        return quat_rotate(rest, quat_rotate(quat_conjugate(turns[above]), heads[bone] - carried)) / self.scale


def _orthonormal(matrices: Floats) -> Floats:
    """Return the rotations nearest to matrices (B, 3, 3) that may carry scale."""
    u, _, vt = np.linalg.svd(matrices)
    return u @ vt


def _nearest(bone: int, parents: Sequence[int], played: set[int]) -> int | None:
    """Return the nearest bone above that plays a joint; everything between moves with it."""
    above, steps = parents[bone], 0
    while above >= 0 and above not in played:
        above, steps = parents[above], steps + 1
        if steps > len(parents):
            raise invalid("rig-rest", "the bones' parents run in a circle.", field="bone_parents")
    return above if above >= 0 else None


def _parents_first(played: set[int], above: Mapping[int, int | None]) -> list[int]:
    """Order bones so that each comes after the one ``above`` it."""
    order: list[int] = []

    def visit(bone: int) -> None:
        if bone in order:
            return
        before = above[bone]
        if before is not None:
            visit(before)
        order.append(bone)

    for bone in sorted(played):
        visit(bone)
    return order
