"""Links that lead in a circle, in what is read and where is written: a named error soon, never a hang or a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.brief import Brief, Speech
from duologue.checkpoints import store
from duologue.datasets.checking import check
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.statistics.report import statistics
from duologue.diagnosis.files import examine_file
from duologue.errors import DuologueError
from duologue.evaluation.blind_set import BlindSet, write_set
from duologue.evaluation.compare import Shown, read_answers
from duologue.files.atomic import prepare_folder
from duologue.files.document import read_text
from duologue.files.reading import read_bytes, resolved
from duologue.motion.bvh import read_bvh
from duologue.packaging.extension import build_extension
from duologue.rigs.presets import RIG_FOLDER, library
from duologue.shots.shot import read_shots
from duologue.speech.decode import load_speech
from duologue.take import Take

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    """A folder whose links lead back to it, and to themselves."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "up").symlink_to(tmp_path)
    (folder / "self").symlink_to(".")
    for suffix in ("", ".toml", ".wav", ".flac", ".srt", ".csv", ".bvh", ".safetensors", ".blend"):
        (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    return folder


READERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda folder: read_bytes(folder / "loop", 9),
    "text": lambda folder: read_text(folder / "loop.csv"),
    "path": lambda folder: resolved(folder / "loop" / "x", "here"),
    "brief": lambda folder: Brief.load(folder / "loop.toml"),
    "take": lambda folder: Take.load(folder / "loop.safetensors"),
    "sound": lambda folder: load_speech(Speech(folder / "loop.wav")),
    "bvh": lambda folder: read_bvh(folder / "loop.bvh"),
    "face table": lambda folder: read_face_csv(folder / "loop.csv"),
    "briefs": read_shots,
    "blind set": lambda folder: write_set(BlindSet([folder / "loop", folder], "?"), folder / "x", None, print),
    "answers": lambda folder: read_answers(folder, [Shown("v1", "a", "x", "y")]),
}


@pytest.mark.parametrize("name", READERS)
def test_reading_says_that_links_lead_in_a_circle(loop: Path, name: str) -> None:
    with pytest.raises(DuologueError, match="links lead in a circle") as caught:
        READERS[name](loop)
    assert caught.value.reason in {"path-malformed", "bvh-file"}


WRITERS: dict[str, Callable[[Path], object]] = {
    "folder": prepare_folder,
    "extension": build_extension,
    "nested": lambda folder: prepare_folder(folder / "x"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_writing_says_so_too(loop: Path, name: str) -> None:
    with pytest.raises(DuologueError, match="links lead in a circle") as caught:
        WRITERS[name](loop / "loop")
    assert caught.value.reason == "not-writable"


def test_a_place_that_is_no_folder_is_told_from_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for name, why in (("file", "no folder"), ("nowhere", "link to nowhere")):
        with pytest.raises(DuologueError, match=why):
            prepare_folder(tmp_path / name)


def test_walkers_end_and_name_the_file(loop: Path) -> None:
    table = ["time,jawOpen", *(f"{k / 30},{k / 90}" for k in range(90))]
    (loop / "a.csv").write_text("\n".join(table))
    soundfile.write(loop / "a.wav", 0.1 * np.random.default_rng(1).normal(size=48000), 16000)
    soundfile.write(loop / "loop2.wav", np.zeros(9), 16000)
    (loop / "loop2.csv").symlink_to("loop2.csv")
    found = check(loop)
    assert found.layout == "face captures"
    assert {(problem.file, problem.reason) for problem in found.problems} >= {("loop2.csv", "path-malformed")}
    with pytest.raises(DuologueError, match="links lead in a circle"):
        statistics(loop)
    assert examine_file(loop).findings


def test_a_folder_of_presets_and_one_of_checkpoints(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (loop / RIG_FOLDER).mkdir()
    (loop / RIG_FOLDER / "mine.toml").symlink_to("mine.toml")
    assert "links lead in a circle" in library(loop).unreadable[0]
    monkeypatch.setattr(store, "user_folder", lambda: loop)
    assert store.list_checkpoints()
