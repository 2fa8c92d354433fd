"""A human body by its shape: which bones branch where, and where they are in the rest pose.

The body is found from its far ends inwards. The two lowest ends on either side are feet; where their paths to the root meet are
the hips. The highest end near the middle is the head; the ends furthest out to the sides are hands, and their paths meet in the
chest. What lies on the path between is told apart by lengths: an elbow halves an arm, a knee a leg. Bones at the same place as
their parent are helpers. Words in names vote: an end under a ``leg`` is no hand, and ``.L`` is on the left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from duologue.motion.rotations import Floats
from duologue.rigs.bone_tree import BoneTree
from duologue.rigs.bone_words import BoneName
from duologue.rigs.hands import finger_paths, name_fingers
from duologue.rigs.joints import SIDES, chain_names

_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Silhouette:
    """``bones``: joint -> bone, as far as found; ``front_guessed``: neither names nor toes nor knees say which way is ahead."""

    bones: Mapping[str, int]
    front_guessed: bool


def find_silhouette(tree: BoneTree, names: Sequence[BoneName]) -> Silhouette:
    """Find a body. ``tree.left_out``: bones that are no part of one."""
    body = _Body(tree, names)
    feet = body.feet()
    hips = tree.meet(*feet) if feet else None
    if feet is None or hips is None or tree.heads[hips, 1] < tree.floor + 0.3 * tree.size:
        return Silhouette({}, False)
    (left, right), guessed = body.by_side(feet, hips)
    across = _across(tree, (left, right), hips)
    bones: dict[str, int] = {"Hips": _pelvis(tree, hips, feet)}
    for side, end in zip(SIDES, (left, right), strict=True):
        bones |= {side + joint: bone for joint, bone in _leg(tree, hips, end).items()}
    return Silhouette(bones | body.upper(hips, bones["Hips"], across), guessed)


@dataclass(frozen=True)
class _Body:
    tree: BoneTree
    names: Sequence[BoneName]

    def limbs(self, end: int) -> set[str]:
        """Return which parts of a body the names on the path to an end speak of."""
        return {self.names[bone].limb for bone in self.tree.path(end)} - {"", "trunk"}

    def voted(self, ends: Sequence[int], limb: str) -> list[int]:
        """Return the ends that may be of a limb: of those that are called so, if there are any."""
        fitting = [end for end in ends if self.limbs(end) <= {limb}]
        called = [end for end in fitting if limb in self.limbs(end)]
        return called if len(called) > (limb != "head") else fitting

    def feet(self) -> tuple[int, int] | None:
        """Return the two ends, one under each of two legs, that reach deepest into the tree."""
        tree, best = self.tree, None
        floor = tree.floor
        low = [end for end in tree.ends if tree.heads[end, 1] < floor + 0.12 * tree.size and len(tree.path(end)) > 3]
        low = self.voted(low, "leg")
        for i, first in enumerate(low):
            for second in low[i + 1 :]:
                top = tree.meet(first, second)
                if top is None or tree.heads[top, 1] < floor + 0.3 * tree.size or self.same_side(first, second):
                    continue
                depth = len(tree.path(first)) + len(tree.path(second))
                if best is None or depth > len(tree.path(best[0])) + len(tree.path(best[1])):
                    best = first, second
        return best

    def side(self, end: int) -> str:
        """Return the side that the names on the path to an end tell."""
        sides = [self.names[bone].side for bone in self.tree.path(end)]
        return next((side for side in reversed(sides) if side), "")

    def same_side(self, first: int, second: int) -> bool:
        return self.side(first) == self.side(second) != ""

    def by_side(self, feet: tuple[int, int], hips: int) -> tuple[tuple[int, int], bool]:
        """Return the left and the right foot, by their names or else by the way the body faces; and whether that is a guess."""
        for one, other in (feet, feet[::-1]):
            if self.side(one) == "Left" or self.side(other) == "Right":
                return (one, other), False
        forward, guessed = _forward(self.tree, feet, hips)
        left = np.cross(_UP, forward)
        first, second = sorted(feet, key=lambda bone: -float(left @ self.tree.heads[bone]))
        return (first, second), guessed

    def upper(self, hips: int, pelvis: int, across: Floats) -> dict[str, int]:
        """Return spine, neck, head and arms. ``across``: towards the body's left."""
        tree = self.tree
        trunk = tree.heads[hips, 1] + 0.15 * tree.size
        upper = [end for end in tree.ends if hips in (path := tree.path(end)) and tree.heads[path, 1].max() > trunk]
        sideways = tree.heads @ across - float(tree.heads[hips] @ across)
        arms = self.voted(upper, "arm")
        if not arms:
            return {}
        hands = [max(arms, key=lambda bone: sign * sideways[bone]) for sign in (1.0, -1.0)]
        chest = tree.meet(*hands)
        middle = [bone for bone in self.voted(upper, "head") if abs(sideways[bone]) < 0.06 * tree.size]
        if chest is None or not middle or min(abs(sideways[bone]) for bone in hands) < 0.12 * tree.size:
            return {}
        bones = _trunk(tree, pelvis, chest, _top(tree, chest, middle))
        forward = np.cross(across, _UP)
        for side, end in zip(SIDES, hands, strict=True):
            bones |= {side + joint: bone for joint, bone in _arm(tree, chest, end, forward).items()}
        return bones


def _tops(tree: BoneTree, feet: tuple[int, int], hips: int) -> list[int]:
    """Return where the legs begin."""
    return [tree.path(end)[len(tree.path(hips))] for end in feet]


def _across(tree: BoneTree, feet: tuple[int, int], hips: int) -> Floats:
    """Return the level direction (unit) from the right leg to the left, or from foot to foot."""
    tops = _tops(tree, feet, hips)
    for left, right in (tops, feet):
        across = (tree.heads[left] - tree.heads[right]) * (1.0, 0.0, 1.0)
        length = float(np.linalg.norm(across))
        if length > 1e-9:
            return across / length
    return np.array([1.0, 0.0, 0.0])


def _forward(tree: BoneTree, feet: tuple[int, int], hips: int) -> tuple[Floats, bool]:
    """Return the level direction the body faces, and whether nothing tells it.

    Toes point ahead and knees bend ahead. A straight leg without toes tells nothing: then it faces +Z, as characters do in
    Blender's front view.
    """
    forward = np.cross(_across(tree, feet, hips), _UP)
    toes = knees = 0.0
    for end in feet:
        path = tree.path(end)[len(tree.path(hips)) :]
        last = tree.heads[path[-1]] - tree.heads[path[-2] if len(path) > 1 else path[-1]]
        if np.hypot(last[0], last[2]) > 0.3 * np.linalg.norm(last):
            toes += float(forward @ last)
        chord = tree.heads[path[-1]] - tree.heads[path[0]]
        for bone in path[1:-1]:
            way = tree.heads[bone] - tree.heads[path[0]]
            knees += float(forward @ (way - chord * (way @ chord) / max(float(chord @ chord), 1e-12)))
    for witness in (toes, knees):
        if abs(witness) > 0.005 * tree.size:
            return forward * np.sign(witness), False
    return (forward if forward[2] >= 0 else -forward), True


def _leg(tree: BoneTree, hips: int, end: int) -> dict[str, int]:
    path = tree.apart(tree.path(end))
    path = [bone for bone in path if bone in tree.path(end)[len(tree.path(hips)) :]]
    if len(path) < 3:
        return {}
    ankle = next((bone for bone in path if tree.heads[bone, 1] < tree.floor + 0.12 * tree.size), None)
    if ankle is None or path.index(ankle) < 2:
        return {}
    thigh, knee, _ = _halves(tree, path[: path.index(ankle) + 1], [ankle])
    leg = {"UpLeg": thigh, "Leg": knee, "Foot": ankle}
    if ankle != path[-1]:
        leg["ToeBase"] = path[path.index(ankle) + 1]
    return leg


def _halves(tree: BoneTree, path: Sequence[int], lasts: Sequence[int]) -> tuple[int, int, int]:
    """Return where a limb begins, where it bends and where it ends (one of ``lasts``): the two most equal halves."""
    choices = [
        (first, bend, last)
        for last in lasts
        for i, first in enumerate(path[: path.index(last) - 1])
        for bend in path[i + 1 : path.index(last)]
    ]
    whole = tree.length(path[0], path[-1])

    def unequal(choice: tuple[int, int, int]) -> float:
        first, bend, last = choice
        upper, lower = tree.length(first, bend), tree.length(bend, last)
        # Among equal halves the longer limb is the limb, the shorter one a part of it.
        return abs(upper - lower) / (upper + lower) - 0.25 * (upper + lower) / whole

    return min(choices, key=unequal)


def _pelvis(tree: BoneTree, hips: int, feet: tuple[int, int]) -> int:
    """Return the bone nearest to the point between the thighs, of the one where the legs meet and those above it in the tree."""
    between = tree.heads[_tops(tree, feet, hips)].mean(axis=0)
    return min(
        tree.path(hips), key=lambda bone: round(float(np.linalg.norm(tree.heads[bone] - between)) / tree.size, 3)
    )


def _top(tree: BoneTree, chest: int, middle: Sequence[int]) -> list[int]:
    """Return the path from the chest to the head: to where eyes and jaw branch off, or to the end of the one chain there is."""
    highest = max(middle, key=lambda bone: tree.heads[bone, 1])
    path = tree.path(highest)[len(tree.path(chest)) :]
    face = [end for end in tree.ends if path and path[0] in tree.path(end)]
    head = highest
    for end in face:
        head = tree.meet(head, end) or head
    path = tree.apart(tree.path(head)[len(tree.path(chest)) - 1 :])[1:]
    # An end marker on top of the skull hangs further from the head than the head from the neck.
    if len(face) == 1 and len(path) > 1:
        steps = [tree.length(a, b) for a, b in zip([chest, *path], path, strict=False)]
        path = path[:-1] if steps[-1] > 1.3 * steps[-2] else path
    return path


def _trunk(tree: BoneTree, hips: int, chest: int, above: Sequence[int]) -> dict[str, int]:
    spine = tree.apart(tree.path(chest)[len(tree.path(hips)) - 1 :])[1:]
    if not spine or not above:
        return {}
    bones = dict(zip(chain_names("Spine", len(spine)), spine, strict=True))
    bones |= dict(zip(chain_names("Neck", len(above) - 1), above[:-1], strict=True))
    return bones | {"Head": above[-1]}


def _arm(tree: BoneTree, chest: int, end: int, forward: Floats) -> dict[str, int]:
    path = tree.path(end)[len(tree.path(chest)) :]
    # The hand is where fingers part: the last bone with several of them below. A hand without, or with one, ends the limb.
    parting = [bone for bone in path if len(finger_paths(tree, bone)) >= 2]
    hand = next((bone for bone in reversed(parting) if len(finger_paths(tree, bone)) >= 3), None)
    hand = hand if hand is not None else next(iter(parting[::-1]), None)
    spread = tree.apart(path if hand is None else path[: path.index(hand) + 1])
    if len(spread) < 3:
        return {}
    arm, elbow, hand = _halves(tree, spread, spread[2:] if hand is None else [spread[-1]])
    bones = {"Arm": arm, "ForeArm": elbow, "Hand": hand}
    if spread.index(arm) > 0:
        bones["Shoulder"] = spread[spread.index(arm) - 1]
    return bones | name_fingers(tree, hand, forward)
