# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes that turn by bones, where a character's face has no shapes for its looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from duologue import arkit
from duologue.motion.rotations import matrix_to_quat
from duologue.rigs.alignment import heading
from duologue.rigs.eyes import LOOKS, eye_turns, in_bone_axes, share_of_reach
from numpy.typing import NDArray

from ..scene import armatures, turning
from ..scene.actions import Channels
from ..scene.data import pose_of
from .cast import Performer

if TYPE_CHECKING:
    from bpy.types import Object


def eye_bones(performer: Performer) -> dict[str, str]:
    """Return ``LeftEye`` and ``RightEye`` -> bone, for those eyes that no shape key turns."""
    shaped = {name for face in performer.faces for name in arkit.NAMES if name not in face.match.missing}
    return {
        joint: bone
        for joint, bone in performer.match.eyes.items()
        if not shaped & set(LOOKS[joint.removesuffix("Eye")])
    }


class Looks:
    """Turns one performer's eye bones. What is constant is measured once; objects are handed in anew each time."""

    def __init__(self, performer: Performer) -> None:
        """Measure the bones' rest axes and which way the character faces."""
        rig = performer.rig
        self._facing = heading({joint: rig.heads[performer.bone_index(joint)] for joint in ("LeftUpLeg", "RightUpLeg")})
        self._shares = {joint: self._share(performer, bone) for joint, bone in eye_bones(performer).items()}
        self._bones: dict[str, tuple[str, NDArray[Any]]] = {}
        for joint, bone in eye_bones(performer).items():
            axes = rig.world[:3, :3] @ rig.rest[rig.names.index(bone), :3, :3]
            self._bones[joint] = bone, matrix_to_quat(axes / np.linalg.norm(axes, axis=0))

    def _share(self, performer: Performer, bone: str) -> float:
        joint = performer.rig.heads[performer.rig.names.index(bone)]
        points = [armatures.weighted_points(mesh, bone) for mesh in performer.meshes]
        yaw = np.array(
            [
                [np.cos(self._facing), 0, -np.sin(self._facing)],
                [0, 1, 0],
                [np.sin(self._facing), 0, np.cos(self._facing)],
            ]
        )
        return share_of_reach((np.concatenate(points) - joint) @ yaw.T) if points else 1.0

    def turns(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return how each eye turns (T, 4) in its bone's rest axes, from ARKit weights (T, 52)."""
        turns = eye_turns(weights, self._shares) if self._bones else {}
        return {joint: in_bone_axes(turns[joint], rest, self._facing) for joint, (_, rest) in self._bones.items()}

    def channels(self, armature: Object, weights: NDArray[Any]) -> list[Channels]:
        """Return the channels of the eye bones, from ARKit weights (T, 52)."""
        bones = pose_of(armature).bones
        return [
            turning.rotation_channels(bones[self._bones[joint][0]], turned)
            for joint, turned in self.turns(weights).items()
        ]
