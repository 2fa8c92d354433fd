"""One writer a folder: others are kept out until it is done, or gone."""

import subprocess
import sys

import pytest
from duologue.errors import DuologueError
from duologue.files.lock import only_writer

WRITER = """
import sys
from pathlib import Path
from duologue.files.lock import only_writer

with only_writer(Path(sys.argv[1]), "folder-busy", "somebody writes there"):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_two_in_one_process_are_told_apart(tmp_path):
    with only_writer(tmp_path / "new", "folder-busy", "somebody writes there"):
        with (
            pytest.raises(DuologueError, match="somebody writes there") as caught,
            only_writer(tmp_path / "new", "folder-busy", "somebody writes there"),
        ):
            pass
        assert caught.value.reason == "folder-busy"
        with only_writer(tmp_path / "other", "folder-busy", "somebody writes there"):
            pass
    assert not list((tmp_path / "new").iterdir()), "nothing is left behind"
    with only_writer(tmp_path / "new", "folder-busy", "somebody writes there"):
        pass


def test_a_process_that_is_killed_keeps_nobody_out(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with pytest.raises(DuologueError), only_writer(tmp_path, "folder-busy", "somebody writes there"):
        pass
    other.kill()
    other.communicate()
    with only_writer(tmp_path, "folder-busy", "somebody writes there"):
        pass
    assert not list(tmp_path.iterdir())
