"""A checkpoint's manifest names where it is copied to; no name may reach what is not replaced."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from duologue.checkpoints.store import import_checkpoint, user_folder
from duologue.cli import app
from duologue.errors import DuologueError
from typer.testing import CliRunner


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a checkpoint of theirs and, beside it, something that is none of ours."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (user_folder() / "body").mkdir(parents=True)
    (user_folder() / "body" / "model.safetensors").write_bytes(b"years of training")
    (user_folder().parent / "diary.txt").write_text("mine")
    return user_folder()


def checkpoint(folder: Path, name: str) -> Path:
    files = {"config.json": b'{"model": "body"}', "model.safetensors": b"\x02" + bytes(7) + b"{}"}
    folder.mkdir()
    for file, data in files.items():
        (folder / file).write_bytes(data)
    hashes = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "name": name, "sha256": hashes}))
    return folder


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../..", "body/..", "/tmp/x", "a\\b", ".hidden", "x" * 65, "a\0b", "naïve", "a b", "-rf"]
)
def test_a_name_that_is_no_plain_name_is_refused_and_nothing_is_gone(name: str, mine: Path, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "theirs", name)
    before = {path: path.read_bytes() for path in sorted(mine.parent.rglob("*")) if path.is_file()}
    with pytest.raises(DuologueError, match="name") as error:
        import_checkpoint(folder)
    assert error.value.reason == "checkpoint-name"
    assert {path: path.read_bytes() for path in sorted(mine.parent.rglob("*")) if path.is_file()} == before


def test_what_had_the_name_is_replaced_whole_and_nothing_else(mine: Path, tmp_path: Path) -> None:
    target = import_checkpoint(checkpoint(tmp_path / "theirs", "body"))
    assert target == mine / "body"
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "manifest.json", "model.safetensors"]
    assert sorted(path.name for path in mine.iterdir()) == ["body"]
    assert (mine.parent / "diary.txt").read_text() == "mine"


def test_a_damaged_one_leaves_the_old_one_as_it_was(mine: Path, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "theirs", "body")
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(DuologueError, match="sha256"):
        import_checkpoint(folder)
    assert (mine / "body" / "model.safetensors").read_bytes() == b"years of training"


def test_a_link_of_that_name_is_replaced_and_not_followed(mine: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (mine / "body").rename(elsewhere)
    (mine / "body").symlink_to(elsewhere)
    import_checkpoint(checkpoint(tmp_path / "theirs", "body"))
    assert not (mine / "body").is_symlink()
    assert (elsewhere / "model.safetensors").read_bytes() == b"years of training"


def test_the_command_says_so(mine: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["models", "import", str(checkpoint(tmp_path / "theirs", ".."))])
    assert isinstance(ran.exception, DuologueError)
    assert (mine / "body").is_dir()
