# SPDX-License-Identifier: GPL-3.0-or-later
"""Two people who stand before each other in a scene, and all of it that a touch could change."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np
from duologue.brief import Interaction
from duologue.take import Take
from duologue.units import FPS

from addon.cast import characters
from addon.cast.cast import Performer, cast
from addon.interactions import solving
from addon.interactions.actors import Ensemble
from addon.interactions.solving import Asked
from addon.scene import compat
from addon.scene.axes import from_blender
from addon.takes import writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interactions"))
from examples_touch import SKELETON, standing

FIRST, FRAMES = 11, 90
POKE = Interaction("poke-cheek", "A", 1.2, 1.7, target="B", hand="right")
OWN = Interaction("stroke-chin", "B", 1.2, 1.9, hand="left")


def standing_take(apart: float = 0.52) -> Take:
    tracks = standing(-apart / 2, np.pi / 2, FRAMES), standing(apart / 2, -np.pi / 2, FRAMES)
    return Take(SKELETON, tracks, {"made_by": "tests"})


def sample(scene, name: str):
    return characters.build(characters.sample_file(name), scene.collection).armature


def on_stage(scene, armatures, apart: float = 0.52, rate: float = 30.0, take: Take | None = None) -> list[Performer]:
    """Cast two armatures and write a take onto them: by default that of two people who stand ``apart`` metres from each other."""
    bpy.context.view_layer.update()
    performers = [cast(name, armature) for name, armature in zip("AB", armatures, strict=True)]
    writer.write_take(take or standing_take(apart), performers, FIRST, rate)
    scene.frame_set(FIRST + 3)
    return performers


def asked(*interactions: Interaction, **more) -> Asked:
    return Asked(interactions, FIRST, FRAMES, "take", **more)


def points(ob) -> np.ndarray:
    """What is shown of a mesh, in our world."""
    evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    matrix = np.array(evaluated.matrix_world)
    return from_blender(flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])


def whole_state() -> dict:
    """Everything in the file that a touch may change, to the bit."""
    found: dict = {"frame": bpy.context.scene.frame_current, "actions": {}, "data": {}}
    for action in bpy.data.actions:
        curves = [
            (c.data_path, c.array_index, c.mute, _numbers(c.keyframe_points, "co", 2))
            for slot in action.slots
            for c in compat.channelbag(action, slot).fcurves
        ]
        found["actions"][action.name] = action.use_fake_user, action.users, sorted(action.keys()), curves
    for ob in bpy.data.objects:
        found["data"][ob.name] = _animated(ob), ob.hide_viewport, [m.show_viewport for m in ob.modifiers]
        if ob.type == "ARMATURE":
            found["data"][ob.name] += tuple(
                _numbers(ob.pose.bones, prop, n)
                for prop, n in (("rotation_quaternion", 4), ("rotation_euler", 3), ("location", 3))
            )
    for mesh in bpy.data.meshes:
        found["data"][mesh.name] = _numbers(mesh.vertices, "co", 3)
    for key in bpy.data.shape_keys:
        blocks = [
            (b.name, b.value, b.slider_min, b.slider_max, b.mute, _numbers(b.points, "co", 3)) for b in key.key_blocks
        ]
        found["data"][key.name] = _animated(key), sorted(key.keys()), blocks
    return found


def _numbers(collection, prop: str, size: int) -> bytes:
    flat = np.empty(size * len(collection), np.float32)
    collection.foreach_get(prop, flat)
    return (flat + 0.0).tobytes()  # -0 is 0: Blender's NLA turns one into the other


def _animated(datablock):
    data = datablock.animation_data
    if data is None:
        return None
    tracks = [
        (t.name, t.mute, [(s.action.name, s.blend_type, s.extrapolation, s.frame_start, s.frame_end) for s in t.strips])
        for t in data.nla_tracks
    ]
    return data.action.name if data.action else "", data.action_slot.name_display if data.action_slot else "", tracks


def solved(scene, performers, *interactions: Interaction, **more) -> solving.Solution:
    """Solve; what is taken away again leaves the scene as it was."""
    before = whole_state()
    solution = solving.at_once(scene, performers, asked(*interactions, **more))
    after = whole_state()
    armatures = [performer.armature for performer in performers]
    assert solving.remove(scene, armatures)
    assert whole_state() == before
    solving.at_once(scene, performers, asked(*interactions, **more))
    assert whole_state() == after
    return solution


def off(scene, performers, solution: solving.Solution, rows=(33, 38, 44, 50)) -> float:
    """How far from where it was solved Blender shows any bone that moves skin, metres."""
    rows = np.array(rows)
    shown = Ensemble(scene, performers).read(FIRST + rows * scene.render.fps / FPS)
    rows -= solution.track.start
    worst = 0.0
    for actor, after in zip(shown, solution.actors, strict=True):
        moving = np.unique(actor.character.mesh.bones[actor.character.mesh.weights > 0])
        far = np.linalg.norm(actor.pose.heads - after.pose.heads[rows], axis=-1)[:, moving]
        worst = max(worst, float(far.max()))
    return worst
