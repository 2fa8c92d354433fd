"""One armature measured for retargeting: what plays which joint, what hangs where, how long its legs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from duologue.errors import invalid
from duologue.motion.rotations import (
    Floats,
    matrix_to_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from duologue.rigs.alignment import TIP
from duologue.rigs.armature import Armature
from duologue.rigs.body import leg_length
from duologue.rigs.carried import Carried, at_rest, carry, orthonormal
from duologue.rigs.joints import FINGERS, SIDES, expected_parent
from duologue.rigs.rig_map import RigMap, RigMatch


class TargetRig:
    """An armature's rest pose in our axes and metres. Bones are indices; "played" are those that motion turns.

    ``rest_rotation`` (B, 4) and ``rest_head`` (B, 3) of all bones, heads as a pose that stays has them; ``carried``: where played
    bones are before they are posed; ``bone``: joint word -> bone; ``rest``: joint word -> rest
    position, finger tips included; ``above``: played bone -> the nearest played bone above it; ``moved``: bone that gets a
    location -> the bone it has to stay with (None: the hips); ``also``: bone -> the bone it goes with; ``twists``: bone ->
    (forearm, hand, share); ``order``: played bones, parents first; ``placing``: each after the one that carries its head;
    ``carriers``: bones that are not played and have played ones below them; ``beneath``: those of them that have none above;
    ``carrier`` (4, 4): what a pose of those does to the whole body.
    """

    def __init__(self, armature: Armature, match: RigMatch, sole: float | None = None) -> None:
        """Measure; arguments and errors are those of ``Retargeter``."""
        if not match.usable:
            lacking = ", ".join(match.required_missing)
            hint = "name them in a rig map of your own."
            raise invalid("rig-incomplete", f"the armature has no bone for {lacking}; {hint}", field="match")
        matrices = armature.in_our_world()
        self.scale = float(np.cbrt(np.linalg.det(matrices[0, :3, :3])))
        self.names = tuple(armature.names)
        self.rest_rotation = matrix_to_quat(orthonormal(matrices[:, :3, :3]))

        index = {name: i for i, name in enumerate(armature.names)}
        self.bone = {joint: index[bone] for joint, bone in match.bones.items()}
        self.also = self._also(match.rig_map, index)
        self.twists = self._twists(match.rig_map, index)
        played = {*self.bone.values(), *self.also, *self.twists}
        parents = _control_parents(armature.parents, match.rig_map, index)
        self.above = {bone: _nearest(bone, parents, played) for bone in played}
        self.carriers, self.beneath = _carriers(played, parents)
        self.moved = self._find_moved(set(armature.fixed))
        self.order = _parents_first(played, self.above)
        self.placing = _parents_first(played, {bone: self.anchor(bone) for bone in played})
        self.carried = self._carry(matrices, armature.pose, parents)
        self.carrier = self._find_carrier(matrices[:, :3, 3])
        self.rest_head = self._stand(matrices[:, :3, 3], posed=armature.pose is not None)
        self.rest = {joint: self.rest_head[bone] for joint, bone in self.bone.items()}
        self.rest |= self._tips() | self._stumps()
        self.leg_length = leg_length(self.rest)
        self.sole = self._guess_sole() if sole is None else self._lowered(sole, matrices[:, 1, 3])

    def _carry(self, rest: Floats, pose: Floats | None, parents: Sequence[int]) -> Carried:
        if pose is None:
            return at_rest(self.rest_rotation, rest[:, :3, 3], self.scale, self.above)
        if pose.shape != rest.shape or not np.isfinite(pose).all():
            message = f"{len(rest)} bones need as many finite pose matrices; got some of shape {pose.shape}."
            raise invalid("rig-rest", message, field="pose")
        return carry(rest, pose, parents, self.above, self.moved)

    def _find_carrier(self, heads: Floats) -> Floats:
        top = self.bone["Hips"]
        while (above := self.above[top]) is not None:
            top = above
        turn = quat_multiply(self.carried.rotation[top], quat_conjugate(self.rest_rotation[top]))
        placement = np.eye(4)
        placement[:3, :3] = self.carried.scale[top] / self.scale * quat_to_matrix(turn)
        placement[:3, 3] = self.carried.offset[top] - placement[:3, :3] @ heads[top]
        return placement

    def _stand(self, heads: Floats, *, posed: bool) -> Floats:
        """Return the rest heads (B, 3) of the body as it is carried, the hips where they rest."""
        if not posed:
            return heads
        places = heads.copy()
        for bone in self.placing:
            by = self.anchor(bone)
            if bone == self.bone["Hips"]:
                continue
            if by is None:
                places[bone] = self.carried.offset[bone]
            elif bone in self.moved:  # its location is written, so it goes where it is at rest, in proportion
                places[bone] = places[by] + self.carried.size[by] * (heads[bone] - heads[by])
            else:
                places[bone] = places[by] + self.carried.offset[bone]
        return places

    def _lowered(self, sole: float, heights: Floats) -> float:
        """Return how high soles are that were measured at rest, once the legs are as a pose that stays has them."""
        feet = [self.bone[side + "Foot"] for side in SIDES]
        return min(float(self.rest_head[foot, 1] - self.carried.size[foot] * (heights[foot] - sole)) for foot in feet)

    def by_joint(self, values: Mapping[int, Floats]) -> dict[str, Floats]:
        """Return values of bones by the joints they play."""
        return {joint: values[bone] for joint, bone in self.bone.items()}

    def anchor(self, bone: int) -> int | None:
        """Return the bone that carries this one's head."""
        return self.moved.get(bone, self.above[bone])

    def _also(self, rig_map: RigMap, index: Mapping[str, int]) -> dict[int, int]:
        """Return the bones that go with a joint's bone, each with that bone."""
        free = self._free(index)
        return {
            free[bone]: self.bone[joint] for bone, joint in rig_map.also.items() if joint in self.bone and bone in free
        }

    def _twists(self, rig_map: RigMap, index: Mapping[str, int]) -> dict[int, tuple[int, int, float]]:
        """Return the bones that take a share of a hand's twist: bone -> (forearm, hand, share)."""
        free = self._free(index)
        return {
            free[twist.bone]: (self.bone[twist.side + "ForeArm"], self.bone[twist.side + "Hand"], twist.share)
            for twist in rig_map.twists
            if twist.side + "Hand" in self.bone and twist.bone in free
        }

    def _free(self, index: Mapping[str, int]) -> dict[str, int]:
        """Return the bones that play no joint."""
        taken = set(self.bone.values())
        return {name: bone for name, bone in index.items() if bone not in taken}

    def _guess_sole(self) -> float:
        """Return the height of the soles: 0 if the feet stand there, else a sole's thickness under their lowest joint."""
        feet = [side + part for side in SIDES for part in ("Foot", "ToeBase") if side + part in self.rest]
        lowest = min(float(self.rest[joint][1]) for joint in feet)
        return 0.0 if 0 <= lowest < 0.2 * self.leg_length else lowest - 0.02 * self.leg_length

    def _tips(self) -> dict[str, Floats]:
        """Guess where finger tips point: along the last bone's own axis that lies along the finger in the two bones before it.

        Blender bones have tails, but importers set them at random (FBX). Where the two bones before are not alike, or the tip
        would bend by more than 60 degrees, there is none.
        """
        tips: dict[str, Floats] = {}
        for side in SIDES:
            for finger in FINGERS:
                joints = [f"{side}Hand{finger}{i}" for i in (1, 2, 3)]
                if not all(joint in self.bone for joint in joints):
                    continue
                heads = [self.rest[joint] for joint in joints]
                turns = [self.rest_rotation[self.bone[joint]] for joint in joints]
                along = [quat_rotate(quat_conjugate(turns[i]), heads[i + 1] - heads[i]) for i in (0, 1)]
                lengths = [float(np.linalg.norm(bone)) for bone in along]
                tip = quat_rotate(turns[2], along[1])
                alike = min(lengths) > 1e-6 and float(along[0] @ along[1]) > 0.94 * lengths[0] * lengths[1]
                if alike and float(tip @ (heads[2] - heads[1])) > 0.5 * lengths[1] ** 2:
                    tips[joints[2] + TIP] = heads[2] + tip
        return tips

    def _stumps(self) -> dict[str, Floats]:
        """Return where forearms end whose fingers hang on them without a hand, as robots' do: between the fingers' roots."""
        stumps: dict[str, Floats] = {}
        for side in SIDES:
            roots = [self.rest[joint] for finger in FINGERS[1:] if (joint := f"{side}Hand{finger}1") in self.rest]
            if roots and side + "Hand" not in self.rest:
                stumps[side + "ForeArm" + TIP] = np.mean(roots, axis=0)
        return stumps

    def _find_moved(self, fixed: set[str]) -> dict[int, int | None]:
        """Return the bones that get a location, each with the bone it has to stay with (None: the hips, which stay with nothing).

        Besides the hips these are bones that the rig hangs elsewhere than the body does: 3ds Max's Biped has its clavicles under
        the neck and its thighs under the spine, where a nod would pull the arms and a bow the feet.
        """
        moved: dict[int, int | None] = {self.bone["Hips"]: None}
        for joint, bone in self.bone.items():
            anchor = expected_parent(joint, self.bone)
            above = self.above[bone]
            carrier = self._carrier(above)
            if anchor is not None and carrier != self.bone[anchor] and self.names[bone] not in fixed:
                moved[bone] = self.bone[anchor]
        return moved | self.also

    def _carrier(self, above: int | None) -> int | None:
        """Return the bone whose motion ``above`` shares: bones that go with another, and twist bones, carry like their own."""
        if above is None:
            return None
        return self.twists[above][0] if above in self.twists else self.also.get(above, above)


def _control_parents(own: Sequence[int], rig_map: RigMap, index: Mapping[str, int]) -> list[int]:
    """Return each bone's parent (-1: none), for controls the one that the map says they move under."""
    parents = list(own)
    for child, parent in rig_map.parents.items():
        if child in index and parent in index:
            parents[index[child]] = index[parent]
    return parents


def _nearest(bone: int, parents: Sequence[int], played: set[int]) -> int | None:
    """Return the nearest bone above that plays a joint; everything between moves with it."""
    above = parents[bone]
    for _ in parents:
        if above < 0 or above in played:
            break
        above = parents[above]
    return above if above >= 0 else None


def _carriers(played: set[int], parents: Sequence[int]) -> tuple[set[int], set[int]]:
    """Return the bones that carry played ones without being played, and those of them above everything that is."""
    carriers: set[int] = set()
    for bone in played:
        above = parents[bone]
        for _ in parents:
            if above < 0:
                break
            carriers.add(above)
            above = parents[above]
    carriers -= played
    return carriers, {bone for bone in carriers if _nearest(bone, parents, played) is None}


def _parents_first(played: set[int], above: Mapping[int, int | None]) -> list[int]:
    """Order bones so that each comes after the one ``above`` it."""
    order: list[int] = []
    left = sorted(played)
    while left:
        ready = [bone for bone in left if above[bone] is None or above[bone] in order]
        if not ready:
            raise invalid("rig-rest", "the bones' parents run in a circle.", field="parents")
        order += ready
        left = [bone for bone in left if bone not in ready]
    return order
