# SPDX-License-Identifier: GPL-3.0-or-later
"""A character as a take finds it: its rig with what stays posed, and where that puts the whole of it."""

from __future__ import annotations

from dataclasses import replace

from duologue.rigs.armature import Armature
from duologue.rigs.target import TargetRig

from ..scene import poses
from .cast import Performer


def posed_rig(performer: Performer) -> Armature:
    """Return a performer's armature with the pose that no take touches, as it is now."""
    target = TargetRig(performer.rig, performer.match, sole=0.0)
    pose = poses.left_pose(performer.armature, target.names, performer.rig.parents, set(target.order))
    return replace(performer.rig, pose=pose)


def carrier_of(performer: Performer) -> poses.Floats:
    """Return what a root control does to the whole character, (4, 4) in our world."""
    return TargetRig(posed_rig(performer), performer.match, sole=0.0).carrier
