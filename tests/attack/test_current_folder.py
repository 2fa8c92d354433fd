"""A ``zmq.py`` beside somebody's shot must not become a part of the server: nothing of the current folder is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from duologue.shots.blender import find_blender
from duologue.wire.local import LocalServer

NAMES = ("zmq", "ctypes", "numpy", "json", "duologue", "bpy", "pip", "sqlite3", "torch")


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shot's folder with modules in it that leave a trace when they are run; it is the current folder."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was_run')!r}, 'a').write('{name} ')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def traces(folder: Path) -> str:
    file = folder / "was_run"
    return file.read_text() if file.exists() else ""


def test_the_modules_do_leave_a_trace(shot: Path) -> None:
    subprocess.run([sys.executable, "-c", "import zmq"], check=True)
    assert traces(shot) == "zmq "


def test_a_server_and_its_worker_run_nothing_of_the_current_folder(shot: Path) -> None:
    with LocalServer.start(performance="duologue.service.bench:Metronome", device="cpu") as server:
        assert server.alive()
    assert traces(shot) == ""


@pytest.mark.parametrize("path", ["", os.pathsep, f"{os.pathsep}/nowhere{os.pathsep}"])
def test_an_empty_entry_of_pythonpath_is_not_the_current_folder(path: str, shot: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([path, os.environ.get("PYTHONPATH", "")]))
    with LocalServer.start(performance="duologue.service.bench:Metronome", device="cpu") as server:
        assert server.alive()
    assert traces(shot) == ""


def test_nor_does_the_installer(shot: Path) -> None:
    installer = Path(__file__).resolve().parents[2] / "backend"
    ended = subprocess.run([sys.executable, str(installer), "--help"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert traces(shot) == ""


def test_nor_a_blender_without_a_window(shot: Path) -> None:
    command = [*find_blender(), "--help"]
    subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert traces(shot) == ""
