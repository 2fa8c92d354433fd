# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b scene.blend --command duologue --brief … --out …``: briefs into shots, with the scene's own characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import bpy
import numpy as np
import pytest
from conftest import REPOSITORY
from duologue.shots.events import parse
from duologue.take import Take
from examples import box_pair, write_voice

from addon.headless import main, with_verb
from addon.rendering import batch as addon_batch


@pytest.fixture
def briefs(tmp_path):
    folder = tmp_path / "briefs"
    folder.mkdir()
    write_voice(folder / "a.wav", 0.9)
    write_voice(folder / "b.wav", 0.6, pitch=210.0)
    for name, seed in (("010", 1), ("020", 2)):
        write_brief(folder / f"{name}.json", seed=seed)
    return folder


def write_brief(path, **rest):
    voices = {"A": {"speech": "a.wav"}, "B": {"speech": "b.wav"}}
    path.write_text(json.dumps({"performers": voices, "steps": 1, **rest}))


@pytest.fixture
def user_scene(scene, tmp_path):
    box_pair(scene, tmp_path)
    path = tmp_path / "set.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def here(capsys, *arguments) -> tuple[int, list[dict]]:
    """Run it in this process; return the exit code and the events."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    return code, [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]


def states(events) -> list[str]:
    return [event["state"] for event in events if event["duologue"] == "shot"]


def test_a_call_that_begins_with_an_option_is_a_batch():
    assert with_verb(["--brief", "x", "--out", "render"]) == ["batch", "--brief", "x", "--out", "render"]
    assert with_verb(["--package", "p", "--brief", "x"]) == ["--package", "p", "batch", "--brief", "x"]
    assert with_verb(["render", "take", "--out", "x"]) == ["render", "take", "--out", "x"]
    assert with_verb(["--help"]) == ["--help"]


def test_a_folder_of_briefs_becomes_shots_with_the_scene_s_characters(capsys, user_scene, briefs, acting, tmp_path):
    """The scene that Blender was started with is the set of every shot, not the shot before."""
    before = user_scene.read_bytes()
    out = tmp_path / "shots"
    asked = ("--brief", briefs, "--out", out, "--server", acting, "--no-preview", "--export", "gltf", "--export", "fbx")
    code, events = here(capsys, *asked)
    assert (code, states(events)) == (0, ["done", "done"])
    assert events[-1] == {
        "duologue": "batch", "done": 2, "skipped": 0, "failed": 0, "left": 0, "exit_code": 0, "report": str(out / "report.json"),
    }  # fmt: skip
    report = json.loads((out / "020" / "report.json").read_text())
    assert set(report["files"]) == {path.name for path in (out / "020").iterdir()}
    assert {"scene.blend", "scene.glb", "scene.fbx", "A.bvh", "B.csv", "A.wav"} <= set(report["files"])
    assert any("B's track is 0.30 s shorter" in note for note in report["notes"])
    take = Take.load(out / "020" / "take.safetensors")
    assert take.frames == 27
    assert take.provenance["seed"] == 2
    assert user_scene.read_bytes() == before

    bpy.ops.wm.open_mainfile(filepath=str(out / "020" / "scene.blend"), load_ui=False)
    assert {ob.name for ob in bpy.data.objects if ob.type == "ARMATURE"} == {"Box A rig", "Box B rig"}
    assert len(bpy.data.actions) == 2
    assert bpy.context.scene.frame_end == 27

    bpy.ops.wm.open_mainfile(filepath=str(user_scene), load_ui=False)
    assert states(here(capsys, *asked)[1]) == ["skipped", "skipped"]
    (out / "010" / "scene.glb").unlink()
    assert states(here(capsys, *asked)[1]) == ["done", "skipped"]

    assert states(here(capsys, *asked[:-4])[1]) == ["done", "done"], "something else is wanted"
    assert not (out / "010" / "scene.glb").exists(), "what is no longer wanted doesn't stay beside the new"


def test_a_brief_s_name_may_look_like_a_path_template(capsys, user_scene, briefs, acting, tmp_path):
    """Its shot's folder is called so, and the preview was drawn and lost."""
    name = "{blend_name} {} 10% #"
    only = briefs / "only"
    only.mkdir()
    for voice in "ab":
        write_voice(only / f"{voice}.wav", 0.25)
    write_brief(only / f"{name}.json")
    out = tmp_path / "{shots}"
    code, events = here(capsys, "--brief", only, "--out", out, "--server", acting)
    assert (code, states(events)) == (0, ["done"]), events[-3:]
    report = json.loads((out / name / "report.json").read_text())
    assert {path.name for path in (out / name).iterdir()} == set(report["files"])
    assert "preview.mp4" in report["files"]
    assert {path.name for path in out.iterdir()} == {name, "report.json"}


def test_the_sample_characters_play_where_there_is_no_scene(capsys, scene, briefs, acting, tmp_path):
    out = tmp_path / "shots"
    code, events = here(capsys, "--brief", briefs, "--out", out, "--server", acting, "--no-preview")
    assert (code, states(events)) == (0, ["done", "done"])
    bpy.ops.wm.open_mainfile(filepath=str(out / "020" / "scene.blend"), load_ui=False)
    assert len([ob for ob in bpy.data.objects if ob.type == "ARMATURE"]) == 2, (
        "the pair of the shot before is not in it"
    )


def test_one_failing_brief_stops_no_other(capsys, user_scene, briefs, acting, tmp_path):
    write_brief(briefs / "005.json", relationship="frends")
    write_brief(
        briefs / "015.json", performers={"A": {"speech": {"path": "a.wav", "channel": 3}}, "B": {"speech": "b.wav"}}
    )
    code, events = here(capsys, "--brief", briefs, "--out", tmp_path / "shots", "--server", acting, "--no-preview")
    assert (code, states(events)) == (2, ["failed", "done", "failed", "done"])
    reasons = [event["error"]["reason"] for event in events if "error" in event]
    assert reasons == ["unknown-label", "audio-channel"]


def test_a_scene_that_can_t_be_cast_is_3_and_no_server_4(capsys, scene, briefs, acting, tmp_path):
    code, events = here(
        capsys,
        "--brief",
        briefs / "010.json",
        "--out",
        tmp_path / "s",
        "--server",
        acting,
        "--blend",
        tmp_path / "no.blend",
    )
    assert (code, states(events)) == (3, ["failed"])
    gone = json.loads(acting.read_text()) | {"endpoint": "tcp://127.0.0.1:9", "pid": 0}
    file = tmp_path / "gone.json"
    file.write_text(json.dumps(gone))
    file.chmod(0o600)
    code, events = here(capsys, "--brief", briefs, "--out", tmp_path / "t", "--server", file, "--no-preview")
    assert code == 4
    assert [shot["state"] for shot in json.loads((tmp_path / "t" / "report.json").read_text())["shots"]] == [
        "failed",
        "left",
    ]


def test_voices_are_what_the_backend_s_own_decoder_reads(briefs):
    """But for the last bit: Blender's decoder takes full scale for 32767, libsndfile for 32768."""
    decode = pytest.importorskip("duologue.speech.decode")
    pytest.importorskip("soundfile")
    from duologue.brief import Brief

    brief = Brief.load(briefs / "010.json")
    ours, notes = addon_batch.read_voices(brief)
    a, b, said = decode.load_pair(brief)
    assert notes == said
    for sound, voice in zip(ours, (a, b), strict=True):
        assert sound.rate == voice.rate
        np.testing.assert_allclose(sound.samples, voice.samples, atol=2e-5)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_farm_s_sigterm_leaves_it_resumable(briefs, acting, tmp_path):
    write_brief(briefs / "020.json", seed=2, steps=50)
    out = tmp_path / "shots"
    package = ["--package", REPOSITORY / "backend" / "duologue"]
    asked = ["--brief", briefs, "--out", out, "--server", acting, "--no-preview"]
    process = subprocess.Popen(
        [sys.executable, REPOSITORY / "addon" / "headless.py", *package, *asked],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    until = time.monotonic() + 90
    while not (out / "020").is_dir() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 130, process.stderr.read()
    summary = json.loads((out / "report.json").read_text())
    assert [shot["state"] for shot in summary["shots"]] == ["done", "left"]
    assert not (out / "020" / "report.json").exists()
