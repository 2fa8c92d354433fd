# SPDX-License-Identifier: GPL-3.0-or-later
"""What a .blend has for a performance: every armature as it would be cast, with what stands in its way and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.arkit import NAMES
from duologue.errors import DuologueError
from duologue.rigs.recognise import best_rig
from duologue.rigs.rig_map import RigMatch

from ..cast import checks
from ..cast.body_checks import height_of, rest_points
from ..cast.cast import Performer, cast
from ..cast.fixes import FIXES
from ..scene import armatures, shape_keys
from ..scene.files import open_blend
from ..scene.timing import frame_rate

if TYPE_CHECKING:
    from bpy.types import Object


def examine(blend: Path, emit: Callable[..., None]) -> None:
    """Open a scene, its scripts disabled, and tell what it is like (event ``scene``) and of each armature (``character``).

    Raises:
        DuologueError: what :func:`.scene.files.open_blend` raises.
    """
    emit("progress", stage="scene", done=0, total=1)  # what ends Blender from here on is the file
    open_blend(blend, scripts=False)
    scene = bpy.context.scene
    present = [ob for ob in scene.objects if ob.type == "ARMATURE"]
    elsewhere = [ob.name for ob in bpy.data.objects if ob.type == "ARMATURE" and ob not in present]
    version: Any = bpy.data.version
    facts: dict[str, Any] = {
        "saved_by_blender": f"{version[0]}.{version[1]}",
        "fps": round(frame_rate(scene), 3),
        "frames": f"{scene.frame_start} to {scene.frame_end}",
        "unit_scale_m": round(scene.unit_settings.scale_length, 6),
        "armatures": sorted(ob.name for ob in present),
    }
    emit("scene", facts=facts | ({"armatures_elsewhere": elsewhere} if elsewhere else {}))
    for armature in sorted(present, key=lambda ob: ob.name):
        emit("character", name=armature.name, **_character(armature))


def _character(armature: Object) -> dict[str, Any]:
    """Return what an armature is recognised as, its findings, and why it can't be cast where it can't."""
    if armature.name not in bpy.context.view_layer.objects:
        unseen = "it is in no visible collection; tick its collection in the outliner"
        return {"facts": {}, "findings": [], "problem": {"reason": "not-in-view-layer", "message": unseen}}
    performer: Performer | None = None
    problem: dict[str, str] = {}
    facts: dict[str, Any] = {}
    try:
        rig = armatures.read_rig(armature)
        facts |= _body(best_rig(rig.names, rig.parents, rig.heads), len(rig.names))
        facts["bones_height_m"] = round(float(np.ptp(rig.heads[:, 1])), 2) if len(rig.names) else 0.0
        performer = cast(armature.name, armature)
        facts["height_m"] = round(height_of(performer, rest_points(performer)), 2)
        facts["face"] = _shapes(performer)
    except DuologueError as error:
        problem = {"reason": error.reason, "message": str(error)}
    facts["faces"] = _faces(armature, performer)
    findings = [
        {"code": f.code, "severity": f.severity, "text": f.text, "mend": _button(f.code)}
        for f in checks.check(armature, performer)
    ]
    return {"facts": facts, "findings": findings, "problem": problem}


def _body(match: RigMatch, bones: int) -> dict[str, Any]:
    facts = {
        "bones": bones,
        "rig_map": f"{match.rig_map.name}: {match.rig_map.title}",
        "joints_found": len(match.bones),
    }
    if match.missing:
        facts["joints_missing"] = list(match.missing)
    return facts


def _shapes(performer: Performer) -> str:
    """Return how many of ARKit's 52 its meshes have together."""
    lacking = set(NAMES).intersection(*(face.match.missing for face in performer.faces)) if performer.faces else NAMES
    return f"{len(NAMES) - len(lacking)} of {len(NAMES)} shapes"


def _faces(armature: Object, performer: Performer | None) -> dict[str, Any]:
    """Return each mesh with shape keys: by which map it plays and how much of ARKit's 52, or that it stays still."""
    playing = {face.mesh.name: face.match for face in performer.faces} if performer is not None else {}
    told: dict[str, Any] = {}
    for mesh in shape_keys.face_meshes(armature):
        keys = f"{len(shape_keys.shape_names(mesh))} shape keys"
        match = playing.get(mesh.name)
        if match is None:
            told[mesh.name] = f"{keys}, stays still"
        else:
            found = f"{len(NAMES) - len(match.missing)} of {len(NAMES)}"
            visemes = f", {len(match.visemes)} mouth shapes for sounds" if match.visemes else ""
            told[mesh.name] = f"{keys}, {match.shape_map.name}: {found}{visemes}"
    return told


def _button(code: str) -> str:
    return f"in the add-on's panel: {FIXES[code].label}" if code in FIXES else ""
