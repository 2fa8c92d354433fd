# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a character, or would keep a take from showing on it. ``fixes.py`` mends what can safely be mended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from bpy.app.translations import pgettext_iface as _t
from duologue.rigs.alignment import heading
from duologue.rigs.joints import BODY, SIDES

from ..scene import armatures
from ..scene.data import armature_of, bends, pose_of
from .body_checks import check_rest_pose, check_size
from .cast import Performer
from .eyes import eye_bones
from .face_checks import check_faces, hidden
from .findings import Finding, Severity, listed
from .pose_checks import check_poses

if TYPE_CHECKING:
    from bpy.types import Object


def check(armature: Object, performer: Performer | None) -> list[Finding]:
    """Return what is to be said of a character, the worst first. ``performer`` is None when it was not recognised."""
    findings = [*_armature(armature)]
    if performer is not None:
        findings += [*_bones(performer), *_doubts(performer), *check_poses(performer), *check_size(performer)]
        findings += [*check_rest_pose(performer), *_meshes(performer), *check_faces(performer)]
    order = ("ERROR", "WARNING", "INFO")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def blockers(performer: Performer) -> list[str]:
    """Return the texts of what keeps a take from showing on a character as it was meant."""
    findings = [*_armature(performer.armature), *_bones(performer), *check_poses(performer), *check_size(performer)]
    findings += hidden(performer)
    return [finding.text for finding in findings if finding.severity != "INFO"]


def _armature(armature: Object) -> Iterator[Finding]:
    def finding(code: str, severity: Severity, text: str, of: Object = armature) -> Finding:
        return Finding(code, severity, text.format(name=of.name), of.name)

    if armature.library is not None and armature.override_library is None:
        yield finding("linked", "ERROR", _t("{name} is linked from another file; make a library override of it first"))
    axes = np.linalg.norm(np.array(armature.matrix_world)[:3, :3], axis=0)
    if not armatures.is_even(armature):
        mirrored = armature.matrix_world.determinant() < 0
        text = (
            _t("{name} is mirrored; apply its scale") if mirrored else _t("{name} is scaled unevenly; apply its scale")
        )
        yield finding("scale", "ERROR", text, armatures.uneven(armature))
    elif not 1e-4 < axes.mean() < 1e4:
        yield finding("scale-extreme", "WARNING", _t("{name} has an extreme scale; check its size"))
    if armature_of(armature).pose_position == "REST":
        yield finding(
            "rest-position",
            "ERROR",
            _t("{name} shows its rest position; choose Pose Position in its armature properties"),
        )
    data = armature.animation_data
    if data is not None and any(track.is_solo for track in data.nla_tracks):
        yield finding("solo", "ERROR", _t("{name} has a solo NLA track, which hides the Action; switch the star off"))
    if (
        data is not None
        and data.action is not None
        and (data.action_influence < 1 or data.action_blend_type != "REPLACE")
    ):
        yield finding(
            "influence", "WARNING", _t("{name} mixes its Action with what lies below; it should replace it fully")
        )
    if any(not c.mute and c.influence > 0 for c in armature.constraints):
        yield finding("moved", "WARNING", _t("{name} has object constraints, which move it on top of the take"))


def _bones(performer: Performer) -> Iterator[Finding]:
    armature, match = performer.armature, performer.match
    bones = [*match.bones.values(), *eye_bones(performer).values()]
    posed = pose_of(armature).bones
    held = [name for name in bones if any(not c.mute and c.influence > 0 for c in posed[name].constraints)]
    if held:
        text = _t("{name}: constraints on {bones} add to or replace the motion; mute them if it looks wrong")
        yield Finding(
            "constraints", "WARNING", text.format(name=armature.name, bones=listed(held)), armature.name, tuple(held)
        )
    if driven := sorted(armatures.driven_bones(armature) & set(bones)):
        text = _t("{name}: drivers on {bones} override the motion; mute them if it looks wrong")
        yield Finding(
            "drivers", "WARNING", text.format(name=armature.name, bones=listed(driven)), armature.name, tuple(driven)
        )
    hips = match.bones["Hips"]
    if hips in armatures.connected(armature):
        text = _t("{name}: the hips’ bone {bone} is connected to its parent, so the character can’t leave its place")
        yield Finding("hips-connected", "ERROR", text.format(name=armature.name, bone=hips), armature.name, (hips,))
    for side in SIDES:
        fingers = [joint for joint in BODY if joint.startswith(f"{side}Hand") and joint[-1] in "123"]
        lacking = [joint for joint in fingers if joint not in match.bones]
        if lacking:
            if len(lacking) == len(fingers):
                text = _t("{name}: no finger bones found on the {side} hand; its fingers stay still")
            else:
                text = _t("{name}: no bones found for {joints} of the {side} hand; they stay still")
            said = listed([joint.removeprefix(f"{side}Hand") for joint in lacking])
            words = {"Left": _t("left"), "Right": _t("right")}
            text = text.format(name=armature.name, side=words[side], joints=said)
            yield Finding("fingers", "INFO", text, armature.name, tuple(lacking))


def _doubts(performer: Performer) -> Iterator[Finding]:
    """What speaks against what was recognised, though it is complete."""
    name = performer.armature.name
    texts = {
        "sides": _t(
            "{name}: its toes or eyes point backwards by what its bones call left and right; are the names swapped?"
        ),
        "front": _t(
            "{name}: neither names nor toes nor knees say where its front is; check left and right in the table"
        ),
    }
    for doubt in performer.match.doubts:
        yield Finding(f"doubt-{doubt.kind}", "WARNING", texts[doubt.kind].format(name=name), name, doubt.bones)


def _meshes(performer: Performer) -> Iterator[Finding]:
    name = performer.armature.name
    if not performer.meshes:
        yield Finding("no-mesh", "INFO", _t("No mesh hangs on {name}: only its bones move").format(name=name), name)
    deform = {bone.name for bone in armature_of(performer.armature).bones if bone.use_deform}
    for mesh in performer.meshes:
        modifiers = [m for m in mesh.modifiers if bends(m, performer.armature)]
        if any(m.show_viewport for m in modifiers) or mesh.parent_type in {"BONE", "ARMATURE"}:
            continue
        if modifiers:
            text = _t("{name}: its Armature modifier is switched off in the viewport, so it doesn’t move")
            yield Finding("modifier-hidden", "WARNING", text.format(name=mesh.name), mesh.name)
        elif deform & {group.name for group in mesh.vertex_groups}:
            text = _t("{name} has weights for {rig} but no Armature modifier, so it doesn’t move")
            yield Finding("unbound", "WARNING", text.format(name=mesh.name, rig=name), mesh.name)
        else:
            text = _t("{name} is not bound to {rig}: it moves with the object, not with the bones")
            yield Finding("unweighted", "INFO", text.format(name=mesh.name, rig=name), mesh.name)


def front_of(performer: Performer) -> tuple[float, float, float]:
    """Return the way (unit vector) a character faces at rest, in its object's own axes: imported rigs often lie on their back."""
    rig = performer.rig
    yaw = heading({joint: rig.heads[performer.bone_index(joint)] for joint in ("LeftUpLeg", "RightUpLeg")})
    ahead = np.array([math.sin(yaw), 0.0, math.cos(yaw)])
    local = np.linalg.inv(rig.world[:3, :3]) @ ahead
    x, y, z = local / np.linalg.norm(local)
    return float(x), float(y), float(z)
