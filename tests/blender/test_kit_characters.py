# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that users own, a MakeHuman body and a Rocketbox adult, perform without hand work."""

from __future__ import annotations

import bpy
import kit_characters
import numpy as np
import pytest
from duologue import arkit
from duologue.passes.contract import EYE, HAND, HEAD
from duologue.take import Take
from examples import example_take

from addon.cast.cast import cast
from addon.cast.keypoints import person_of
from addon.cast.keypoints import track as find_keypoints
from addon.rendering import shot
from addon.scene import armatures
from addon.scene.surfaces import Reader
from addon.takes.writer import write_take

pytestmark = pytest.mark.skipif(not kit_characters.KIT.is_dir(), reason="the kit is not here")


@pytest.fixture
def users_pair(scene):
    made = (kit_characters.mpfb(scene), kit_characters.rocketbox())
    bpy.context.view_layer.update()
    return tuple(cast(name, armature) for name, (armature, _) in zip("AB", made, strict=True))


def points(mesh) -> np.ndarray:
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3) @ np.array(mesh.matrix_world)[:3, :3].T


def test_both_are_recognised_and_perform_where_the_take_has_them(users_pair, scene):
    assert [p.match.rig_map.name for p in users_pair] == ["mixamo", "biped"]
    assert [p.faces[0].match.shape_map.name for p in users_pair] == ["arkit", "rocketbox"]
    assert all(p.faces[0].match.missing == () for p in users_pair)
    modes = [[bone.rotation_mode for bone in p.armature.pose.bones] for p in users_pair]
    take = example_take(20)
    assert write_take(take, users_pair, shot.FIRST_FRAME, 30.0) == []
    assert [[bone.rotation_mode for bone in p.armature.pose.bones] for p in users_pair] == modes
    scene.frame_set(shot.FIRST_FRAME + 12)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for performer, track in zip(users_pair, take.tracks, strict=True):
        hips = armatures.world_pose(performer.armature, depsgraph)[performer.bone_index("Hips"), :3, 3]
        # The hips' joint lies a few centimetres elsewhere in each body.
        np.testing.assert_allclose(hips[[0, 2]], track.root_translation[12, [0, 2]], atol=0.06)


def test_both_mouths_open(users_pair, scene):
    take = example_take(2)
    shut, jaw_open = np.zeros((2, 52), np.float32), np.zeros((2, 52), np.float32)
    jaw_open[:, arkit.INDEX["jawOpen"]] = 1.0
    seen = []
    for weights in (shut, jaw_open):
        tracks = [type(t)(**{**t.arrays(), "weights": weights}) for t in take.tracks]
        write_take(Take(take.skeleton, (tracks[0], tracks[1])), users_pair, shot.FIRST_FRAME, 30.0)
        scene.frame_set(shot.FIRST_FRAME)
        seen.append([points(p.faces[0].mesh) for p in users_pair])
    for before, after in zip(*seen, strict=True):
        assert np.linalg.norm(after - before, axis=1).max() > 0.01


def test_passes_tell_heads_hands_and_eyes_of_both(users_pair, scene):
    """MPFB's mesh has a group that holds all of it, for its mask; Rocketbox' eyes are bones."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    meshes = Reader([person_of(performer) for performer in users_pair]).read(depsgraph)
    for number, performer in enumerate(users_pair, start=1):
        (mesh,) = [one for one in meshes if (one.person == number).all()]
        heights = mesh.vertices[mesh.triangles].mean(axis=1)[:, 1]
        neck = armatures.world_pose(performer.armature, depsgraph)[performer.bone_index("Head"), 1, 3]
        assert heights[mesh.part == HEAD].min() > neck - 0.16
        assert (mesh.part[heights > neck + 0.05] != 1).mean() > 0.99
        assert 0.03 < (mesh.part == HAND).mean() < 0.4
        nose, right, left = find_keypoints(performer, meshes, depsgraph).keypoints(meshes, depsgraph).body[[0, 14, 15]]
        assert 0.04 < np.linalg.norm(left - right) < 0.09
        assert 0.01 < (left + right)[1] / 2 - nose[1] < 0.07
        assert nose[2] > max(left[2], right[2])
    assert any((mesh.part == EYE).any() for mesh in meshes)
