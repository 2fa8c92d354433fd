"""Turn a performance into what Blender's pose bones want: a quaternion per bone, and a location where one is needed.

With ``D`` the world turn of a bone away from its own rest pose and ``R`` its rest rotation, a pose bone whose parent turned by
``D_p`` holds ``R⁻¹ D_p⁻¹ D R``: the bone's roll cancels, whatever it is. (Where bones that nobody plays are left in a pose, the
first ``R`` is what that makes of the rest rotation: ``rigs.carried``.) ``D`` comes from the source joint's world turn and the
constant alignment of the two rest poses (``rigs.alignment``), so nothing accumulates down the chain and helper bones in between
don't matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import (
    Floats,
    as_floats,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_slerp,
    unroll_quat,
)
from duologue.motion.skeleton import Skeleton
from duologue.rigs.alignment import IDENTITY, twist_about
from duologue.rigs.armature import Armature
from duologue.rigs.body import MovingBody, clearance, foot_clearance, leg_length, middle, move
from duologue.rigs.joints import SIDES
from duologue.rigs.planting import bend_leg, own_stance, plantedness, raise_toes, reach_down, set_down
from duologue.rigs.rig_map import RigMatch
from duologue.rigs.target import TargetRig

_TOES = 0.135
"""How far toes reach beyond the ball of the foot, of a leg's length: 12 cm in an adult, with a roomy shoe."""


@dataclass(frozen=True)
class RetargetedPose:
    """What to write on the rig's pose bones. T frames, M turned bones, L moved bones.

    ``quaternions`` (T, M, 4) are ``rotation_quaternion`` of ``bones``, each as near as can be to the frame before; ``locations``
    (T, L, 3) are ``location`` of ``located``, in armature units. ``world_turns`` (T, M, 4) and ``heads`` (T, M, 3) say where that
    puts the bones: turn away from the rest pose, and head in metres, in our axes. ``stances``: how far each foot stands aside of
    the performance's in the last frame, side -> (2,).
    """

    bones: tuple[str, ...]
    quaternions: Floats
    located: tuple[str, ...]
    locations: Floats
    world_turns: Floats
    heads: Floats
    stances: Mapping[str, Floats] = field(default_factory=dict[str, Floats])


class Retargeter:
    """Drives one armature with motion that comes on one skeleton. All that is constant is worked out once."""

    def __init__(
        self,
        source: Skeleton,
        armature: Armature,
        match: RigMatch,
        *,
        sole: float | None = None,
        plant_feet: bool = True,
    ) -> None:
        """Measure the two rest poses against each other.

        Args:
            source: the performance's skeleton, with duologue60's joint names, soles at y = 0 in its rest pose.
            armature: whose pose bones are written. The performance stays where it is in the world, wherever that stands.
            match: which bone plays which joint (``recognise_rig`` or ``RigMap.bind``).
            sole: height of the rig's soles in its rest pose, metres in our axes; measure it on the mesh if there is one. None:
                y = 0 if the feet stand there, else a sole's thickness under the lowest joint of the feet.
            plant_feet: bend the legs so that feet on the floor stand where the performance has them, whatever the legs' length.

        Raises:
            DuologueError: INVALID_ARGUMENT ``rig-incomplete`` when the match lacks joints a performance needs, ``rig-rest`` when
                the rest matrices don't fit the bones or are singular.
        """
        self.source = source
        self.rig = TargetRig(armature, match, sole)
        self.plant_feet = plant_feet
        self._own = {name: name for name in source.names}
        self.leg_scale = self.rig.leg_length / leg_length(dict(zip(source.names, source.rest_positions, strict=True)))
        """How long this rig's legs are compared with the source's."""
        self.own_stance = own_stance(self.leg_scale)
        """How far it stands with its feet as far apart as its own legs have them: 0 for anybody about as tall as the source."""

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
        root = self._root(body, turns)
        heads = self._place(turns, root)
        stances: dict[str, Floats] = dict(after.stances) if after is not None else {}
        if self.plant_feet:
            heads = self._plant(body, turns, heads, root, stances)

        basis = {bone: self._basis(bone, turns) for bone in self.rig.order}
        quaternions = np.stack([basis[bone] for bone in self.rig.order], axis=1)
        if after is not None:
            quaternions = unroll_quat(np.concatenate([after.quaternions[-1:], quaternions]))[1:]
        else:
            quaternions = unroll_quat(quaternions)
        locations = np.stack([self._location(bone, turns, heads) for bone in self.rig.moved], axis=1)
        return RetargetedPose(
            tuple(self.rig.names[bone] for bone in self.rig.order),
            quaternions,
            tuple(self.rig.names[bone] for bone in self.rig.moved),
            locations,
            np.stack([turns[bone] for bone in self.rig.order], axis=1),
            np.stack([heads[bone] for bone in self.rig.order], axis=1),
            stances,
        )

    def _root(self, body: MovingBody, turns: dict[int, Floats]) -> Floats:
        """Return where the hips (T, 3) are: the point between the hip joints goes where the source's goes over the floor, and the
        lower sole is as high as the source's."""
        root = middle(body.positions)
        root[:, 1] = 0.0
        root = root + quat_rotate(turns[self.rig.bone["Hips"]], self.rig.rest["Hips"] - middle(self.rig.rest))
        heads = self._place(turns, root)
        own = clearance(self.rig.rest, self.rig.sole, self.rig.by_joint(turns), self.rig.by_joint(heads))
        root[:, 1] += self.leg_scale * clearance(body.rest, 0.0, body.turns, body.positions) - own
        return root

    def _turn(self, body: MovingBody) -> dict[int, Floats]:
        """World turns (T, 4) of the played bones away from their rest pose."""
        driven = body.drive(self.rig.rest)
        by_bone = {bone: driven[joint] for joint, bone in self.rig.bone.items() if joint in driven}
        by_bone |= {bone: by_bone[goes_with] for bone, goes_with in self.rig.also.items() if goes_with in by_bone}
        still = np.broadcast_to(IDENTITY, (body.frames, 4))
        turns: dict[int, Floats] = {}
        for bone in self.rig.order:
            above = self.rig.above[bone]
            if bone in self.rig.twists and self.rig.twists[bone][1] in by_bone:
                turns[bone] = self._twist(*self.rig.twists[bone], by_bone)
            else:
                turns[bone] = by_bone.get(bone, still if above is None else turns[above])
        return turns

    def _twist(self, forearm: int, hand: int, share: float, turns: Mapping[int, Floats]) -> Floats:
        """The forearm's turn and a share of the hand's twist against it."""
        bone = self.rig.rest_head[hand] - self.rig.rest_head[forearm]
        against = quat_multiply(quat_conjugate(turns[forearm]), turns[hand])
        twist = twist_about(against, bone / np.linalg.norm(bone))
        return quat_multiply(
            turns[forearm], quat_slerp(np.broadcast_to(IDENTITY, twist.shape), twist, np.full(len(twist), share))
        )

    def _basis(self, bone: int, turns: Mapping[int, Floats]) -> Floats:
        """What the pose bone's quaternion (T, 4) has to be for it to have turned as ``turns`` says."""
        above = self.rig.above[bone]
        turn = turns[bone] if above is None else quat_multiply(quat_conjugate(turns[above]), turns[bone])
        carried = quat_conjugate(self.rig.carried.rotation[bone])  # the rest rotation itself, where nothing is posed
        return quat_multiply(quat_multiply(carried, turn), self.rig.rest_rotation[bone])

    def _plant(
        self,
        body: MovingBody,
        turns: dict[int, Floats],
        heads: Mapping[int, Floats],
        root: Floats,
        stances: dict[str, Floats],
    ) -> dict[int, Floats]:
        """Bend the legs (in ``turns``) so that feet that are down stand where the source's stand, and place the bones again.

        ``stances``: those of the frame before, and afterwards of the last one.
        """
        before, turned = self.rig.by_joint(heads), self.rig.by_joint(turns)
        goals: dict[str, Floats] = {}
        for side in SIDES:
            foot = side + "Foot"
            height = foot_clearance(side, body.rest, 0.0, body.turns, body.positions)
            planted = plantedness(height)
            shift = body.positions[foot] - before[foot]
            if self.own_stance > 0:
                ahead = quat_rotate(body.turns[foot], np.array([0.0, 0.0, 1.0]))[:, [0, 2]]
                ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
                aside, held = set_down(-shift[:, [0, 2]], ahead, planted, stances.get(side))
                if held is not None:
                    stances[side] = held
                shift[:, [0, 2]] += self.own_stance * aside
            shift[:, 1] = self.leg_scale * height - foot_clearance(side, self.rig.rest, self.rig.sole, turned, before)
            goals[foot] = before[foot] + planted[:, None] * shift
        root[:, 1] -= reach_down(before, goals)
        lowered = self.rig.by_joint(self._place(turns, root))
        for side in SIDES:
            joints = [side + part for part in ("UpLeg", "Leg", "Foot")]
            hinge = quat_rotate(body.turns[joints[1]], np.array([1.0, 0.0, 0.0]))
            hip, knee, ankle = (lowered[joint] for joint in joints)
            more = bend_leg(hip, knee, ankle, goals[joints[2]], hinge)
            for joint, turn in zip(joints, more, strict=False):
                turns[self.rig.bone[joint]] = quat_multiply(turn, turns[self.rig.bone[joint]])
        heads = self._place(turns, root)
        self._keep_toes_up(turns, heads)
        return heads

    def _keep_toes_up(self, turns: dict[int, Floats], heads: Mapping[int, Floats]) -> None:
        """Bend toes (in ``turns``) that would go through the floor."""
        for side in SIDES:
            foot, toes = side + "Foot", side + "ToeBase"
            if toes not in self.rig.bone:
                continue
            flat = (self.rig.rest[toes] - self.rig.rest[foot]) * np.array([1.0, 0.0, 1.0])
            bone = self.rig.bone[toes]
            thickness = float(self.rig.rest[toes][1]) - self.rig.sole
            ball = heads[bone][:, 1] - thickness  # as if the toes lay flat already
            ahead = quat_rotate(turns[bone], flat / max(float(np.linalg.norm(flat)), 1e-9))
            turns[bone] = quat_multiply(raise_toes(ahead, ball, _TOES * self.rig.leg_length), turns[bone])

    def _place(self, turns: Mapping[int, Floats], root: Floats) -> dict[int, Floats]:
        """World heads (T, 3) of the played bones, the hips at ``root``."""
        heads: dict[int, Floats] = {}
        hips = self.rig.bone["Hips"]
        for bone in self.rig.placing:
            anchor = self.rig.anchor(bone)
            if bone == hips:
                heads[bone] = root.copy()
            elif anchor is None:
                heads[bone] = np.tile(self.rig.rest_head[bone], (len(root), 1))
            else:
                heads[bone] = heads[anchor] + quat_rotate(
                    turns[anchor], self.rig.rest_head[bone] - self.rig.rest_head[anchor]
                )
        return heads

    def _location(self, bone: int, turns: Mapping[int, Floats], heads: Mapping[int, Floats]) -> Floats:
        """Return a pose bone's ``location`` (T, 3), in armature units, that puts its head where ``heads`` has it."""
        above, carried = self.rig.above[bone], self.rig.carried
        back = quat_conjugate(carried.rotation[bone])
        if above is None:
            return quat_rotate(back, heads[bone] - carried.offset[bone]) / carried.scale[bone]
        there = heads[above] + quat_rotate(turns[above], carried.offset[bone])
        return quat_rotate(back, quat_rotate(quat_conjugate(turns[above]), heads[bone] - there)) / carried.scale[bone]
