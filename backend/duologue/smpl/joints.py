"""The joints of SMPL-H (52) and SMPL-X (55), their tree, and which joint of ours each of them is.

SMPL-H is SMPL-X without jaw and eyes. Both rest in a T-pose with all joint frames aligned to the world, Y up, facing +Z, the left
hand towards +X: as our skeletons do, so that a joint's rotation means the same in both.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from duologue.motion.skeleton import Skeleton
from duologue.rigs.rig_map import RigMap

Kind = Literal["smplh", "smplx"]

COUNTS: Final[dict[int, Kind]] = {52: "smplh", 55: "smplx"}
"""Number of joints -> which model has so many."""
FACE: Final = ("jaw", "left_eye", "right_eye")
"""The joints that SMPL-X has beside SMPL-H's; a face's weights play them, not a body's motion."""
HANDS: Final = ("left_index1", "right_index1")
"""Where each hand's 15 finger joints begin."""
FINGER_JOINTS: Final = 15


@cache
def adult(kind: Kind) -> Skeleton:
    """Return the model's tree with the proportions of our own adult, for where no model file is given."""
    whole = Skeleton.builtin("smplx55")
    if kind == "smplx":
        return whole
    kept = [joint for joint, name in enumerate(whole.names) if name not in FACE]
    parents = tuple(-1 if whole.parents[joint] < 0 else kept.index(whole.parents[joint]) for joint in kept)
    ends = tuple((kept.index(joint), offset) for joint, offset in whole.ends)
    return Skeleton(tuple(whole.names[joint] for joint in kept), parents, whole.offsets[kept], ends, "smplh52")


@cache
def words(kind: Kind) -> dict[str, str]:
    """Return the model's name of a joint -> the word for it in ``rigs.joints``: its spine is ``Spine, Spine1, Spine2``."""
    match = RigMap.builtin("smplx").bind(adult(kind).names)
    return {bone: word for word, bone in match.bones.items() if bone not in FACE}


def hand_slices(kind: Kind) -> tuple[slice, slice]:
    """Return which joints are the fingers of the left and of the right hand."""
    starts = (adult(kind).index(first) for first in HANDS)
    left, right = (slice(start, start + FINGER_JOINTS) for start in starts)
    return left, right


def with_offsets(kind: Kind, rest_joints: NDArray[np.float64] | None, sole: float) -> Skeleton:
    """Return the model's tree with a person's own bones, soles at y = 0 and hips above the origin.

    Args:
        kind: which model.
        rest_joints: (J, 3) metres in the model's rest pose, from :meth:`.BodyModel.rest_joints`; None: our adult's.
        sole: the lowest height of the model's rest surface, metres.
    """
    tree = adult(kind)
    if rest_joints is None:
        return tree
    offsets = rest_joints - rest_joints[list(tree.parents)]
    offsets[0] = (0.0, rest_joints[0, 1] - sole, 0.0)
    return Skeleton(tree.names, tree.parents, offsets, _scaled_ends(tree, offsets), kind)


def _scaled_ends(tree: Skeleton, offsets: NDArray[np.float64]) -> tuple[tuple[int, tuple[float, float, float]], ...]:
    """Return the tips of our adult's last bones, each as much longer as the bone before it."""
    ends: list[tuple[int, tuple[float, float, float]]] = []
    for joint, tip in tree.ends:
        ratio = float(np.linalg.norm(offsets[joint]) / np.linalg.norm(tree.offsets[joint]))
        ends.append((joint, (ratio * tip[0], ratio * tip[1], ratio * tip[2])))
    return tuple(ends)
