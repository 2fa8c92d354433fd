"""The corpus on disk: written pair by pair, read back through a memory map, and refused by name when it is not whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.datasets.corpus.body import ARRAYS, Corpus
from duologue.errors import DuologueError
from examples_data import some_pair


def test_pairs_come_back_as_they_were_written(tmp_path):
    pairs = [some_pair(frames, frames) for frames in (7, 12, 5)]
    Corpus.write(tmp_path, iter(pairs), {"recipe": "test"})

    corpus = Corpus.open(tmp_path)
    assert corpus.starts.tolist() == [0, 7, 19, 24]
    assert corpus.description == {"recipe": "test"}
    for name in ARRAYS:
        whole = np.concatenate([getattr(pair, name) for pair in pairs])
        np.testing.assert_array_equal(corpus.arrays[name], whole)
        # Byte for byte what NumPy itself writes: other readers need nothing of ours.
        np.save(tmp_path / "oracle.npy", whole)
        assert (tmp_path / f"{name}.npy").read_bytes() == (tmp_path / "oracle.npy").read_bytes()


def test_a_pair_with_other_columns_is_refused(tmp_path):
    other = some_pair(4)
    object.__setattr__(other, "mel", np.zeros((4, 2, 80), np.float32))
    with pytest.raises(ValueError, match="mel"):
        Corpus.write(tmp_path, [some_pair(4), other], {})


def test_a_crash_leaves_no_corpus_not_even_the_old_one_over_new_arrays(tmp_path):
    Corpus.write(tmp_path, [some_pair(4)], {})

    def crashing():
        yield some_pair(6)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Corpus.write(tmp_path, crashing(), {})
    with pytest.raises(DuologueError, match="holds no corpus") as caught:
        Corpus.open(tmp_path)
    assert caught.value.reason == "corpus-missing"


def test_no_pairs_are_no_corpus(tmp_path):
    with pytest.raises(DuologueError) as caught:
        Corpus.write(tmp_path, [], {})
    assert caught.value.reason == "corpus-empty"


def cut_short(folder: Path) -> None:
    np.save(folder / "mel.npy", np.load(folder / "mel.npy")[:-1])


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        lambda folder: (folder / "path.npy").write_bytes(b"\x93NUMPY"),
        lambda folder: (folder / "corpus.json").write_text("{"),
        lambda folder: (folder / "corpus.json").write_text(
            (folder / "corpus.json").read_text().replace("boss", "bass")
        ),
    ],
    ids=["an array too short", "an array cut off", "no JSON", "an unknown role"],
)
def test_a_damaged_corpus_says_so(tmp_path, damage):
    Corpus.write(tmp_path, [some_pair(9)], {})
    damage(tmp_path)
    with pytest.raises(DuologueError) as caught:
        Corpus.open(tmp_path)
    assert (caught.value.code, caught.value.reason) == ("DATA_LOSS", "corpus-damaged")


@pytest.mark.parametrize("missing", [["prominence"], ["mel", "text"]])
def test_a_corpus_of_an_earlier_version_says_which_arrays_it_lacks(tmp_path, missing):
    Corpus.write(tmp_path, [some_pair(9)], {})
    for name in missing:
        (tmp_path / f"{name}.npy").unlink()
    with pytest.raises(DuologueError, match=f"no {', '.join(f'{name}.npy' for name in missing)}: .* anew") as caught:
        Corpus.open(tmp_path)
    assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "corpus-outdated")


WRITE = """
import sys
from pathlib import Path
import examples_data
from duologue.datasets.corpus.body import Corpus
Corpus.write(Path(sys.argv[1]), (examples_data.some_pair(300, k) for k in range(int(sys.argv[2]))), {})
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""Prints the process's own peak resident memory in kB; ``getrusage`` would begin at the peak of whoever started it."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_writing_ten_times_the_pairs_takes_no_more_memory(tmp_path):
    def peak(pairs: int) -> int:
        return int(
            subprocess.run(
                [sys.executable, "-c", WRITE, str(tmp_path / str(pairs)), str(pairs)],
                cwd=Path(__file__).parent,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )

    few, many = peak(10), peak(100)  # 10 MB and 100 MB on disk
    assert (tmp_path / "100" / "features.npy").stat().st_size > 40e6
    assert many < 1.1 * few
