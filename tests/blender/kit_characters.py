# SPDX-License-Identifier: GPL-3.0-or-later
"""The kit's two characters as their owners have them in Blender: a MakeHuman body on a Mixamo rig, and a Rocketbox FBX."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import bpy
import numpy as np
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton
from duologue.rigs.clips import retarget_clip
from duologue.rigs.recognise import recognise_rig
from duologue.take import Take, Track

KIT = Path(__file__).resolve().parents[3] / "shared" / "kit"
_PARTS = ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")


def rocketbox(name: str = "Female_Adult_01"):
    """Import a Rocketbox adult; return its armature and its mesh."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.fbx(filepath=str(KIT / "character_rocketbox" / f"{name}_facial.fbx"))
    made = set(bpy.data.objects) - before
    return next(o for o in made if o.type == "ARMATURE"), next(o for o in made if o.type == "MESH")


def mpfb(scene):
    """Build MakeHuman's base body with the Mixamo rig, its weights and every target of the kit; return armature and mesh."""
    folder = KIT / "character_mpfb"
    vertices, faces, joints = _read_obj(folder / "base.obj")
    armature = _rig(scene, json.loads((folder / "rig.mixamo.json").read_text())["bones"], vertices, joints)
    data = bpy.data.meshes.new("MPFB body")
    data.from_pydata(vertices.tolist(), [], faces)
    data.shade_smooth()
    mesh = bpy.data.objects.new("MPFB body", data)
    scene.collection.objects.link(mesh)
    for bone, weights in json.loads((folder / "weights.mixamo.json").read_text())["weights"].items():
        group = mesh.vertex_groups.new(name=bone)
        for vertex, weight in weights:
            group.add([vertex], weight, "REPLACE")
    mesh.parent = armature
    mesh.modifiers.new("Armature", "ARMATURE").object = armature
    _add_targets(mesh, folder / "talkinghead-targets.zip", vertices)
    _hide_helpers(mesh, faces)
    return armature, mesh


def captured_walk(folder: Path):
    """A take of the kit's captured neutral walk for both, a metre and a half apart."""
    with tarfile.open(KIT / "body_rocketbox.tar.xz") as archive:
        archive.extract("body_rocketbox/xy/f_walk_neutral.bvh", folder, filter="data")
    clip = read_bvh(folder / "body_rocketbox" / "xy" / "f_walk_neutral.bvh")
    skeleton = Skeleton.builtin("duologue60")
    bones = recognise_rig(clip.skeleton.names, clip.skeleton.parents)[0].bones
    joints = {bone: joint for joint, bone in bones.items()}
    rotations, root = retarget_clip(clip.skeleton, clip.rotations, clip.root_translation, joints, skeleton)
    frames = len(rotations)
    rest = np.zeros((frames, 52), np.float32), np.ones(frames, bool), np.zeros(frames, np.uint8)
    tracks = [Track(root + np.array([aside, 0.0, 0.0]), rotations, *rest) for aside in (-0.75, 0.75)]
    return Take(skeleton, (tracks[0], tracks[1]))


def _read_obj(path: Path):
    """MakeHuman's decimetres, Y up, to metres in Blender's axes; every vertex is kept, since rig and targets count them."""
    vertices, faces, joints, part = [], [], {}, ""
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            x, y, z = (float(word) * 0.1 for word in words[:3])
            vertices.append((x, -z, y))
        elif kind == "g":
            part = words[0]
        elif kind == "f":
            face = [int(word.split("/")[0]) - 1 for word in words]
            if part in _PARTS:
                faces.append(face)
            elif part.startswith("joint-"):  # a little cube around each joint
                joints.setdefault(part, set()).update(face)
    return np.array(vertices), faces, joints


def _rig(scene, bones, vertices, joints):
    armature = bpy.data.objects.new("MPFB rig", bpy.data.armatures.new("MPFB rig"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for name, bone in bones.items():
        made = edit.new(name)
        made.head, made.tail = (_place(bone[end], vertices, joints) for end in ("head", "tail"))
        made.roll = bone["roll"]
    for name, bone in bones.items():
        made = edit[name]
        made.parent = edit[bone["parent"]] if bone["parent"] else None
        made.use_connect = bone["use_connect"]
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, bone in bones.items():
        armature.pose.bones[name].rotation_mode = bone.get("rotation_mode", "QUATERNION")
    return armature


def _add_targets(mesh, archive: Path, vertices) -> None:
    mesh.shape_key_add(name="Basis", from_mix=False)
    with zipfile.ZipFile(archive) as targets:
        for entry in sorted(targets.namelist()):
            if not entry.endswith(".target") or entry.startswith("__MACOSX"):
                continue
            rows = [line.split() for line in targets.read(entry).decode().splitlines() if line and line[0].isdigit()]
            if not rows:  # the silent viseme moves nothing
                continue
            index = [int(row[0]) for row in rows]
            x, y, z = np.array([[float(value) for value in row[1:4]] for row in rows]).T * 0.1
            moved = vertices.copy()
            moved[index] += np.column_stack([x, -z, y])
            key = mesh.shape_key_add(name=Path(entry).stem, from_mix=False)
            key.value = 0.0  # Blender 5.0 and later make a new one at 1
            key.points.foreach_set("co", moved.astype(np.float32).ravel())


def _hide_helpers(mesh, faces) -> None:
    """Helper vertices without faces float below the feet in places; MPFB hides them by a mask, and so does this."""
    group = mesh.vertex_groups.new(name="visible")
    group.add(sorted({vertex for face in faces for vertex in face}), 1.0, "REPLACE")
    mask = mesh.modifiers.new("Hide helpers", "MASK")
    mask.vertex_group = group.name


def _place(end, vertices, joints):
    """A bone's end lies amid some vertices, or in the middle of a joint's cube."""
    index = end["vertex_indices"] if end["strategy"] == "MEAN" else sorted(joints[end["cube_name"]])
    return vertices[index].mean(axis=0)
