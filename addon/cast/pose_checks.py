# SPDX-License-Identifier: GPL-3.0-or-later
"""What else poses a character than the take: bones that were left posed, and NLA strips that play along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from bpy.app.translations import pgettext_iface as _t
from duologue.rigs.target import TargetRig

from ..scene import armatures, poses
from ..scene.data import armature_of, pose_of
from .cast import Performer
from .eyes import eye_bones
from .findings import Finding, listed


def check_poses(performer: Performer) -> Iterator[Finding]:
    """Say what stays posed under a take, and what moves under it or over it."""
    rig = TargetRig(performer.rig, performer.match, sole=0.0)
    yield from _left(performer, rig)
    yield from _strips(performer, rig)


def _left(performer: Performer, rig: TargetRig) -> Iterator[Finding]:
    armature, name = performer.armature, performer.armature.name
    metre = float(rig.scale)  # how many metres an armature unit is
    posed = poses.posed_bones(armature, reach=0.002 * rig.leg_length / metre)
    played = {rig.names[bone] for bone in rig.order}
    eyes = set(eye_bones(performer).values())
    above, carrying = ({rig.names[bone] for bone in bones} for bones in (rig.beneath, rig.carriers))
    ties, bones = poses.ties(armature), pose_of(armature).bones
    shown = {bone.name for bone in armature_of(armature).bones if bone.use_deform} | carrying
    counted: list[str] = []
    left: list[str] = []
    for bone, kinds in posed.items():
        if bone in eyes or (bone in played and not kinds & _kept(bone, rig)):
            continue
        reached = _reached(bone, ties, played)
        if "scale" in kinds and poses.is_uneven(bones[bone]):
            left.append(bone)
        elif bone in played or bone in carrying or reached & above:
            counted.append(bone)
        elif reached & shown:
            left.append(bone)
    if left:
        text = _t("{name}: {bones} were left posed and are no part of the take, so they stay so in every frame")
        yield Finding("pose", "WARNING", text.format(name=name, bones=listed(left)), name, tuple(left))
    if counted:
        text = _t(
            "{name}: {bones} were left posed, which is counted in when a take is made: it shows as it should. "
            "Moved afterwards, they carry the take along"
        )
        yield Finding("pose-counted", "INFO", text.format(name=name, bones=listed(counted)), name, tuple(counted))


def _kept(bone: str, rig: TargetRig) -> set[str]:
    """Return what of a played bone's pose no take writes."""
    located = rig.names.index(bone) in rig.moved
    return {"scale"} if located else {"scale", "location"}


def _reached(bone: str, ties: Mapping[str, Set[str]], played: Set[str]) -> set[str]:
    """Return the bones that a bone moves, itself among them, as far as nothing that is played lies between."""
    reached, ahead = {bone}, [bone]
    while ahead:
        for tied in ties.get(ahead.pop(), ()):
            if tied not in reached and tied not in played:
                reached.add(tied)
                ahead.append(tied)
    return reached


def _strips(performer: Performer, rig: TargetRig) -> Iterator[Finding]:
    armature, name = performer.armature, performer.armature.name
    played = {rig.names[bone] for bone in rig.order}
    carrying = {rig.names[bone] for bone in rig.carriers}
    over = poses.tracks_above_ours(armature)
    moved: dict[str, set[str]] = {}
    for track, curve in poses.strip_curves(armature):
        bone, kind = armatures.bone_of(curve.data_path), poses.kind_of(curve.data_path)
        wins = bone in played and (track in over or kind in _kept(bone, rig))
        whole = not bone and curve.data_path in poses.PROPS  # the object itself
        if bone in carrying or wins or whole:
            moved.setdefault(track.name, set()).add(bone or name)
    if moved:
        text = _t("{name}: the NLA tracks {tracks} move {bones} together with the take; mute them")
        bones = sorted(set().union(*moved.values()))
        text = text.format(name=name, tracks=listed(list(moved)), bones=listed(bones))
        yield Finding("nla", "WARNING", text, name, tuple(moved))
