# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches in a user's scene: what Blender shows is what was solved, and taking them away leaves nothing."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import bpy
import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.interactions.track import InteractionTrack
from duologue.shots.touch import Wanted
from duologue.units import FPS
from touching import FIRST, OWN, POKE, asked, on_stage, sample, standing_take, whole_state

from addon.interactions import keys as touch_keys
from addon.interactions import solving
from addon.interactions.actors import Ensemble
from addon.rendering import shot
from addon.scene import touch_tracks


@pytest.mark.parametrize(("mode", "rate"), [("QUATERNION", 30), ("YZX", 24)])
def test_blender_shows_what_was_solved_and_nothing_is_left_of_it(scene, mode, rate):
    scene.render.fps = rate
    armatures = [sample(scene, "ada"), sample(scene, "ben")]
    for armature in armatures:
        for bone in armature.pose.bones:
            bone.rotation_mode = mode
    performers = on_stage(scene, armatures, rate=rate)
    before = whole_state()
    solution = solving.at_once(scene, performers, asked(POKE, OWN))
    assert [touch.pattern for touch in solution.track.touches] == ["poke-cheek", "stroke-chin"]
    assert solution.track.touches[0].short < 0.005
    start = solution.track.start
    times = FIRST + (np.array([33, 38, 44, 50]) * rate / FPS)
    shown = Ensemble(scene, performers).read(times)
    rows = np.array([33, 38, 44, 50]) - start
    for actor, solved, name in zip(shown, solution.actors, "AB", strict=True):
        assert np.linalg.norm(actor.pose.heads - solved.pose.heads[rows], axis=-1).max() < 5e-4, name
    moved = np.linalg.norm(solution.actors[0].pose.heads - solution.before[0].heads, axis=-1).max()
    assert moved > 0.2
    lids = np.array(
        [
            actor.weights["eyeBlinkLeft"]
            for actor in Ensemble(scene, performers).read(FIRST + np.arange(30, 45) * rate / FPS)
        ]
    )
    assert lids[1].max() > 0.5, "whoever is poked blinks"
    (face,) = [ob for ob in performers[1].meshes if touch_keys.has_touch(ob)]
    assert any(key.name.startswith("duologue_touch_") for key in face.data.shape_keys.key_blocks)
    tracks = len(armatures[0].animation_data.nla_tracks)
    solving.at_once(scene, performers, asked(POKE))  # the second takes the place of the first
    assert len(armatures[0].animation_data.nla_tracks) == tracks
    assert solving.remove(scene, armatures)
    assert whole_state() == before


def test_solving_again_in_the_middle_of_a_touch_does_not_see_the_dent(scene):
    """A key whose track is muted keeps its value: the skin would be read as pressed already, in all frames."""
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    first = solving.at_once(scene, performers, asked(POKE))
    (face,) = [ob for ob in performers[1].meshes if touch_keys.has_touch(ob)]
    scene.frame_set(FIRST + 45)
    names = [key.name for key in face.data.shape_keys.key_blocks if key.name.startswith("duologue_touch_")]
    pressed = [face.data.shape_keys.key_blocks[name].value for name in names]
    assert np.abs(pressed).max() > 0.1, "the skin is pressed where the scene stands"
    with solving.untouched(scene, performers):
        assert not any(face.data.shape_keys.key_blocks[name].value for name in names)
        scene.frame_set(FIRST + 44)
        assert not any(face.data.shape_keys.key_blocks[name].value for name in names)
    scene.frame_set(FIRST + 45)
    assert [face.data.shape_keys.key_blocks[name].value for name in names] == pressed
    second = solving.at_once(scene, performers, asked(POKE))
    before, after = first.dents[1], second.dents[1]
    np.testing.assert_allclose(
        np.abs(after.deltas).max(axis=(1, 2)), np.abs(before.deltas).max(axis=(1, 2)), rtol=0.02, atol=2e-5
    )


def test_a_failed_solve_leaves_the_scene_as_it_was(scene, monkeypatch):
    performers = on_stage(scene, [sample(scene, "ada"), sample(scene, "ben")])
    before = whole_state()

    def broken(*_):
        raise DuologueError("INTERNAL", "broken", "half-way")

    with monkeypatch.context() as patch:
        patch.setattr(touch_keys.dents, "move", broken)
        with pytest.raises(DuologueError, match="half-way"):
            solving.at_once(scene, performers, asked(POKE))
    assert whole_state() == before
    steps = solving.steps(scene, performers, asked(POKE))
    for _ in range(20):
        next(steps)
    steps.close()  # Esc
    assert whole_state() == before
    solving.at_once(scene, performers, asked(POKE))
    touched = whole_state()
    with monkeypatch.context() as patch:
        patch.setattr(touch_keys.dents, "move", broken)
        with pytest.raises(DuologueError, match="half-way"):
            solving.at_once(scene, performers, asked(replace(POKE, seconds=1.3)))
    assert whole_state() == touched


def test_a_rendered_scene_has_layer_and_skin(scene, tmp_path):
    standing_take().save(tmp_path / "take.safetensors")
    Wanted((POKE,), (1.0,), ()).save(tmp_path)
    notes = []
    options = Namespace(
        take=tmp_path / "take.safetensors", out=tmp_path, blend=None, armature_a="", armature_b="", mesh_a=[], mesh_b=[],
        sound_a=None, sound_b=None, first_frame=None, engine="workbench", camera="wide", seats=False, no_preview=True,
        export=[],
    )  # fmt: skip
    files = shot.render(options, lambda what, **told: notes.append(told) if what == "note" else None)
    assert files == ["scene.blend", "interactions.safetensors"]
    assert notes == []
    track = InteractionTrack.load(tmp_path / "interactions.safetensors")
    assert [touch.pattern for touch in track.touches] == ["poke-cheek"]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    layers = [ob.name for ob in bpy.data.objects if touch_tracks.layers_of(ob)]
    assert len(layers) == 2  # whoever touches, and whoever gives way
    keys = [
        key.name for block in bpy.data.shape_keys for key in block.key_blocks if key.name.startswith("duologue_touch_")
    ]
    assert keys
