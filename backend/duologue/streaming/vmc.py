"""A performance in the words of the VMC protocol: OSC messages that VRM avatars in Unity, Unreal and Godot are moved by.

Unity is left-handed, Y up, and faces +Z; ours is right-handed, Y up, and faces +Z: X changes its sign, so a position (x, y, z)
becomes (-x, y, z) and a quaternion (x, y, z, w) becomes (x, -y, -z, w). Bones have the names of Unity's HumanBodyBones and
stand in their parent bone's frame; in the T-pose every rotation is the identity, on both sides.

Source: VMC protocol, "Performer to Marionette" (https://protocol.vmc.info/marionette-spec), read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.motion.rotations import matrix_to_quat
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.joints import chain

PORT: Final = 39539
"""Where what moves an avatar (a "marionette") listens."""

Message = tuple[str, tuple[str | int | float, ...]]
"""An OSC address and its arguments: their Python types are their OSC types."""

_SIDED: Final = {
    # Unity's word: ours, each without its side
    "Shoulder": "Shoulder", "UpperArm": "Arm", "LowerArm": "ForeArm", "Hand": "Hand",
    **{
        f"{finger}{part}": f"Hand{ours}{number}"
        for finger, ours in (("Thumb", "Thumb"), ("Index", "Index"), ("Middle", "Middle"), ("Ring", "Ring"), ("Little", "Pinky"))
        for number, part in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
    "UpperLeg": "UpLeg", "LowerLeg": "Leg", "Foot": "Foot", "Toes": "ToeBase",
}  # fmt: skip

_SHAPES: Final = tuple(name[0].upper() + name[1:] for name in arkit.NAMES)
"""The 52 as the clips of a "Perfect Sync" avatar are called."""


@dataclass(frozen=True)
class _Bone:
    name: str
    parent: int
    start: int
    """The joint that it begins at."""
    end: int
    """The last joint that turns it: a chain of ours (four spine joints, two of the neck) may be one bone of Unity's."""


class Avatar:
    """How a skeleton's poses are told to a VRM avatar.

    Raises:
        DuologueError: NOT_FOUND ``unknown-joint`` when the skeleton has no hips or no head.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._bones = _bones(skeleton)
        rest = skeleton.rest_positions
        offsets = np.array([rest[bone.start] - rest[self._bones[bone.parent].start] for bone in self._bones])
        self._offsets = mirrored(offsets)
        self._parents = [bone.parent for bone in self._bones]
        self._ends = [bone.end for bone in self._bones]

    def messages(
        self, rotations: NDArray[Any], root_translation: NDArray[Any], weights: NDArray[Any], seconds: float
    ) -> list[Message]:
        """Return the messages of one frame, in the order they are to be sent in.

        The root stays in the middle of the shared world and the hips move in it, so that two avatars keep their distance.

        Args:
            rotations: (J, 3) exponential maps, radians.
            root_translation: (3,) metres.
            weights: (52,), in the order of ``arkit.NAMES``.
            seconds: the sender's time.
        """
        turned = forward_kinematics(self._skeleton, rotations, root_translation)[0][self._ends].astype(np.float64)
        local = np.swapaxes(turned[self._parents], -1, -2) @ turned
        local[0] = turned[0]
        quaternions = unity_quaternions(matrix_to_quat(local))
        positions = self._offsets.copy()
        positions[0] = mirrored(root_translation)
        placed = np.hstack([positions, quaternions]).tolist()
        return [
            ("/VMC/Ext/OK", (1,)),
            ("/VMC/Ext/T", (float(seconds),)),
            ("/VMC/Ext/Root/Pos", ("root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
            *(("/VMC/Ext/Bone/Pos", (bone.name, *where)) for bone, where in zip(self._bones, placed, strict=True)),
            *(("/VMC/Ext/Blend/Val", pair) for pair in zip(_SHAPES, weights.tolist(), strict=True)),
            ("/VMC/Ext/Blend/Apply", ()),
        ]


def mirrored(positions: NDArray[Any]) -> NDArray[np.float64]:
    """Turn positions (..., 3) from our axes into Unity's."""
    return np.asarray(positions, np.float64) * (-1.0, 1.0, 1.0)


def unity_quaternions(quaternions: NDArray[Any]) -> NDArray[np.float64]:
    """Turn our quaternions (..., 4), w first, into Unity's, w last."""
    return np.asarray(quaternions, np.float64)[..., [1, 2, 3, 0]] * (1.0, -1.0, -1.0, 1.0)


def _bones(skeleton: Skeleton) -> list[_Bone]:
    """Return those of Unity's bones that the skeleton has, parents before children."""
    names = skeleton.names
    spine, neck = chain("Spine", names), chain("Neck", names)
    trunk = [("Hips", "Hips", "Hips"), *_spread(spine, ("Spine", "Chest", "UpperChest"))]
    if neck:
        trunk.append(("Neck", neck[0], neck[-1]))
    trunk.append(("Head", "Head", "Head"))
    spans = trunk + [
        (f"{side}{unity}", f"{side}{ours}", f"{side}{ours}")
        for side in ("Left", "Right")
        for unity, ours in _SIDED.items()
        if f"{side}{ours}" in names
    ]
    spans.sort(key=lambda bone: skeleton.index(bone[1]))  # a skeleton lists parents first
    owner: dict[int, int] = {}
    bones: list[_Bone] = []
    for name, first, last in spans:
        start, end = skeleton.index(first), skeleton.index(last)
        above = skeleton.parents[start]
        while above >= 0 and above not in owner:
            above = skeleton.parents[above]
        joint = end
        while True:  # every joint of the chain belongs to this bone
            owner[joint] = len(bones)
            if joint == start:
                break
            joint = skeleton.parents[joint]
        bones.append(_Bone(name, owner.get(above, 0), start, end))
    return bones


def _spread(joints: list[str], bones: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Give a chain's joints to as many bones, lowest first; the middle bones take what is too many."""
    count = min(len(joints), len(bones))
    if not count:
        return []
    cuts = np.linspace(0, len(joints), count + 1).round().astype(int)
    return [(bone, joints[a], joints[b - 1]) for bone, a, b in zip(bones, cuts[:-1], cuts[1:], strict=False)]
