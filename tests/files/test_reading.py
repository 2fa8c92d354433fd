"""What is no ordinary file is named as that wherever bytes are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from duologue.errors import DuologueError
from duologue.files.reading import read_bytes, read_head


def open_files() -> int:
    """How many this process has open; 0 where the system doesn't say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.mark.parametrize("read", [read_bytes, read_head])
def test_a_folder_is_no_file_and_leaves_nothing_open(read, tmp_path: Path) -> None:
    before = open_files()
    for _ in range(3):
        with pytest.raises(DuologueError) as caught:
            read(tmp_path, 10)
        assert caught.value.reason == "not-a-file"
    assert open_files() == before


def test_a_file_is_read_to_its_limit_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    assert read_head(tmp_path / "a", 2) == b"12"
    with pytest.raises(DuologueError) as caught:
        read_bytes(tmp_path / "a", 4)
    assert caught.value.reason == "file-too-large"
