"""Recognise a human armature by its shape: which bones branch where, and where they are in the rest pose.

The body is found from its far ends inwards. The two lowest ends on either side are feet; where their paths to the root meet are
the hips. The highest end near the middle is the head; the ends furthest out to the sides are hands, and their paths meet in the
chest. What lies on the path between is told apart by lengths: an elbow halves an arm, a knee a leg. Bones at the same place as
their parent are helpers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import Floats
from duologue.rigs.joints import FINGERS, REQUIRED, chain_names
from duologue.rigs.rig_map import RigMap, RigMatch


def match_structure(bone_names: Sequence[str], parents: Sequence[int], heads: ArrayLike) -> RigMatch:
    """Match an armature by its shape alone.

    Args:
        bone_names: all B bones; only carried along.
        parents: index of each bone's parent, -1 for none.
        heads: rest positions (B, 3), Y up, any unit, facing any path.

    Returns:
        A match to a map of its own making; empty where no human shape is found. The score is the share of the joints
        a performance needs, less a tenth, because shape is a weaker witness than names.
    """
    tree = _Tree(list(parents), np.asarray(heads, np.float64))
    bones = _find_body(tree) if len(bone_names) >= len(REQUIRED) and tree.size > 0 else {}
    named = {joint: bone_names[bone] for joint, bone in bones.items()}
    missing = tuple(joint for joint in REQUIRED if joint not in named)
    score = 0.9 * (1 - len(missing) / len(REQUIRED))
    rig_map = RigMap(
        "structure", "recognised by its shape", {joint: (bone,) for joint, bone in named.items()}, prefix=False
    )
    return RigMatch(rig_map, named, missing, score if named else 0.0)


@dataclass(frozen=True)
class _Tree:
    parents: list[int]
    heads: Floats

    @property
    def size(self) -> float:
        """Height of the whole armature."""
        return float(np.ptp(self.heads[:, 1]))

    def path(self, bone: int) -> list[int]:
        """Return the bones from the root down to ``bone``."""
        path = [bone]
        while self.parents[path[-1]] >= 0 and len(path) <= len(self.parents):
            path.append(self.parents[path[-1]])
        return path[::-1]

    def children(self, bone: int) -> list[int]:
        return [child for child, parent in enumerate(self.parents) if parent == bone]

    def ends(self) -> list[int]:
        inner = set(self.parents)
        return [bone for bone in range(len(self.parents)) if bone not in inner]

    def meet(self, first: int, second: int) -> int | None:
        """Return the lowest bone above both."""
        common = [a for a, b in zip(self.path(first), self.path(second), strict=False) if a == b]
        return common[-1] if common else None

    def apart(self, path: Sequence[int]) -> list[int]:
        """Leave out bones that sit where the one before them sits."""
        spread = list(path[:1])
        for bone in path[1:]:
            if np.linalg.norm(self.heads[bone] - self.heads[spread[-1]]) > 0.004 * self.size:
                spread.append(bone)
        return spread

    def length(self, first: int, second: int) -> float:
        return float(np.linalg.norm(self.heads[second] - self.heads[first]))


def _find_body(tree: _Tree) -> dict[str, int]:
    ends = tree.ends()
    floor = float(tree.heads[:, 1].min())
    low = [bone for bone in ends if tree.heads[bone, 1] < floor + 0.12 * tree.size and len(tree.path(bone)) > 3]
    feet = _widest_pair(tree, low)
    if feet is None:
        return {}
    hips = tree.meet(*feet)
    if hips is None or tree.heads[hips, 1] < floor + 0.3 * tree.size:
        return {}
    forward = _forward(tree, feet, hips)
    left, right = sorted(feet, key=lambda bone: -float(np.cross([0.0, 1.0, 0.0], forward) @ tree.heads[bone]))
    across = np.cross([0.0, 1.0, 0.0], forward)

    bones: dict[str, int] = {"Hips": _pelvis(tree, hips, feet)}
    for side, end in (("Left", left), ("Right", right)):
        bones |= {side + joint: bone for joint, bone in _leg(tree, hips, end, floor).items()}
    trunk = tree.heads[hips, 1] + 0.15 * tree.size
    upper = [
        bone for bone in ends if hips in tree.path(bone) and max(tree.heads[i, 1] for i in tree.path(bone)) > trunk
    ]
    sideways = tree.heads @ across - float(tree.heads[hips] @ across)
    if not upper:
        return bones
    hands = [max(upper, key=lambda bone: sign * sideways[bone]) for sign in (1.0, -1.0)]
    chest = tree.meet(*hands)
    middle = [bone for bone in upper if abs(sideways[bone]) < 0.06 * tree.size]
    if chest is None or not middle or min(abs(sideways[bone]) for bone in hands) < 0.12 * tree.size:
        return bones
    bones |= _trunk(tree, bones["Hips"], chest, _top(tree, chest, middle))
    for side, end in zip(("Left", "Right"), hands, strict=True):
        bones |= {side + joint: bone for joint, bone in _arm(tree, chest, end, forward).items()}
    return bones


def _widest_pair(tree: _Tree, bones: Sequence[int]) -> tuple[int, int] | None:
    """Return the two ends, one under each of two legs, that reach deepest into the tree."""
    best: tuple[int, int] | None = None
    for i, first in enumerate(bones):
        for second in bones[i + 1 :]:
            top = tree.meet(first, second)
            if top is None or tree.heads[top, 1] < tree.heads[:, 1].min() + 0.3 * tree.size:
                continue
            depth = len(tree.path(first)) + len(tree.path(second))
            if best is None or depth > len(tree.path(best[0])) + len(tree.path(best[1])):
                best = first, second
    return best


def _forward(tree: _Tree, feet: tuple[int, int], hips: int) -> Floats:
    """Return the level direction the toes point in, square to the line between the legs."""
    tops = [next(bone for bone in tree.path(end)[len(tree.path(hips)) :]) for end in feet]
    toes = np.zeros(3)
    for end in feet:
        toes += tree.heads[end] - tree.heads[tree.path(end)[-2]]
    across = tree.heads[tops[0]] - tree.heads[tops[1]]
    if np.hypot(across[0], across[2]) < 1e-9:
        across = tree.heads[feet[0]] - tree.heads[feet[1]]
    forward: Floats = np.cross(across, np.array([0.0, 1.0, 0.0]))
    forward[1] = 0.0
    forward = forward / max(float(np.linalg.norm(forward)), 1e-12)
    return forward if float(forward @ toes) >= 0 else -forward


def _leg(tree: _Tree, hips: int, end: int, floor: float) -> dict[str, int]:
    path = tree.apart(tree.path(end))
    path = [bone for bone in path if bone in tree.path(end)[len(tree.path(hips)) :]]
    if len(path) < 3:
        return {}
    ankle = next((bone for bone in path if tree.heads[bone, 1] < floor + 0.12 * tree.size), None)
    if ankle is None or path.index(ankle) < 2:
        return {}
    thigh, knee = _halves(tree, path[: path.index(ankle) + 1])
    leg = {"UpLeg": thigh, "Leg": knee, "Foot": ankle}
    if ankle != path[-1]:
        leg["ToeBase"] = path[path.index(ankle) + 1]
    return leg


def _halves(tree: _Tree, path: Sequence[int]) -> tuple[int, int]:
    """Return where a limb begins and where it bends, given its bones down to its last joint: the two most equal halves."""
    last = path[-1]
    pairs = [(first, bend) for i, first in enumerate(path[:-2]) for bend in path[i + 1 : -1]]

    def unequal(pair: tuple[int, int]) -> float:
        upper, lower = tree.length(*pair), tree.length(pair[1], last)
        # Among equal halves the longer limb is the limb, the shorter one a part of it.
        return abs(upper - lower) / (upper + lower) - 0.25 * (upper + lower) / tree.length(path[0], last)

    return min(pairs, key=unequal)


def _pelvis(tree: _Tree, hips: int, feet: tuple[int, int]) -> int:
    """Return the bone nearest to the point between the thighs, of the one where the legs meet and those above it in the tree."""
    thighs = [tree.path(end)[len(tree.path(hips))] for end in feet]
    between = tree.heads[thighs].mean(axis=0)
    return min(
        tree.path(hips), key=lambda bone: round(float(np.linalg.norm(tree.heads[bone] - between)) / tree.size, 3)
    )


def _top(tree: _Tree, chest: int, middle: Sequence[int]) -> list[int]:
    """Return the path from the chest to the head: to where eyes and jaw branch off, or to the end of the one chain there is."""
    highest = max(middle, key=lambda bone: tree.heads[bone, 1])
    path = tree.path(highest)[len(tree.path(chest)) :]
    face = [end for end in tree.ends() if path and path[0] in tree.path(end)]
    head = highest
    for end in face:
        head = tree.meet(head, end) or head
    path = tree.apart(tree.path(head)[len(tree.path(chest)) - 1 :])[1:]
    # An end marker on top of the skull hangs further from the head than the head from the neck.
    if len(face) == 1 and len(path) > 1:
        steps = [tree.length(a, b) for a, b in zip([chest, *path], path, strict=False)]
        path = path[:-1] if steps[-1] > 1.3 * steps[-2] else path
    return path


def _trunk(tree: _Tree, hips: int, chest: int, above: Sequence[int]) -> dict[str, int]:
    spine = tree.apart(tree.path(chest)[len(tree.path(hips)) - 1 :])[1:]
    if not spine or not above:
        return {}
    bones = dict(zip(chain_names("Spine", len(spine)), spine, strict=True))
    bones |= dict(zip(chain_names("Neck", len(above) - 1), above[:-1], strict=True))
    return bones | {"Head": above[-1]}


def _arm(tree: _Tree, chest: int, end: int, forward: Floats) -> dict[str, int]:
    path = tree.path(end)[len(tree.path(chest)) :]
    # The hand is where the fingers part: the last bone with three or more of them below.
    hand = next((bone for bone in reversed(path) if len(_fingers(tree, bone)) >= 3), path[-1])
    path = tree.apart(path[: path.index(hand) + 1])
    if len(path) < 3:
        return {}
    arm, elbow = _halves(tree, path)
    bones = {"Arm": arm, "ForeArm": elbow, "Hand": path[-1]}
    if path.index(arm) > 0:
        bones["Shoulder"] = path[path.index(arm) - 1]
    return bones | _name_fingers(tree, hand, forward)


def _fingers(tree: _Tree, hand: int) -> list[list[int]]:
    """Return the paths of at least two bones that leave ``hand``, one to each end below it."""
    below = len(tree.path(hand))
    paths = [tree.apart(tree.path(end)[below - 1 :])[1:] for end in tree.ends() if hand in tree.path(end)[:-1]]
    return [path for path in paths if len(path) >= 2]


def _name_fingers(tree: _Tree, hand: int, forward: Floats) -> dict[str, int]:
    fingers = _fingers(tree, hand)
    if not 3 <= len(fingers) <= 5:
        return {}
    # The thumb points another way than the rest; the others lie side by side across the palm, the one next to the thumb first.
    directions = np.array([tree.heads[path[-1]] - tree.heads[path[0]] for path in fingers])
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    thumb = fingers[int(np.argmin(directions @ np.median(directions, axis=0)))]
    others = [path for path in fingers if path is not thumb]
    knuckles = [
        next(i for i, bone in enumerate(path) if tree.length(hand, bone) > 0.35 * tree.length(hand, path[-1]))
        for path in others
    ]
    places = tree.heads[[path[i] for path, i in zip(others, knuckles, strict=True)]]
    along = places.mean(axis=0) - tree.heads[hand]
    along /= max(float(np.linalg.norm(along)), 1e-12)
    spread = places - places.mean(axis=0)
    level = np.asarray(spread - np.outer(spread @ along, along), np.float64)
    across: Floats = np.linalg.svd(level)[2][0]
    towards = float(across @ (tree.heads[thumb[-1]] - tree.heads[hand]))
    # A thumb straight below the palm tells nothing: palms face down in a rest pose, so the index finger is the foremost.
    if towards < 0 or (abs(towards) < 1e-6 * tree.size and float(across @ forward) < 0):
        across = -across
    order = sorted(range(len(others)), key=lambda i: -float(across @ places[i]))
    bones = {f"HandThumb{i + 1}": bone for i, bone in enumerate(thumb[:3])}
    for name, i in zip(FINGERS[1:], order, strict=False):
        path, knuckle = others[i], knuckles[i]
        bones |= {f"Hand{name}{k + 1}": bone for k, bone in enumerate(path[knuckle : knuckle + 3])}
        if knuckle > 0:
            bones[f"Hand{name}"] = path[knuckle - 1]
    return bones
