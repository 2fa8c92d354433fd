"""Fingers by their shape: which ends of a hand are they, and which of them is the thumb."""

from __future__ import annotations

import numpy as np

from duologue.motion.rotations import Floats
from duologue.rigs.bone_tree import BoneTree
from duologue.rigs.joints import FINGERS


def finger_paths(tree: BoneTree, hand: int) -> list[list[int]]:
    """Return the paths of at least two bones that leave ``hand``, one to each end below it."""
    below = len(tree.path(hand))
    paths = [tree.apart(tree.path(end)[below - 1 :])[1:] for end in tree.ends if hand in tree.path(end)[:-1]]
    return [path for path in paths if len(path) >= 2]


def name_fingers(tree: BoneTree, hand: int, forward: Floats) -> dict[str, int]:
    """Return the fingers of a hand (joints without their side) if there are three to five; ``forward``: where the body faces."""
    fingers = finger_paths(tree, hand)
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
