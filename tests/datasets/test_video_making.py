"""A data set of clips, made by several processes, killed, gone on with, damaged."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from duologue.datasets.corpus.video import VideoCorpus, shard_path
from duologue.datasets.synthesis.video.clips import make_clip
from duologue.datasets.synthesis.video.making import ClipSet, make
from duologue.datasets.synthesis.video.people import cast_of
from duologue.errors import DuologueError
from duologue.files.folders import rigs_folder
from duologue.people.person import Person, person_path

WANTED = ClipSet(clips=3, people=6, seed=1, shard=1)
CODE = """
import sys
from pathlib import Path
from duologue.datasets.synthesis.video.making import ClipSet, make
if __name__ == "__main__":
    make(Path(sys.argv[1]), ClipSet(clips=3, people=6, seed=1, shard=1), workers=2)
"""


def peopled(folder: Path) -> Path:
    """A folder whose people are there: Ada and Ben under other names, so that nobody has to be built."""
    for names in cast_of(WANTED.people).values():
        for k, name in enumerate(name for name in names if name.startswith("p")):
            path = person_path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(rigs_folder() / "characters" / f"{('ada', 'ben')[k % 2]}.safetensors", path)
    return folder


def shards(folder: Path) -> dict[int, bytes]:
    return {k: shard_path(folder, k).read_bytes() for k in range(WANTED.shards) if shard_path(folder, k).is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = peopled(tmp_path_factory.mktemp("whole"))
    told: list[tuple[str, float, float]] = []
    make(folder, WANTED, 1, lambda *now: told.append(now))
    assert told[-1] == ("clips", 3, 3)
    return folder


def test_clips_are_what_they_are_alone(whole: Path) -> None:
    corpus = VideoCorpus.open(whole)
    assert corpus.numbers("train") == (0, 1, 2)
    alone = make_clip(2, WANTED.seed, cast_of(WANTED.people), lambda name: Person.load(whole, name, WANTED.seed))
    read = corpus.load(2)
    assert read.about == alone.about
    assert read.arrays.keys() == alone.arrays.keys()
    for name, array in alone.arrays.items():
        np.testing.assert_array_equal(read.arrays[name], array)


def test_killed_and_gone_on_with_it_comes_to_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    folder = peopled(tmp_path / "set")
    process = subprocess.Popen([sys.executable, "-c", CODE, str(folder)], start_new_session=True)
    while process.poll() is None and not (shards(folder) or any((folder / "making").glob("*/done"))):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    rest = folder / "shards" / ".0001.half.npz"  # as a process leaves it that is killed while it writes
    rest.write_bytes(b"half")
    make(folder, WANTED, 2)
    assert shards(folder) == shards(whole)
    assert not rest.exists()
    assert not (folder / "making").exists()


def test_a_damaged_shard_is_named_and_nothing_is_made(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(whole, folder)
    path = shard_path(folder, 1)
    path.write_bytes(path.read_bytes()[:-5000])
    shard_path(folder, 2).unlink()
    with pytest.raises(DuologueError) as caught:
        make(folder, WANTED, 1)
    assert caught.value.reason == "clips-damaged"
    assert str(path) in caught.value.message
    assert not shard_path(folder, 2).exists()


def test_another_set_is_not_mixed_in(whole: Path) -> None:
    before = shards(whole)
    for other in (ClipSet(3, 6, 2, 1), ClipSet(4, 6, 1, 1), ClipSet(3, 7, 1, 1)):
        with pytest.raises(DuologueError) as caught:
            make(whole, other, 1)
        assert caught.value.reason == "clips-differ"
    assert shards(whole) == before
