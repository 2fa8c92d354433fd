"""Recognise a human armature that no rig map knows: by what its bones are called, and by its shape where names say nothing.

Names go first: whoever wrote ``forearm.L`` knew better than any measure. An arm, a leg or a trunk that names don't tell whole is
taken from the shape (``rigs.silhouette``), in which words vote as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import Floats
from duologue.rigs.bone_tree import BoneTree
from duologue.rigs.bone_words import BoneName, read_names
from duologue.rigs.hands import name_fingers
from duologue.rigs.joints import ARM, FINGERS, LEG, REQUIRED, SIDES, close_chains
from duologue.rigs.naming import name_joints, spine_between
from duologue.rigs.rig_map import Doubt, RigMap, RigMatch, Twist
from duologue.rigs.silhouette import Silhouette, find_silhouette

_WEIGHTED = 10
"""With fewer bones that move a mesh, nobody can tell the body's bones from others by their weights."""


def match_structure(
    bone_names: Sequence[str],
    parents: Sequence[int],
    heads: ArrayLike | None = None,
    weighted: Collection[str] | None = None,
) -> RigMatch:
    """Match an armature by the words in its bones' names and by its shape.

    Args:
        bone_names: all B bones.
        parents: index of each bone's parent, -1 for none.
        heads: rest positions (B, 3), Y up, any unit, facing any path; None looks at names alone.
        weighted: bones that move a mesh; None: not known.

    Returns:
        A match to a map of its own making; empty where no human shape is found. The score is the share of the joints a
        performance needs, less a tenth where shape had to help, because it is a weaker witness than names.
    """
    names = read_names(bone_names)
    places = np.zeros((len(bone_names), 3)) if heads is None else np.asarray(heads, np.float64)
    tree = BoneTree(list(parents), places, frozenset(_foreign(names, parents)))
    moving = None if weighted is None else {i for i, name in enumerate(bone_names) if name in weighted}
    moving = moving if moving is not None and len(moving) >= _WEIGHTED else None
    named = name_joints(names, tree, moving)
    bones, doubts = dict(named.bones), ()
    if heads is not None and tree.size > 0:
        bones, doubts = _with_shape(named.bones, names, tree, moving)
    elif not set(REQUIRED) <= set(bones):
        bones = {}
    by_name = sum(named.bones.get(joint) == bone for joint, bone in bones.items() if joint in REQUIRED)
    found = close_chains({joint: bone_names[bone] for joint, bone in bones.items()})
    eyes = {joint: bone_names[bone] for joint, bone in named.eyes.items() if found and bone not in bones.values()}
    joints = {joint: (bone,) for joint, bone in {**found, **eyes}.items()}
    also = {bone_names[bone]: "Hips" for bone in _carried(bones, names, tree, moving)}
    twists = tuple(Twist(bone_names[bone], side, share) for bone, side, share in _twists(bones, names, tree))
    rig_map = RigMap("structure", _title(by_name), joints, prefix=False, also=also, twists=twists)
    missing = tuple(joint for joint in REQUIRED if joint not in found)
    trust = 0.95 if by_name == len(REQUIRED) else 0.9
    score = trust * (1 - len(missing) / len(REQUIRED)) if found else 0.0
    return RigMatch(rig_map, found, missing, score, eyes, doubts)


def _title(by_name: int) -> str:
    if by_name == len(REQUIRED):
        return "recognised by its bones' names"
    return "recognised by names and shape" if by_name > len(REQUIRED) // 3 else "recognised by its shape"


def _carried(
    bones: Mapping[str, int], names: Sequence[BoneName], tree: BoneTree, moving: Collection[int] | None
) -> list[int]:
    """Return bones of the body above its hips that play no joint: a ``Body`` that carries hips and torso would stay behind."""
    above = tree.path(bones["Hips"])[:-1] if "Hips" in bones else []
    idle = [bone for bone in above if bone not in bones.values()]
    return [bone for bone in idle if "Spine" in names[bone].roles or (moving is not None and bone in moving)]


def _twists(bones: Mapping[str, int], names: Sequence[BoneName], tree: BoneTree) -> Iterator[tuple[int, str, float]]:
    """Return what is called a twist of a forearm, with its side: each takes as much of the hand's as it is far along."""
    for side in SIDES:
        if not {side + "ForeArm", side + "Hand"} <= set(bones):
            continue
        forearm, hand = bones[side + "ForeArm"], bones[side + "Hand"]
        way = tree.heads[hand] - tree.heads[forearm]
        called = [bone for bone, name in enumerate(names) if name.twist and {"ForeArm", "Hand"} & set(name.roles)]
        for bone in called:
            share = float((tree.heads[bone] - tree.heads[forearm]) @ way) / max(float(way @ way), 1e-12)
            if forearm in tree.path(bone)[:-1] and bone not in bones.values() and 0.05 < share <= 1.05:
                yield bone, side, round(min(share, 1.0), 3)


def _foreign(names: Sequence[BoneName], parents: Sequence[int]) -> set[int]:
    """Return the bones of hair, clothes, props and faces, with all that hangs on them."""
    tree = BoneTree(parents, np.zeros((len(names), 3)))
    return {bone for bone in range(len(names)) if any(names[above].foreign for above in tree.path(bone))}


def _with_shape(
    named: Mapping[str, int], names: Sequence[BoneName], tree: BoneTree, moving: Collection[int] | None
) -> tuple[dict[str, int], tuple[Doubt, ...]]:
    """Return the named joints and, by its shape, the rest of the body; and what is doubtful about that."""
    bones, doubts = dict(named), ()
    if not set(REQUIRED) <= set(bones) and len(names) >= len(REQUIRED):
        shape = _best_silhouette(names, tree, moving)
        bones = _merged(named, shape.bones, names, tree)
        doubts = (Doubt("front"),) if shape.front_guessed and bones else ()
    for side in SIDES:
        bones |= _rest_of_side(side, bones, names, tree)
        if more := _fingers(side, bones, tree):
            bones = {joint: bone for joint, bone in bones.items() if joint not in _finger_joints(side)} | more
    return bones, doubts


def _best_silhouette(names: Sequence[BoneName], tree: BoneTree, moving: Collection[int] | None) -> Silhouette:
    """Return the body's shape without ends that move no mesh, or with them where nobody is found without."""
    best = Silhouette({}, False)
    for weights in (moving, None) if moving is not None else (None,):
        left_out = _idle(names, tree, weights)
        found = find_silhouette(replace(tree, left_out=frozenset(left_out)), names)
        if len(found.bones) > len(best.bones):
            best = found
        if set(REQUIRED) <= set(best.bones):
            break
    return best


def _idle(names: Sequence[BoneName], tree: BoneTree, moving: Collection[int] | None) -> set[int]:
    """Return the bones that are no end of a body: foreign ones, and chains that end in helpers or in bones without weights."""
    left_out = set(tree.left_out)
    while True:
        ends = replace(tree, left_out=frozenset(left_out)).ends
        idle = {bone for bone in ends if names[bone].helper or (moving is not None and bone not in moving)}
        if not idle:
            return left_out
        left_out |= idle


def _merged(
    named: Mapping[str, int], shape: Mapping[str, int], names: Sequence[BoneName], tree: BoneTree
) -> dict[str, int]:
    """Take each limb from the names if they tell it whole, otherwise from the shape; names win wherever both speak."""
    bones: dict[str, int] = {}
    for side in SIDES:
        for joints, core in ((ARM, ("Arm", "ForeArm")), (LEG, ("UpLeg", "Leg", "Foot"))):
            whole = all(side + joint in named for joint in core)
            source = named if whole else shape
            bones |= {side + joint: source[side + joint] for joint in joints if side + joint in source}
        source = named if len(_fingers_of(side, named)) >= len(_fingers_of(side, shape)) else shape
        bones |= {joint: bone for joint, bone in source.items() if joint in _finger_joints(side)}
    bones |= {joint: source[joint] for source in (shape, named) for joint in ("Hips", "Head") if joint in source}
    trunk = shape
    if any(bones.get(joint) != shape.get(joint) for joint in ("Hips", "Head")) and {"Hips", "Head"} <= set(bones):
        arms = [bones[side + "Arm"] for side in SIDES if side + "Arm" in bones]
        trunk = spine_between(names, tree, bones["Hips"], bones["Head"], arms)
    bones |= {joint: bone for joint, bone in trunk.items() if joint.startswith(("Spine", "Neck"))}
    used = list(bones.values())
    return {joint: bone for joint, bone in bones.items() if used.count(bone) == 1 or named.get(joint) == bone}


def _rest_of_side(side: str, bones: Mapping[str, int], names: Sequence[BoneName], tree: BoneTree) -> dict[str, int]:
    """Return what hangs on a limb that is known and has no clear name itself: a shoulder, a hand, toes."""
    more: dict[str, int] = {}
    taken = set(bones.values())

    def only_child(bone: int) -> int | None:
        children = [i for i, above in enumerate(tree.parents) if above == bone and not names[i].helper]
        children = [i for i in children if i not in tree.left_out and i not in taken]
        return children[0] if len(children) == 1 else None

    arm, other = bones.get(side + "Arm"), bones.get(SIDES[side == "Left"] + "Arm")
    if arm is not None and side + "Shoulder" not in bones and other is not None:
        above = tree.parents[arm]
        if above >= 0 and above not in (taken | set(tree.path(other))) and not names[above].helper:
            more[side + "Shoulder"] = above
    for joint, end in (("Hand", "ForeArm"), ("ToeBase", "Foot")):
        if side + joint not in bones and side + end in bones:
            child = only_child(bones[side + end])
            if child is not None and tree.length(bones[side + end], child) > 0.004 * tree.size:
                more[side + joint] = child
    return more


def _fingers(side: str, bones: Mapping[str, int], tree: BoneTree) -> dict[str, int]:
    """Return a hand's fingers by their shape, if that finds more of them than the names do."""
    if side + "Hand" not in bones:
        return {}
    shape = {
        side + joint: bone for joint, bone in name_fingers(tree, bones[side + "Hand"], _forward(bones, tree)).items()
    }
    if len(_fingers_of(side, shape)) <= len(_fingers_of(side, bones)):
        return {}
    taken = {bone for joint, bone in bones.items() if joint not in _finger_joints(side)}
    return {joint: bone for joint, bone in shape.items() if bone not in taken}


def _finger_joints(side: str) -> list[str]:
    return [f"{side}Hand{finger}{i}" for finger in FINGERS for i in ("", 1, 2, 3)]


def _fingers_of(side: str, bones: Mapping[str, int]) -> set[str]:
    """Return which fingers of a side have a bone."""
    return {finger for finger in FINGERS if any(joint.startswith(f"{side}Hand{finger}") for joint in bones)}


def _forward(bones: Mapping[str, int], tree: BoneTree) -> Floats:
    """Return the level direction a body faces by its left and right legs."""
    if not {"LeftUpLeg", "RightUpLeg"} <= set(bones):
        return np.array([0.0, 0.0, 1.0])
    x, _, z = tree.heads[bones["LeftUpLeg"]] - tree.heads[bones["RightUpLeg"]]
    return np.array([-z, 0.0, x]) / max(float(np.hypot(x, z)), 1e-12)
