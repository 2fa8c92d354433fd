# SPDX-License-Identifier: GPL-3.0-or-later
"""A touch as moving pictures, made in Blender: its files, its strip and what is kept with it; again, in part, and stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from duologue.passes import png
from duologue.passes.contract import HAND, PARTS
from duologue.passes.sources import StoredPasses
from pressing import module, press
from test_passes import add_camera
from videos import SIZE, kept, pictures, read, strips


def test_a_video_is_files_a_strip_and_what_it_was_made_with(asked, scene, tmp_path):
    scene.frame_set(17)
    touched = scene.render.engine, scene.render.resolution_x, scene.render.filepath
    scene.sequence_editor_create().strips.new_effect("Mine", "ADJUSTMENT", 4, 1, **_until(40))
    assert press("make_video") == {"FINISHED"}
    assert (scene.frame_current, touched) == (
        17,
        (scene.render.engine, scene.render.resolution_x, scene.render.filepath),
    )
    root = tmp_path / "video"
    assert [one["frame"] for one in json.loads((root / "passes" / "clip.json").read_text())["about_frames"]] == [
        3,
        5,
        7,
        9,
        11,
    ]
    np.testing.assert_array_equal(pictures(root / "frames"), read(root, "relit"))
    assert set(StoredPasses.open(root / "passes").references) == {"A", "B"}
    (strip,) = strips(scene)
    compat = module("scene.compat")
    assert compat.strip_range(strip) == (3, 13)
    assert strip.channel == 5, "above all that is there"
    assert [element.filename for element in strip.elements] == [f"{n:04}.png" for n in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)]
    about = kept(strip)
    assert about == json.loads((root / "video.json").read_text())
    assert about["complete"]
    assert about["clip"]["fps"] == 15
    assert (
        about["pictures"] | {"backend": "carried", "seed": 0, "presets": ["draft"], "region": ""} == about["pictures"]
    )
    assert len(about["digest"]) == 64
    videos = module("footage.videos").videos
    assert "5 pictures" in videos.message
    assert any("of the people" in note for note in videos.notes)
    image = module("footage.preview").image_of()
    assert Path(bpy.path.abspath(image.filepath)) == root / "frames" / "0005.png"


def _until(last: int) -> dict:
    return {"length": last - 1} if bpy.app.version >= (5, 0) else {"frame_end": last}


def test_the_first_picture_is_what_was_chosen(asked, scene, tmp_path):
    press("make_video")
    rendered = read(tmp_path / "video", "beauty")
    asked.picture, asked.folder = "PLAIN", str(tmp_path / "plain")
    press("make_video")
    plain = read(tmp_path / "plain", "beauty")
    assert (rendered[0] != plain[0]).mean() > 0.1
    np.testing.assert_array_equal(rendered[1:], plain[1:])
    assert len(strips(scene)) == 2
    assert module("scene.video_strips").chosen(scene) == max(strips(scene), key=lambda strip: strip["duologue_video"])


def test_again_is_the_same_bit_for_bit_and_says_so(asked, scene, tmp_path):
    press("make_video")
    root = tmp_path / "video"
    before = pictures(root / "frames")
    digest = kept(strips(scene)[0])["digest"]
    bpy.data.objects.remove(scene.duologue.a.armature)  # it needs nothing of the scene
    assert press("again_video") == {"FINISHED"}
    np.testing.assert_array_equal(pictures(root / "frames"), before)
    assert kept(strips(scene)[0])["digest"] == digest
    assert module("footage.videos").videos.message == "Made again: the same, bit for bit"
    png.write(root / "passes" / "relit" / "0002.png", np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    with pytest.raises(RuntimeError, match="has been changed since"):
        press("again_video")


def test_hands_again_leaves_every_other_pixel(asked, scene, tmp_path):
    press("make_video")
    root = tmp_path / "video"
    painted = pictures(root / "frames")
    painted[:, ::3, ::5] = (255, 0, 200)  # as another model may have left it
    for index, picture in enumerate(painted):
        png.write(root / "frames" / f"{index + 1:04}.png", picture)
    assert press("region_again", region="hand") == {"FINISHED"}
    hands = read(root, "part") % len(PARTS) == HAND
    assert hands.any()
    after = pictures(root / "frames")
    np.testing.assert_array_equal(after[~hands], painted[~hands])
    np.testing.assert_array_equal(after[hands], read(root, "relit")[hands])
    np.testing.assert_array_equal(pictures(root / "before"), painted)
    assert kept(strips(scene)[0])["pictures"]["region"] == "hand"
    assert "all else is as it was" in module("footage.videos").videos.message


def test_stopped_pictures_are_kept_and_gone_on_with(asked, scene, tmp_path, monkeypatch):
    generating, videos = module("footage.generating"), module("footage.videos")
    monkeypatch.setattr(sys.modules[generating.RelitPictures.__module__], "_AT_ONCE", 1)
    press("make_video")
    whole = pictures(tmp_path / "video" / "frames")
    digest = kept(strips(scene)[0])["digest"]

    def until_two(work):
        for window in generating.carried(work):
            yield window
            if window.stop == 2:
                videos.videos.stop()

    monkeypatch.setattr(videos, "carried", until_two)
    asked.replace = True
    press("make_video")
    assert videos.videos.state == "STOPPED"
    assert "2 of 5 pictures are kept" in videos.videos.message
    (strip,) = strips(scene)
    assert len(strip.elements) == 4
    assert not kept(strip)["complete"]
    assert not (tmp_path / "video" / "frames" / "0003.png").exists()
    with pytest.raises(RuntimeError, match="press Go On first"):
        press("again_video")
    with pytest.raises(RuntimeError, match="press Go On first"):
        press("region_again", region="face")
    monkeypatch.setattr(videos, "carried", generating.carried)
    assert press("resume_video") == {"FINISHED"}
    np.testing.assert_array_equal(pictures(tmp_path / "video" / "frames"), whole)
    assert kept(strips(scene)[0])["digest"] == digest
    assert len(strip.elements) == 10
    with pytest.raises(RuntimeError, match="All its pictures are there"):
        press("resume_video")


def test_nothing_of_anybody_else_is_written_over(asked, tmp_path):
    root = tmp_path / "video"
    (root / "frames").mkdir(parents=True)
    (root / "frames" / "0001.png").write_bytes(b"mine")
    asked.replace = True
    with pytest.raises(RuntimeError, match="holds files that are no video"):
        press("make_video")
    assert (root / "frames" / "0001.png").read_bytes() == b"mine"
    assert not (root / "passes").exists()
    asked.folder, asked.replace = str(tmp_path / "other"), False
    press("make_video")
    before = pictures(tmp_path / "other" / "frames")
    asked.first = 9
    with pytest.raises(RuntimeError, match="holds a video of 5 pictures"):
        press("make_video")
    np.testing.assert_array_equal(pictures(tmp_path / "other" / "frames"), before)
    asked.replace = True
    press("make_video")
    scene = bpy.context.scene
    assert module("scene.compat").strip_range(strips(scene)[0]) == (9, 19), "its strip goes along"
    (tmp_path / "other" / "video.json").write_text("[]")
    with pytest.raises(RuntimeError, match="no note of Duologue's"):
        press("make_video")


def test_a_strip_whose_folder_has_another_video_by_now_says_so(asked, scene, tmp_path):
    press("make_video")
    strip = strips(scene)[0]
    about = kept(strip)
    about["clip"]["span"]["first"] = 1
    strip["duologue_video_settings"] = json.dumps(about)
    with pytest.raises(RuntimeError, match="another video by now"):
        press("again_video")
    (tmp_path / "video" / "video.json").unlink()
    with pytest.raises(RuntimeError, match="no video by now"):
        press("again_video")


def test_what_is_grey_says_why(asked, scene):
    for name, reason in {
        "again_video": "no video yet",
        "region_again": "no video yet",
        "resume_video": "no video yet",
        "stop_video": "No video is being made",
        "show_video": "no video yet",
    }.items():
        with pytest.raises(RuntimeError, match=reason):
            press(name)
    asked.range = "TOUCH"
    with pytest.raises(RuntimeError, match="No touch is chosen"):
        press("make_video")
    asked.range, asked.folder = "FRAMES", ""
    with pytest.raises(RuntimeError, match="Choose a folder"):
        press("make_video")
    asked.folder = "//video/"
    with pytest.raises(RuntimeError, match="not been saved"):
        press("make_video")
    scene.camera = None
    with pytest.raises(RuntimeError, match="has no camera"):
        press("make_video")
    scene.duologue.a.armature = None
    with pytest.raises(RuntimeError, match="Choose an armature"):
        press("make_video")


def test_a_touch_s_frames_are_4k_plus_1_with_a_little_around(asked, scene):
    scene.frame_start, scene.frame_end = 1, 200
    scene.frame_set(60)
    press("add_touch", pattern="poke-nose")
    asked.range = "TOUCH"
    of = module("footage.asked")
    span = of.span_of(scene)  # 60 to 105, and 18 frames at each end
    assert (span.first, span.last, span.step, span.count) == (42, 122, 2, 41)
    (event,) = of.events_of(scene, span)
    assert (event.pattern, event.performer, event.touched, event.begins, event.ends) == (
        "poke-nose",
        "A",
        "B",
        9.0,
        31.5,
    )
    scene.frame_start = 55
    assert of.span_of(scene).first == 55
    scene.duologue.interactions[0].enabled = False
    assert of.events_of(scene, span) == ()


def test_modes_are_those_of_who_makes_the_pictures(asked):
    asked.backend = "wan-vace"
    asked.mode = "pose"
    asked.preset, asked.seed = "FINAL", 7
    settings = module("footage.asked").render_settings(asked)
    assert (settings.backend, settings.mode, settings.presets, settings.seed) == (
        "wan-vace",
        "pose",
        ("draft", "final"),
        7,
    )
    asked.backend = "tiny"
    assert asked.mode == "USUAL"
    assert module("footage.asked").render_settings(asked, "hand").presets == ("final",)


def test_a_touch_that_was_solved_in_the_scene_is_what_the_video_shows(extension, scene, tmp_path):
    assert press("add_sample_pair") == {"FINISHED"}
    settings, video = scene.duologue, scene.duologue.video
    scene.frame_start, scene.frame_end = 1, 60
    scene.frame_set(24)
    press("add_touch", pattern="rest-chin")
    touch = settings.interactions[0]
    touch.target, touch.last = "SELF", 48
    assert press("solve_touches") == {"FINISHED"}
    head = settings.a.armature.matrix_world @ settings.a.armature.pose.bones["Head"].head
    camera = add_camera(scene, head)
    camera.location += (settings.b.armature.location - settings.a.armature.location).normalized() * 0.8
    camera.rotation_euler = (head - camera.location).to_track_quat("-Z", "Y").to_euler()
    video.width = video.height = 96
    video.picture, video.step, video.folder = "PLAIN", 6, str(tmp_path / "video")
    assert press("make_video") == {"FINISHED"}
    (strip,) = strips(scene)
    about = kept(strip)
    assert about["clip"]["span"] == {"first": 6, "last": 54, "step": 6}
    assert about["clip"]["events"] == [
        {"pattern": "rest-chin", "performer": "A", "touched": "A", "begins": 3.0, "ends": 7.0}
    ]
    touching = (read(tmp_path / "video", "contact")[..., 0] > 128).sum(axis=(1, 2))
    assert touching[3:8].min() > 0, "the hand is on the chin while it touches"
    assert touching[0] == 0
    assert pictures(tmp_path / "video" / "frames", 9).std() > 10
