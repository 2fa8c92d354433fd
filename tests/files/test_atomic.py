"""Files are written whole or not at all, and a folder that refuses is named."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.files.atomic import replacing, write_error, write_text


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "report.json", "old")

    def interrupted() -> None:
        with replacing(tmp_path / "report.json") as temporary:
            temporary.write_text("half")
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError):
        interrupted()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_the_temporary_file_lies_beside_with_the_same_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "A.wav") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".wav")
        assert not (tmp_path / "A.wav").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        (errno.ENOSPC, "RESOURCE_EXHAUSTED", "disk-full"),
        (errno.EDQUOT, "RESOURCE_EXHAUSTED", "disk-full"),
        (errno.EACCES, "PERMISSION_DENIED", "not-writable"),
        (errno.EROFS, "PERMISSION_DENIED", "not-writable"),
        (errno.ENOENT, "NOT_FOUND", "folder-not-found"),
        (errno.ENOTDIR, "NOT_FOUND", "folder-not-found"),
    ],
)
def test_what_the_system_refuses_has_a_name(number: int, code: str, reason: str) -> None:
    error = write_error(Path("shots") / "take.safetensors", OSError(number, os.strerror(number)))
    assert (error.code, error.reason) == (code, reason)
    assert "shots" in str(error)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "take").mkdir()
    with pytest.raises(DuologueError) as caught:
        write_text(tmp_path / "take", "x")
    assert caught.value.reason == "not-writable"
