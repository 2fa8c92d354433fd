# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be said of a character's faces: what keeps written shapes from showing, what stays still, what a set can't do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue import arkit
from duologue.rigs.recognise import recognise_shapes
from duologue.rigs.target import TargetRig

from ..scene import armatures, poses, shape_keys
from ..scene.data import face_keys
from .cast import Performer
from .eyes import eye_bones
from .faces import Face
from .findings import Finding, Severity, listed

if TYPE_CHECKING:
    from bpy.types import Object


def check_faces(performer: Performer) -> list[Finding]:
    """Return everything that is to be said of a character's faces."""
    return [*_still(performer), *hidden(performer), *_eyes(performer), *_lacking(performer), *_weak(performer)]


def hidden(performer: Performer) -> list[Finding]:
    """Return what keeps written shapes from showing."""
    return [
        finding for face in performer.faces for finding in (*_shapes(face), *_strips(face), *_shared(performer, face))
    ]


def no_face(performer: Performer) -> str:
    """Return what is said of a character whose face does not move: it has none, or none that is known; nothing if it has."""
    if performer.faces:
        return ""
    meshes = shape_keys.face_meshes(performer.armature)
    if not meshes:
        return _t("{name} has no mesh with facial shape keys: only its body moves").format(name=performer.armature.name)
    keys = [key for mesh in meshes for key in shape_keys.shape_names(mesh)]
    text = _t(
        "{name}: none of the shape keys of {meshes} is known ({keys}): only its body moves. Choose them in the mesh’s table"
    )
    return text.format(name=performer.armature.name, meshes=listed([m.name for m in meshes]), keys=listed(keys))


def _still(performer: Performer) -> Iterator[Finding]:
    """Which meshes with shape keys stay as they are, and which keys move nothing."""
    if text := no_face(performer):
        yield Finding("no-face", "INFO", text, performer.armature.name)
        return
    playing = [face.mesh for face in performer.faces]
    if still := [mesh for mesh in shape_keys.face_meshes(performer.armature) if mesh not in playing]:
        keys = list(dict.fromkeys(key for mesh in still for key in shape_keys.shape_names(mesh)))
        text = _t(
            "{meshes}: none of the shape keys ({keys}) is known, or they are switched off: still; see their tables"
        )
        text = text.format(meshes=listed([mesh.name for mesh in still]), keys=listed(keys))
        yield Finding("still", "INFO", text, still[0].name, tuple(keys))
    if performer.dead_keys:
        text = _t("{name}: the shape keys {keys} move nothing, so they count as missing")
        text = text.format(name=performer.armature.name, keys=listed(performer.dead_keys))
        yield Finding("empty", "INFO", text, performer.armature.name, performer.dead_keys)


def _eyes(performer: Performer) -> Iterator[Finding]:
    shaped = {name for face in performer.faces for name in face.match.targets}
    if performer.faces and not any("eyeLook" in name for name in shaped) and not eye_bones(performer):
        text = _t(
            "{name}: no shape keys for looks and no eye bones found; the eyes stay still (choose eye bones in the table)"
        )
        yield Finding("eyes", "INFO", text.format(name=performer.armature.name), performer.armature.name)


def _shapes(face: Face) -> Iterator[Finding]:
    """What keeps written shapes from showing."""
    mesh, names = face.mesh, face.match.shapes
    keys = face_keys(mesh)

    def finding(code: str, severity: Severity, text: str, which: Sequence[str] = ()) -> Finding:
        return Finding(code, severity, text.format(name=mesh.name, keys=listed(which)), mesh.name, tuple(which))

    if not keys.use_relative:
        text = _t("{name}: its shape keys are absolute, so their values do nothing; make them relative")
        yield finding("absolute", "ERROR", text)
    if muted := [name for name in names if keys.key_blocks[name].mute]:
        yield finding(
            "muted", "WARNING", _t("{name}: shape keys {keys} are muted; tick them in the shape key list"), muted
        )
    if held := [name for name in names if name in shape_keys.driven_shapes(keys)]:
        yield finding(
            "driven",
            "WARNING",
            _t("{name}: shape keys {keys} have drivers, which win over the take; mute those drivers"),
            held,
        )
    if mesh.show_only_shape_key:
        yield finding(
            "pinned", "ERROR", _t("{name} shows a single shape key; switch off the pin in its shape key list")
        )
    if keys.animation_data is not None and any(track.is_solo for track in keys.animation_data.nla_tracks):
        text = _t("{name} has a solo NLA track on its shape keys, which hides the Action; switch the star off")
        yield finding("face-solo", "ERROR", text)
    if stray := _stray(face):
        text = _t("{name}: {keys} are not at 0 and no part of the take, so they bend the face in every frame")
        yield finding("stray", "WARNING", text, stray)
    blocks = [keys.key_blocks[name] for name in names]
    if short := [block.name for block in blocks if block.slider_max < 1 or block.slider_min > 0]:
        text = _t("{name}: the sliders of {keys} end before 1, which cuts the motion off and makes the face weak")
        yield finding("slider", "WARNING", text, short)


def _strips(face: Face) -> Iterator[Finding]:
    """NLA tracks of the user's that move facial shapes which no take writes, or win over one that was kept."""
    moved = _moved_by_strips(face)
    if moved:
        text = _t("{name}: the NLA tracks {tracks} move {keys} together with the take; mute them")
        keys = sorted(set().union(*moved.values()))
        text = text.format(name=face.mesh.name, tracks=listed(list(moved)), keys=listed(keys))
        yield Finding("face-nla", "WARNING", text, face.mesh.name, tuple(moved))


def _moved_by_strips(face: Face) -> dict[str, set[str]]:
    """Return which shapes of a face the tracks move that play along with a take, by the tracks' names."""
    keys, shapes = face_keys(face.mesh), set(face.match.shapes)
    over = poses.tracks_above_ours(keys)
    paths = {shape_keys.shape_path(name): name for name in _facial(face.mesh) | shapes}
    moved: dict[str, set[str]] = {}
    for track, curve in poses.strip_curves(keys):
        name = paths.get(curve.data_path, "")
        if name and (name not in shapes or track in over):
            moved.setdefault(track.name, set()).add(name)
    return moved


def _facial(mesh: Object) -> set[str]:
    """Return the shapes of a mesh that any map knows as a face's; a body's may well be animated."""
    return {name for match in recognise_shapes(shape_keys.shape_names(mesh)) for name in match.shapes}


def _shared(performer: Performer, face: Face) -> Iterator[Finding]:
    """A linked duplicate (Alt-D) has its mesh, and with it its face, in common with the original."""
    mesh = face.mesh
    others = [ob for ob in bpy.data.objects if ob != mesh and ob.type == "MESH" and ob.data == mesh.data]
    others = [ob for ob in others if armatures.armature_behind(ob) not in {None, performer.armature}]
    if others:
        text = _t("{name} and {other} share one mesh, so both would wear the same face; make it single-user")
        yield Finding("shared-face", "ERROR", text.format(name=mesh.name, other=others[0].name), mesh.name)


def _stray(face: Face) -> list[str]:
    """Return facial shapes that are left at some value though nothing of the take moves them; a body's shapes may well be."""
    keys = face_keys(face.mesh)
    others = {*face.match.shapes, keys.reference_key.name, *shape_keys.driven_shapes(keys)}
    left = [block.name for block in keys.key_blocks if block.value and not block.mute and block.name not in others]
    if not left:
        return []
    kept = _facial(face.mesh).difference(*_moved_by_strips(face).values())
    return [name for name in left if name in kept]


def _lacking(performer: Performer) -> Iterator[Finding]:
    """What no mesh of the face has keys for: of ARKit's 52, and of what is seen when somebody speaks."""
    faces = performer.faces
    missing = [name for name in arkit.NAMES if all(name in face.match.missing for face in faces)]
    if not faces or not missing:
        return
    name = faces[0].mesh.name if len(faces) == 1 else performer.armature.name
    text = _t("{name}: nothing found for {count} of 52 ARKit shapes ({shapes})")
    text = text.format(name=name, count=len(missing), shapes=listed(missing, 3))
    yield Finding("shapes-missing", "INFO", text, faces[0].mesh.name, tuple(missing))
    if lacks := list(_cannot(performer)):
        text = _t("{name}: its shape keys can’t {what}").format(name=name, what=", ".join(lacks))
        yield Finding("face-lacks", "INFO", text, faces[0].mesh.name)


def _cannot(performer: Performer) -> Iterator[str]:
    visemes = {viseme for face in performer.faces for viseme in face.match.visemes}
    driven = {name for face in performer.faces for name in face.match.targets}
    spoken = visemes | driven
    if not spoken & {"jawOpen", "aa"}:
        yield _t("open the mouth")
    if not spoken & {"mouthRollLower", "FF"}:
        yield _t("bite the lip for f and v")
    if not spoken & {"mouthPucker", "mouthFunnel", "O", "U"}:
        yield _t("round the lips")
    if "eyeBlinkLeft" not in driven or "eyeBlinkRight" not in driven:
        yield _t("blink")
    if not driven & {"mouthSmileLeft", "mouthSmileRight"}:
        yield _t("smile")


def _weak(performer: Performer) -> Iterator[Finding]:
    """Of all meshes of a face one has to open its mouth: eyes and lashes often carry every key, and stay as they are."""
    openings = [
        (shape_keys.travel(face.mesh, key), face.mesh, key)
        for face in performer.faces
        for key in face.match.targets.get("jawOpen", {})
    ]
    if not openings:
        return
    moved, mesh, key = max(openings, key=itemgetter(0))
    if moved < 0.006 * TargetRig(performer.rig, performer.match, sole=0.0).leg_length:
        text = _t("{name}: {key} moves the mesh by only {distance} mm; the mouth will look shut")
        text = text.format(name=mesh.name, key=key, distance=f"{1000 * moved:.1f}")
        yield Finding("weak", "WARNING", text, mesh.name, (key,))
