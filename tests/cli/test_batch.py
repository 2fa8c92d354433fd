"""``duologue batch`` as a farm meets it: done shots are skipped, half-done ones made again, one that fails stops no other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.shots.shot import read_shots
from duologue.take import Take
from duologue.wire.local import LocalServer

soundfile = pytest.importorskip("soundfile")

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real server that acts out the example take, half a second a window, ``steps`` tenths of a second each."""
    path = os.pathsep.join([str(REPOSITORY / "tests" / "blender"), str(REPOSITORY / "backend")])
    with LocalServer.start(
        performance="performances:Acting", device="cpu", environment={"PYTHONPATH": path}
    ) as running:
        file = tmp_path_factory.mktemp("server") / "server.json"
        running.connection.save(file)
        yield file


@pytest.fixture
def briefs(tmp_path: Path) -> Path:
    """A folder with two briefs of one second and their voices."""
    folder = tmp_path / "briefs"
    folder.mkdir()
    seconds = np.arange(16000) / 16000
    for name, pitch in (("a", 120), ("b", 210)):
        soundfile.write(folder / f"{name}.wav", 0.2 * np.sin(2 * np.pi * pitch * seconds), 16000)
    for name, seed in (("010", 1), ("020", 2)):
        write_brief(folder / f"{name}.json", seed=seed)
    return folder


def write_brief(path: Path, **rest: object) -> None:
    speech = {"A": {"speech": "a.wav"}, "B": {"speech": "b.wav"}}
    path.write_text(json.dumps({"performers": speech, "steps": 1, **rest}))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "duologue", "batch", *map(str, arguments)]


def batch(*arguments: object) -> tuple[int, dict]:
    ended = subprocess.run(command(*arguments, "--json"), capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def states(summary: dict) -> list[str]:
    return [shot["state"] for shot in summary["shots"]]


def test_a_folder_of_briefs_becomes_shots_and_the_second_time_nothing_is_done(
    briefs: Path, server: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shots"
    code, summary = batch(briefs, "--out", out, "--server", server, "--no-scene")
    assert (code, states(summary)) == (0, ["done", "done"])
    assert summary == json.loads((out / "report.json").read_text())
    report = json.loads((out / "010" / "report.json").read_text())
    assert set(report["files"]) == {path.name for path in (out / "010").iterdir()}
    take = Take.load(out / "010" / "take.safetensors")
    assert take.digest() == report["take"]["digest"]
    assert take.provenance["seed"] == 1
    assert len(soundfile.read(out / "010" / "A.wav")[0]) == 16000

    code, summary = batch(briefs, "--out", out, "--server", server, "--no-scene")
    assert (code, states(summary)) == (0, ["skipped", "skipped"])


def test_what_was_asked_decides_not_the_name(briefs: Path, server: Path, tmp_path: Path) -> None:
    out = tmp_path / "shots"
    batch(briefs, "--out", out, "--server", server, "--no-scene")
    before = (out / "020" / "take.safetensors").stat().st_mtime_ns
    write_brief(briefs / "010.json", seed=5)  # another brief
    (out / "020" / "B.bvh").unlink()  # a file is gone, but the take is whole
    code, summary = batch(briefs, "--out", out, "--server", server, "--no-scene")
    assert (code, states(summary)) == (0, ["done", "done"])
    assert Take.load(out / "010" / "take.safetensors").provenance["seed"] == 5
    assert (out / "020" / "take.safetensors").stat().st_mtime_ns == before, "a whole take is kept"

    seconds = np.arange(16000) / 16000
    soundfile.write(briefs / "a.wav", 0.2 * np.sin(2 * np.pi * 150 * seconds), 16000)  # another voice in the same file
    assert states(batch(briefs, "--out", out, "--server", server, "--no-scene")[1]) == ["done", "done"]
    assert states(batch(briefs, "--out", out, "--server", server, "--no-scene", "--force")[1]) == ["done", "done"]


def test_a_failing_brief_stops_no_other_and_the_code_says_so(briefs: Path, server: Path, tmp_path: Path) -> None:
    out = tmp_path / "shots"
    write_brief(briefs / "005.json", relationship="frends")
    write_brief(briefs / "015.json", performers={"A": {"speech": "gone.wav"}, "B": {"speech": "b.wav"}})
    code, summary = batch(briefs, "--out", out, "--server", server, "--no-scene")
    assert states(summary) == ["failed", "done", "failed", "done"]
    assert [shot["error"]["reason"] for shot in summary["shots"] if "error" in shot] == [
        "unknown-label",
        "speech-not-found",
    ]
    assert code == summary["exit_code"] == 3
    (briefs / "015.json").unlink()
    assert batch(briefs, "--out", out, "--server", server, "--no-scene")[0] == 2
    (briefs / "005.json").unlink()
    assert batch(briefs, "--out", out, "--server", server, "--no-scene")[0] == 0


def test_without_a_server_it_halts_and_says_4(briefs: Path, server: Path, tmp_path: Path) -> None:
    gone = json.loads(server.read_text()) | {"endpoint": "tcp://127.0.0.1:9", "pid": 0}
    file = tmp_path / "gone.json"
    file.write_text(json.dumps(gone))
    file.chmod(0o600)
    code, summary = batch(briefs, "--out", tmp_path / "shots", "--server", file, "--no-scene")
    assert (code, states(summary)) == (4, ["failed", "left"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle_it_goes_on_from_there(
    briefs: Path, server: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "shots"
    write_brief(briefs / "020.json", seed=2, steps=50)  # five seconds a window
    process = subprocess.Popen(
        command(briefs, "--out", out, "--server", server, "--no-scene"),
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 60
    while not (out / "020").is_dir() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(30) == 130
    summary = json.loads((out / "report.json").read_text())
    assert (summary["exit_code"], states(summary)) == (130, ["done", "left"])
    assert not (out / "020" / "report.json").exists()

    write_brief(briefs / "020.json", seed=2)
    code, summary = batch(briefs, "--out", out, "--server", server, "--no-scene")
    assert (code, states(summary)) == (0, ["skipped", "done"])


def test_manifests_say_the_same_as_toml_and_as_csv(briefs: Path) -> None:
    (briefs / "shots.toml").write_text(
        'out = "made"\nblend = "set.blend"\narmature_a = "Anna"\n\n'
        '[[shots]]\nbrief = "010.json"\n\n[[shots]]\nbrief = "010.json"\nname = "010_b"\nseed = 7\narmature_b = "Ben"\n'
        "first_frame = 1001\n"
    )
    (briefs / "shots.csv").write_text(
        "brief,name,seed,blend,armature_a,armature_b,first_frame\n"
        "010.json,,,set.blend,Anna,,\n010.json,010_b,7,set.blend,Anna,Ben,1001\n"
    )
    toml = read_shots(briefs / "shots.toml")
    assert read_shots(briefs / "shots.csv", briefs / "made") == toml
    assert [shot.folder for shot in toml] == [briefs / "made" / "010", briefs / "made" / "010_b"]
    assert toml[1].armatures == ("Anna", "Ben")
    assert toml[1].load().seed == 7
    assert toml[0].load().seed == 1
    assert toml[0].blend == briefs / "set.blend"
    assert [shot.first_frame for shot in toml] == [None, 1001]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('out = "x"\n[[shots]]\nbrief = "010.json"\n[[shots]]\nbrief = "010.json"\n', "shot-twice"),
        ('[[shots]]\nbrief = "010.json"\n', "out-missing"),
        ('out = "x"\n[[shots]]\nbrief = "nobody.json"\n', "file-not-found"),
        ('out = "x"\n[[shots]]\nname = "010"\n', "brief-missing"),
        ('out = "x"\n[[shots]]\nbreif = "010.json"\n', "unknown-key"),
        ('out = "x"\n[[shots]]\nbrief = "010.json"\nseed = "seven"\n', "wrong-type"),
        ('out = "x"\nshots = 3\n', "wrong-type"),
    ],
)
def test_a_wrong_manifest_is_named(briefs: Path, text: str, reason: str) -> None:
    (briefs / "shots.toml").write_text(text)
    with pytest.raises(DuologueError) as caught:
        read_shots(briefs / "shots.toml")
    assert caught.value.reason == reason


def test_a_shot_gets_its_scene_from_blender(briefs: Path, server: Path, tmp_path: Path) -> None:
    if find_spec("bpy") is None:
        pytest.skip("this Python has no bpy")
    out = tmp_path / "shots"
    asked = (briefs / "010.json", "--out", out, "--server", server, "--no-preview", "--export", "fbx")
    code, summary = batch(*asked)
    assert (code, states(summary)) == (0, ["done"])
    assert {"scene.blend", "scene.fbx", "take.safetensors", "B.wav"} <= set(summary["shots"][0]["files"])
    assert (out / "010" / "scene.fbx").read_bytes().startswith(b"Kaydara FBX Binary")
    assert states(batch(*asked)[1]) == ["skipped"]


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    ended = subprocess.run(command(tmp_path, "--out", tmp_path / "out"), capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "(no-briefs)" in ended.stderr
