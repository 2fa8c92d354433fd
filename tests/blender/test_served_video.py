# SPDX-License-Identifier: GPL-3.0-or-later
"""A video whose pictures a server makes: drafts and final ones, parts again, stopped and gone on with; and without a window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import groupby

import bpy
import numpy as np
import pytest
from conftest import HERE, MODULE, REPOSITORY
from duologue.passes.contract import PARTS
from duologue.passes.pictures import REGIONS
from duologue.wire.local import LocalServer
from pressing import module, press
from videos import kept, pictures, read, strips

HEADLESS = [
    sys.executable,
    REPOSITORY / "addon" / "headless.py",
    "--package",
    REPOSITORY / "backend" / "duologue",
    "video",
]
UNTRAINED = """
import sys
from pathlib import Path
import torch
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
model = VideoModel.untrained(VideoConfig.named("tiny"))
generator = torch.Generator().manual_seed(0)
for parameter in model.denoiser.parameters():
    parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
print(model.save(Path(sys.argv[1]), "video", {"steps": 0}).folder)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server with our network as it begins, its zeros filled: what it shows is noise, and its own."""
    python = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
    path = os.pathsep.join([str(HERE), str(REPOSITORY / "backend")])
    environment = {**os.environ, "PYTHONPATH": path}
    said = subprocess.run(
        [python, "-c", UNTRAINED, str(tmp_path_factory.mktemp("weights"))],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if said.returncode:
        pytest.skip(f"no network could be made: {said.stderr[-300:]}")
    weights = ("--weights", f"tiny={said.stdout.strip().splitlines()[-1]}")
    with LocalServer.start(
        performance="performances:Acting",
        device="cpu",
        python=python,
        arguments=weights,
        environment={"PYTHONPATH": path},
    ) as running:
        file = tmp_path_factory.mktemp("connection") / "server.json"
        running.connection.save(file)
        yield file


@pytest.fixture
def served(asked, server):
    """The same is asked of a server, by our network."""
    chosen = bpy.context.preferences.addons[MODULE].preferences
    chosen.where, chosen.file = "FILE", str(server)
    asked.backend, asked.seed, asked.steps = "tiny", 5, 2
    yield asked
    module("session.session").session.close()


def test_a_server_s_draft_comes_first_and_the_final_pictures_over_it(served, scene, tmp_path, monkeypatch):
    served.preset = "FINAL"
    labels = []
    folder = module("footage.folder").VideoFolder
    write = folder.write
    monkeypatch.setattr(
        folder, "write", lambda self, window: (labels.append((window.label, window.stop)), write(self, window))
    )
    assert press("make_video") == {"FINISHED"}
    assert [label for label, _ in groupby(labels, key=lambda one: one[0])] == ["draft", "final"]
    assert labels[-1] == ("final", 5)
    root = tmp_path / "video"
    about = kept(strips(scene)[0])
    assert (about["made"]["backend"], about["made"]["steps"], about["complete"]) == ("tiny", 2, True)
    assert about["made"]["weights"]
    final = pictures(root / "frames")
    assert press("again_video") == {"FINISHED"}
    np.testing.assert_array_equal(pictures(root / "frames"), final)
    assert module("footage.videos").videos.message == "Made again: the same, bit for bit"
    served.seed = 6
    assert press("region_again", region="face") == {"FINISHED"}
    part, after = read(root, "part"), pictures(root / "frames")
    faces = np.isin(part % len(PARTS), REGIONS["face"]) & (part >= len(PARTS))
    np.testing.assert_array_equal(after[~faces], final[~faces])
    assert (after[faces] != final[faces]).any()


def test_what_the_server_has_no_weights_for_is_told_before_any_work(served, scene, tmp_path):
    served.backend = "wan-vace"
    with pytest.raises(RuntimeError, match="no weights for wan-vace"):
        press("make_video")
    assert not (tmp_path / "video").exists()
    with pytest.raises(RuntimeError, match="no weights for wan-vace"):  # by now the button is grey, too
        press("make_video")
    assert "no weights for wan-vace" in module("footage.asked").not_offered("wan-vace")
    assert module("footage.asked").not_offered("carried") == ""


def stopped_at(monkeypatch, frame: int) -> None:
    """Press Stop as soon as a picture of the final ones is there."""
    folder, videos = module("footage.folder").VideoFolder, module("footage.videos").videos
    write = folder.write

    def write_and_stop(self, window) -> None:
        write(self, window)
        if window.label == "final" and window.stop >= frame:
            videos.stop()

    monkeypatch.setattr(folder, "write", write_and_stop)


def test_a_served_video_that_was_stopped_goes_on_at_its_chunk(served, scene, tmp_path, monkeypatch):
    served.frames, served.step, served.preset, served.steps = 53, 1, "FINAL", 12
    assert press("make_video") == {"FINISHED"}
    whole = pictures(tmp_path / "video" / "frames", 53)
    served.replace = True
    with monkeypatch.context() as until:
        stopped_at(until, 16)
        press("make_video")
    videos = module("footage.videos").videos
    about = kept(strips(scene)[0])
    assert videos.state == "STOPPED"
    assert 16 <= about["done"] < 53, "the server stopped, and what it had made came"
    assert f"{about['done']} of 53 pictures are new" in videos.message, "the others are the draft"
    assert not about["complete"]
    came = []
    client = module("session.session").session.connected()
    submit = client.submit_render
    monkeypatch.setattr(
        client, "submit_render", lambda *args, **more: came.append(more["since"]) or submit(*args, **more)
    )
    by_others = videos.folder / "video.json"
    about["made"]["weights"]["video"] = "0" * 64
    honest = by_others.read_text()
    by_others.write_text(json.dumps(about))
    with pytest.raises(RuntimeError, match="made by other weights"):
        press("resume_video")
    by_others.write_text(honest)
    came.clear()
    assert press("resume_video") == {"FINISHED"}
    (start,) = [left.start for left in came]
    assert start % 16 == 1, "windows of 17 frames, of which the first is known"
    assert 17 <= start <= max(17, about["done"]), (
        "a quick server is a window further by the time that it hears of the stop"
    )
    np.testing.assert_array_equal(pictures(tmp_path / "video" / "frames", 53), whole)
    assert kept(strips(scene)[0])["complete"]
    assert not (tmp_path / "video" / ".left.safetensors").exists()


def test_a_stop_while_connecting_leaves_nothing(served, tmp_path):
    videos = module("footage.videos").videos
    assert press("make_video") == {"FINISHED"}
    folder = module("footage.folder").VideoFolder(tmp_path / "video")
    folder.begin_again(folder.settings)
    videos.start(bpy.context.scene, folder, module("session.servers").target())
    videos.stop()
    assert (videos.state, videos.message) == ("STOPPED", "Stopped before it began")
    assert not videos.pump()


def headless(*arguments: object) -> tuple[int, list[dict]]:
    """Run addon/headless.py in a process of its own; return its exit code and events."""
    run = subprocess.run(
        [*HEADLESS, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300, env=dict(os.environ),
    )  # fmt: skip
    events = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"duologue"')]
    assert events, run.stdout + run.stderr
    return run.returncode, events


def test_without_a_window_it_is_what_the_button_makes(served, server, scene, tmp_path):
    """A touch of the list by its number, everything else as the file has it; what can't be is said."""
    scene.frame_set(4)
    press("add_touch", pattern="poke-nose")
    scene.duologue.interactions[0].last, scene.frame_start, scene.frame_end = 10, 1, 14
    served.range, served.step = "TOUCH", 3
    assert press("make_video") == {"FINISHED"}
    there = pictures(tmp_path / "video" / "frames")
    blend = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), copy=True)
    out, saved = tmp_path / "headless", tmp_path / "with_strip.blend"
    code, events = headless(blend, "--touch", 1, "--out", out, "--server", server, "--save", saved)
    assert (code, events[-1]) == (0, {"duologue": "done", "files": ["frames", "passes", "video.json"]}), events
    assert next(event["stage"] for event in events if event["duologue"] == "progress") == "passes"
    np.testing.assert_array_equal(pictures(out / "frames"), there)
    with bpy.data.libraries.load(str(saved)) as (inside, _):
        assert inside.scenes == [scene.name]
    assert headless(blend, "--out", out, "--go-on")[1][-1]["duologue"] == "done", "nothing is missing"
    for more, reason in (
        (("--touch", 2), "touch-missing"),
        (("--touch", 1), "pictures-there"),
        (("--camera", "Nobody"), "camera-not-found"),
        (("--backend", "dall-e"), "unknown-label"),
        (("--size", "8"), "size-unsupported"),
    ):
        code, events = headless(blend, "--out", out, *more)
        assert (code > 0, events[-1]["reason"]) == (True, reason), events
    command = module("headless").main  # what `blender --command duologue` calls: the server is the preferences'
    assert command(["video", str(blend), "--touch", "1", "--out", str(tmp_path / "inside"), "--seed", "5"]) == 0
    np.testing.assert_array_equal(pictures(tmp_path / "inside" / "frames"), there)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_without_a_window_a_stop_is_gone_on_with(served, server, scene, tmp_path):
    served.frames, served.step, served.steps = 53, 1, 50
    blend, out = tmp_path / "shot.blend", tmp_path / "headless"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), copy=True)
    asked_for = [blend, "--out", out, "--server", server, "--go-on"]
    process = subprocess.Popen(
        [*HEADLESS, *asked_for], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if (
            line.startswith('{"duologue"')
            and json.loads(line).get("stage") == "draft"
            and json.loads(line)["done"] >= 17
        ):
            process.terminate()
            break
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 130, said + wrong
    assert json.loads(said.splitlines()[-1])["reason"] == "cancelled"
    kept_now = json.loads((out / "video.json").read_text())
    assert 17 <= kept_now["done"] < 53
    code, events = headless(*asked_for)
    assert code == 0, events
    assert press("make_video") == {"FINISHED"}
    np.testing.assert_array_equal(pictures(out / "frames", 53), pictures(tmp_path / "video" / "frames", 53))
