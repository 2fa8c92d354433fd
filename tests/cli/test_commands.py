"""The command line as a script meets it: exit codes, named errors before any work, JSON where it is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile


def duologue(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "duologue", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "200", **environment},
        check=False,
    )


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A folder with two seconds of a humming A and B, and a brief that names them."""
    time = np.arange(2 * 16000) / 16000
    for name, pitch in (("a", 120), ("b", 210)):
        hum = 0.2 * np.sin(2 * np.pi * pitch * time) * (1 + np.sin(2 * np.pi * 3 * time))
        soundfile.write(tmp_path / f"{name}.wav", hum, 16000)
    brief = {"performers": {"A": {"speech": "a.wav"}, "B": {"speech": "b.wav"}}}
    (tmp_path / "brief.json").write_text(json.dumps(brief))
    return tmp_path


def test_a_mistyped_label_names_the_nearest_and_exits_with_2(voices: Path) -> None:
    brief = json.loads((voices / "brief.json").read_text())
    brief["performers"]["A"]["emotion"] = "happy anger"
    (voices / "brief.json").write_text(json.dumps(brief))
    ended = duologue("perform", str(voices / "brief.json"), "--out", str(voices / "out"))
    assert ended.returncode == 2
    assert "(unknown-label)" in ended.stderr
    assert "'anger'" in ended.stderr
    assert "performers.A.emotion" in ended.stderr
    assert not (voices / "out").exists()


def test_a_missing_brief_exits_with_3(tmp_path: Path) -> None:
    ended = duologue("perform", str(tmp_path / "nothing.toml"))
    assert ended.returncode == 3
    assert "nothing.toml" in ended.stderr


def test_silence_is_told_before_anything_is_written(voices: Path) -> None:
    for name in ("a.wav", "b.wav"):
        soundfile.write(voices / name, np.zeros(32000), 16000)
    ended = duologue("perform", str(voices / "brief.json"), "--out", str(voices / "out"), "--no-preview")
    assert ended.returncode == 2
    assert "(audio-silent)" in ended.stderr
    assert not list((voices / "out").glob("*"))


def test_a_part_is_made_again_by_the_server_that_is_named_or_by_one_of_its_own(voices: Path) -> None:
    from duologue.take import Take
    from duologue.wire.local import LocalServer

    brief, first, second = str(voices / "brief.json"), voices / "first", voices / "second"
    plain = ("--no-preview", "--out")
    with LocalServer.start(device="cpu", arguments=["--state", str(voices / "state")]) as server:
        connection = voices / "server.json"
        server.connection.save(connection)
        assert duologue("perform", brief, "--server", str(connection), *plain, str(first)).returncode == 0
        part = ("remake", str(first / "take.safetensors"), brief, "--from", "1", "--only", "B")
        ended = duologue(*part, "--server", str(connection), "--json", *plain, str(second))
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    old, new = Take.load(first / "take.safetensors"), Take.load(second / "take.safetensors")
    assert report["take"]["provenance"]["kept"] == old.digest()
    assert report["take"]["provenance"]["remade"]["performers"] == ["B"]
    assert report["take"]["provenance"]["seed"] == 1
    assert new.tracks[0].rotations.tobytes() == old.tracks[0].rotations.tobytes()
    assert np.abs(new.tracks[1].rotations - old.tracks[1].rotations).max() > 0.05
    assert duologue(*part, *plain, str(voices / "third")).returncode == 0
    assert Take.load(voices / "third" / "take.safetensors").digest() == new.digest()


def test_a_part_that_can_not_be_made_again_is_told_before_a_server_is_asked(voices: Path) -> None:
    from duologue.motion.skeleton import Skeleton
    from duologue.take import Take, Track

    skeleton, brief = Skeleton.builtin("duologue60"), str(voices / "brief.json")
    track = Track(np.zeros((30, 3)), np.zeros((30, 60, 3)), np.zeros((30, 52)), np.ones(30, bool), np.zeros(30))
    (voices / "old").mkdir()
    old = voices / "old" / "take.safetensors"
    Take(skeleton, (track, track)).save(old)
    nowhere = ("--server", str(voices / "no-server.json"), "--no-preview", "--out")
    for arguments, says in (
        ((str(voices / "out"),), "(take-length)"),  # a second of take, two of speech
        ((str(voices / "out"), "--from", "2", "--to", "1"), "(span-empty)"),
        ((str(voices / "out"), "--only", "hands"), "(unknown-label)"),
        ((str(voices / "old"),), "(out-is-the-take)"),
    ):
        ended = duologue("remake", str(old), brief, *nowhere, *arguments)
        assert (ended.returncode, says in ended.stderr) == (2, True), ended.stderr
    old.write_bytes(old.read_bytes()[:-9])
    assert "(tensors-malformed)" in duologue("remake", str(old), brief, *nowhere, str(voices / "out")).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no folder that its owner can't write to")
def test_a_folder_that_cannot_be_written_is_told_first(voices: Path) -> None:
    (voices / "taken").write_text("a file where the folder should be")
    ended = duologue("perform", str(voices / "brief.json"), "--out", str(voices / "taken"))
    assert ended.returncode == 3
    assert "(not-writable)" in ended.stderr


def test_an_unknown_engine_is_told_before_performing(voices: Path) -> None:
    ended = duologue("perform", str(voices / "brief.json"), "--out", str(voices / "out"), "--engine", "workbrench")
    assert ended.returncode == 2
    assert "workbench" in ended.stderr
    assert not list((voices / "out").glob("*"))


def test_an_option_nobody_knows_exits_with_2() -> None:
    ended = duologue("demo", "--colour", "blue")
    assert ended.returncode == 2
    assert "--colour" in ended.stderr


def test_one_voice_alone_is_refused(voices: Path) -> None:
    ended = duologue("demo", "--a", str(voices / "a.wav"))
    assert ended.returncode == 2
    assert "(voice-missing)" in ended.stderr


def test_models_lists_verifies_and_imports(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from duologue.checkpoints.store import MODEL, write_checkpoint

    made = write_checkpoint(tmp_path / "made", "tiny", {"model": "body"}, {"weight": torch.ones(2)})
    home = {"XDG_DATA_HOME": str(tmp_path / "data"), "LOCALAPPDATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
    assert duologue("models", "import", str(made.folder), **home).returncode == 0
    listed = json.loads(duologue("models", "list", "--json", **home).stdout)
    assert [row["sha256"] for row in listed if row["name"] == "tiny"] == [made.sha256]
    assert all(row["ok"] for row in listed), listed

    damaged = next(Path(row["folder"]) for row in listed if row["name"] == "tiny") / MODEL
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    ended = duologue("models", "verify", "tiny", **home)
    assert ended.returncode == 3
    assert "(checkpoint-hash)" in ended.stderr


def test_doctor_finds_this_machine_fit_and_says_so_in_json() -> None:
    ended = duologue("doctor", "--json")
    report = json.loads(ended.stdout)
    state = {finding["subject"]: finding["state"] for finding in report["findings"]}
    assert state["wire"] == "ok"
    assert state["body checkpoint"] == state["face checkpoint"] == "ok"
    assert all(finding["mend"] for finding in report["findings"] if finding["state"] == "fail")
    assert ended.returncode == (3 if "fail" in state.values() else 0)


def test_doctor_exits_with_3_when_a_checkpoint_is_broken(tmp_path: Path) -> None:
    broken = tmp_path / "duologue" / "checkpoints" / "body"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{}")
    ended = duologue("doctor", XDG_DATA_HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path), HOME=str(tmp_path))
    assert "fail body checkpoint" in ended.stdout
    assert ended.returncode == 3
