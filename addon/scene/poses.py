# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature is left in: how bones are posed that no take plays, and what of the user's animates them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions, armatures, compat, resting
from .data import animation_of, pose_of

if TYPE_CHECKING:
    from bpy.types import ID, FCurve, NlaTrack, Object, PoseBone

Floats = NDArray[np.float64]

PROPS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}
"""What poses a bone, and how many numbers each is."""

_STILL = 1e-4
"""How little a bone may be posed (metres, shares, radians) and still be at rest: what importers and single precision leave."""


def clear(armature: Object, bones: Iterable[str]) -> None:
    """Put bones at rest, in whatever mode they turn."""
    for name in bones:
        bone = pose_of(armature).bones[name]
        for prop in PROPS:
            known: Any = bone.bl_rna.properties[prop]
            setattr(bone, prop, tuple(known.default_array))
    armature.update_tag()


def values(armature: Object) -> dict[str, NDArray[np.float32]]:
    """Return everything that poses the bones: property -> (B, k)."""
    bones = pose_of(armature).bones
    read: dict[str, NDArray[np.float32]] = {}
    for prop, count in PROPS.items():
        read[prop] = np.empty((len(bones), count), np.float32)
        bones.foreach_get(prop, read[prop].ravel())
    return read


def strip_curves(datablock: ID, *, tweaks: bool = False) -> list[tuple[NlaTrack, FCurve]]:
    """Return the curves of the user's own NLA strips that play along with a take, each with its track.

    ``tweaks``: also those of a tweak layer, which is there to play along.
    """
    data = animation_of(datablock)
    if data is None or not data.use_nla:
        return []
    found: list[tuple[NlaTrack, FCurve]] = []
    for track in data.nla_tracks:
        strips = [] if track.mute else [strip for strip in track.strips if not strip.mute]
        strips += [inner for strip in strips for inner in strip.strips if not inner.mute]  # of a meta strip
        for strip in strips:
            action, slot = strip.action, strip.action_slot
            if action is None or slot is None or actions.is_ours(action):
                continue
            if tweaks or actions.TWEAKS not in action:
                found += [(track, curve) for curve in compat.channelbag(action, slot).fcurves]
    return found


def tracks_above_ours(datablock: ID) -> list[NlaTrack]:
    """Return the NLA tracks above the lowest that holds a take of ours: where one replaces, the take isn't seen."""
    data = animation_of(datablock)
    tracks = list(data.nla_tracks) if data is not None else []
    ours = [i for i, track in enumerate(tracks) if track in actions.tracks_of(datablock) and not track.mute]
    return tracks[ours[0] + 1 :] if ours else []


@contextmanager
def as_a_take_finds_it(armature: Object) -> Iterator[None]:
    """For the length of a block, pose an armature as it is once the user's own Action and NLA tracks are put aside.

    What they animate is at rest then; what was posed by hand stays. Nothing is changed where they animate nothing.
    """
    data = animation_of(armature)
    curves = [*actions.own_curves(armature), *(curve for _, curve in strip_curves(armature, tweaks=True))]
    if data is None or data.use_tweak_mode or not curves:
        yield
        return
    before, action, slot, use_nla = values(armature), data.action, data.action_slot, data.use_nla
    try:
        data.use_nla = False
        if not actions.is_ours(action):
            data.action = None
        resting.rest_pose(armature, curves)
        bpy.context.view_layer.update()
        yield
    finally:
        for prop, numbers in before.items():
            pose_of(armature).bones.foreach_set(prop, numbers.ravel())
        data.use_nla = use_nla
        if action is not None and data.action is None:
            data.action, data.action_slot = action, slot
        armature.update_tag()
        bpy.context.view_layer.update()


def left_pose(armature: Object, names: Sequence[str], parents: Sequence[int], played: Set[int]) -> Floats | None:
    """Return what stays posed under a take: (B, 4, 4) in the bones' own rest axes, armature units; None where all rests.

    ``names``: the bones' order; ``parents``: by index, -1 for none; ``played``: bones whose rotation takes write. Bones that
    constraints or drivers hold, above all that is played, are read as Blender has them now.
    """
    with as_a_take_finds_it(armature):
        bones = [pose_of(armature).bones[name] for name in names]
        basis = np.array([bone.matrix_basis for bone in bones], np.float64)
        for i in played:
            basis[i, :3, :3] = np.diag(np.array(bones[i].scale))
        for i, bone in enumerate(bones):
            if not bone.bone.use_local_location:  # then it is along the armature's axes
                basis[i, :3, 3] = np.array(bone.bone.matrix_local.to_3x3()).T @ basis[i, :3, 3]
        for i in _held_above(armature, bones, parents, played):
            basis[i] = _basis_of(bones[i])
    away = np.abs(basis - np.eye(4))
    away[:, :3, 3] *= np.cbrt(abs(armature.matrix_world.determinant()))
    return basis if away.max(initial=0.0) > _STILL else None


def _held_above(armature: Object, bones: Sequence[PoseBone], parents: Sequence[int], played: Set[int]) -> list[int]:
    """Return the bones above everything played that constraints or drivers hold."""
    if armatures.armature_of(armature).pose_position != "POSE":
        return []
    driven = armatures.driven_bones(armature)
    below = {i for i in played if parents[i] >= 0}
    above: set[int] = set()
    for i in below:
        chain: list[int] = []
        parent = parents[i]
        while parent >= 0:
            chain.append(parent)
            parent = parents[parent]
        if not played & set(chain):
            above |= set(chain)
    return [i for i in above if bones[i].name in driven or is_held(bones[i])]


def is_held(bone: PoseBone) -> bool:
    """Return whether a constraint holds a bone."""
    return any(not constraint.mute and constraint.influence > 0 for constraint in bone.constraints)


def _basis_of(bone: PoseBone) -> Floats:
    """Return what a bone would be posed by without constraints, (4, 4), to be where it is."""
    rest, pose = np.array(bone.bone.matrix_local, np.float64), np.array(bone.matrix, np.float64)
    if bone.parent is not None:
        lay, carried = (np.array(m, np.float64) for m in (bone.parent.bone.matrix_local, bone.parent.matrix))
        rest = carried @ np.linalg.inv(lay) @ rest
    return np.linalg.inv(rest) @ pose


def posed_bones(
    armature: Object, *, angle: float = 0.5, size: float = 0.005, reach: float = 0.002
) -> dict[str, set[str]]:
    """Return which bones are posed, each with the properties (``location``, ``rotation``, ``scale``) that are not at rest.

    What the user's own Action or NLA tracks animate does not count. ``angle``: degrees, ``size``: a share, ``reach``: armature
    units, up to which something is at rest.
    """
    animated = {
        (armatures.bone_of(curve.data_path), kind_of(curve.data_path))
        for curve in (*actions.own_curves(armature), *(curve for _, curve in strip_curves(armature, tweaks=True)))
    }
    found: dict[str, set[str]] = {}
    for bone in pose_of(armature).bones:
        place, turn, scale = bone.matrix_basis.decompose()
        kinds = {
            "location": place.length > reach,
            "rotation": np.degrees(turn.angle if turn.angle <= np.pi else 2 * np.pi - turn.angle) > angle,
            "scale": max(abs(part - 1) for part in scale) > size,
        }
        posed = {kind for kind, is_posed in kinds.items() if is_posed and (bone.name, kind) not in animated}
        if posed:
            found[bone.name] = posed
    return found


def kind_of(path: str) -> str:
    """Return what of a bone a data path speaks of: ``location``, ``rotation``, ``scale`` or something else."""
    return path.rsplit(".", 1)[-1].split("_", maxsplit=1)[0]


def is_uneven(bone: PoseBone) -> bool:
    """Return whether a bone is scaled more along one axis than along another."""
    scale = np.array(bone.scale)
    return bool(np.ptp(scale) > 0.01 * np.abs(scale).max())


def ties(armature: Object) -> dict[str, set[str]]:
    """Return a bone's name -> the bones that move with it: its children, and those that constraints tie to it."""
    tied: dict[str, set[str]] = {}
    for bone in pose_of(armature).bones:
        if bone.parent is not None:
            tied.setdefault(bone.parent.name, set()).add(bone.name)
        for constraint in bone.constraints:
            if constraint.mute or constraint.influence <= 0:
                continue
            targets = getattr(constraint, "targets", [constraint])  # an Armature constraint has several
            for target in targets:
                if getattr(target, "target", None) == armature and getattr(target, "subtarget", ""):
                    tied.setdefault(target.subtarget, set()).add(bone.name)
    return tied
