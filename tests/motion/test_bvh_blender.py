"""Blender's own importer reads our BVH files and finds every joint where we say it is."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.skeleton import Skeleton

SCRIPT = """
import sys, json, bpy, addon_utils
addon_utils.enable("io_anim_bvh")
path, out, scale = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
addon_utils.enable("io_anim_bvh")
bpy.context.scene.render.fps = 30
bpy.ops.import_anim.bvh(filepath=path, axis_forward="-Z", axis_up="Y", global_scale=float(scale), frame_start=1)
body = next(o for o in bpy.data.objects if o.type == "ARMATURE")
found = []
for frame in range(1, 6):
    bpy.context.scene.frame_set(frame)
    heads = {bone.name: tuple(body.matrix_world @ bone.head) for bone in body.pose.bones}
    found.append(heads)
json.dump(found, open(out, "w"))
"""


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs the bpy wheel")
@pytest.mark.timeout(120)
def test_blender_finds_the_joints_where_they_are(tmp_path: Path) -> None:
    skeleton = Skeleton.builtin("duologue60")
    rng = np.random.default_rng(2)
    rotations = rng.normal(scale=0.6, size=(5, 60, 3))
    root = rng.normal(scale=0.3, size=(5, 3)) + np.array([0, 1, 0])
    clip = BvhClip(skeleton, rotations, root, 30.0)
    write_bvh(tmp_path / "ours.bvh", clip, scale=0.01)
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "ours.bvh"), str(tmp_path / "found.json"), "0.01"],
        check=True,
        timeout=110,
        capture_output=True,
    )
    for ours, heads in zip(clip.positions(), json.loads((tmp_path / "found.json").read_text()), strict=True):
        for joint, (x, y, z) in ((skeleton.index(name), place) for name, place in heads.items()):
            # Blender stands up along +Z and looks along -Y.
            np.testing.assert_allclose([x, z, -y], ours[joint], atol=1e-4)
        assert len(heads) == 60
