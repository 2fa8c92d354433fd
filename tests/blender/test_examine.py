# SPDX-License-Identifier: GPL-3.0-or-later
"""``duologue doctor SCENE.blend``: who in a scene could play, told by the readers and checks that a performance uses."""

from __future__ import annotations

import gzip
from pathlib import Path

import bpy
import pytest
from duologue.diagnosis.files import examine_file
from duologue.shots.events import parse
from examples import box_pair

from addon.cast import checks
from addon.headless import main


def save(folder: Path) -> Path:
    path = folder / "a scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def examined_here(capsys, path: Path) -> list[dict]:
    capsys.readouterr()
    assert main(["examine", str(path)]) == 0
    return [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]


def test_characters_are_told_as_they_are_cast(scene, tmp_path):
    a, b = box_pair(scene, tmp_path)
    a.armature.animation_data_create().nla_tracks.new().is_solo = True
    examined = examine_file(save(tmp_path))
    assert examined.kind == "a Blender scene"
    assert examined.facts["fps"] == 30
    facts = examined.facts[b.armature.name]
    assert facts["bones"] == facts["joints_found"] == 60
    assert facts["rig_map"].startswith("duologue:")
    assert facts["bones_height_m"] == pytest.approx(1.85 * 0.9, abs=0.15)
    assert facts["faces"] == {b.faces[0].mesh.name: "52 shape keys, arkit: 52 of 52"}
    assert facts["face"] == "52 of 52 shapes"
    assert facts["height_m"] == pytest.approx(1.85, abs=0.1)
    solo = [f for f in examined.findings if f.state == "fail"]
    assert [(f.subject, f.mend) for f in solo] == [(a.armature.name, "in the add-on's panel: Switch Solo Off")]
    assert examined.usable  # B can play


def test_the_findings_are_the_add_ons_own(capsys, scene, tmp_path):
    a, _ = box_pair(scene, tmp_path)
    block = a.faces[0].mesh.data.shape_keys.key_blocks["jawOpen"]
    block.slider_max, block.mute = 0.5, True
    expected = [finding.text for finding in checks.check(a.armature, a)]
    assert len(expected) >= 2
    name = a.armature.name
    events = examined_here(capsys, save(tmp_path))
    told = next(event for event in events if event.get("name") == name)
    assert [finding["text"] for finding in told["findings"]] == expected


def test_what_can_not_play_is_told_with_what_is_missing(capsys, scene, tmp_path):
    a, _ = box_pair(scene, tmp_path)
    data = a.armature.data
    for name in ("Head", "LeftUpLeg"):
        data.bones[name].name = f"x{len(name)}"
    a.armature.name = "Broken"
    hidden = bpy.data.objects.new("Hidden", bpy.data.armatures.new("Hidden"))
    collection = bpy.data.collections.new("Off")
    scene.collection.children.link(collection)
    collection.objects.link(hidden)
    bpy.context.view_layer.layer_collection.children["Off"].exclude = True
    events = examined_here(capsys, save(tmp_path))
    told = {event["name"]: event["problem"].get("reason") for event in events if event["duologue"] == "character"}
    assert told["Hidden"] == "not-in-view-layer"
    assert told["Broken"] in {"rig-not-recognised", None}
    assert len(told) == 3


def test_a_scene_without_armatures_can_not_be_used(scene, tmp_path):
    examined = examine_file(save(tmp_path))
    assert [f.subject for f in examined.findings] == ["cast-missing"]
    assert examined.exit_code == 3


def test_a_files_own_scripts_do_not_run(capsys, scene, tmp_path):
    mark = tmp_path / "mark"
    script = bpy.data.texts.new("script.py")
    script.write(f"open({str(mark)!r}, 'w').close()")
    script.use_module = True
    path = save(tmp_path)
    bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=True)  # from here on this Blender runs scripts
    assert mark.exists()
    mark.unlink()
    examined_here(capsys, path)
    assert not mark.exists()


def test_damaged_and_compressed_files(scene, tmp_path):
    box_pair(scene, tmp_path)
    path = tmp_path / "plain.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    (tmp_path / "old.blend").write_bytes(gzip.compress(path.read_bytes()))
    assert examine_file(tmp_path / "old.blend").usable
    (tmp_path / "cut.blend").write_bytes(path.read_bytes()[:200_000])
    (tmp_path / "garbage.blend").write_bytes(b"BLENDER-v500" + b"x" * 5000)
    for name in ("cut", "garbage"):
        examined = examine_file(tmp_path / f"{name}.blend")
        assert [f.subject for f in examined.findings] == ["blend-unreadable"]
        assert examined.exit_code == 3
