"""Videos without a word: no name tells, the same seed gives the same order, and answers are counted as a person would."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.evaluation.video.naming import ANSWERS, ASKED, count, named, read_key, write_set
from duologue.passes import png

pytest.importorskip("av")
EXAMPLES = {
    pattern: np.full((5, 32, 32, 3), 10 * number, np.uint8) for number, pattern in enumerate(ASKED[:4])
}  # one grey each


def test_a_set_tells_nothing_and_its_key_all(tmp_path: Path) -> None:
    assert len(ASKED) == 18
    orders = []
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        key = tmp_path / f"{name}-key.json"
        assert write_set(EXAMPLES, tmp_path / name, key, seed, "render") == 4
        orders.append(list(read_key(key).values()))
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(EXAMPLES)
    folder = tmp_path / "one"
    numbers = ["01", "02", "03", "04"]
    assert sorted(path.stem for path in folder.glob("*.mp4")) == numbers
    assert not any(pattern.encode() in path.read_bytes() for path in folder.iterdir() for pattern in EXAMPLES)
    for number, pattern in read_key(tmp_path / "one-key.json").items():
        assert (png.read(folder / f"{number}.png")[:64, :64] == EXAMPLES[pattern][0, 0, 0]).all()
    with pytest.raises(DuologueError) as error:
        write_set(EXAMPLES, folder, tmp_path / "key.json", 0, "render")
    assert error.value.reason == "folder-not-empty"


def test_answers_are_counted(tmp_path: Path) -> None:
    key = {"01": "poke-cheek", "02": "swipe-lips", "03": "stroke-ear", "04": "pinch-nose"}
    path = tmp_path / ANSWERS
    path.write_text("video,answer\n01,\n02,\n")
    with pytest.raises(DuologueError) as error:
        count(path, key)
    assert error.value.reason == "answers-missing"
    rows = [("01", "She pokes his cheek."), ("02", "wipes over the other's mouth"), ("03", "strokes the cheek")]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("video", "answer"), *rows])
    found = count(path, key)
    assert (found["share"]["count"], found["share"]["of"]) == (2, 4)
    assert found["videos"]["03"] == {"pattern": "stroke-ear", "answer": "strokes the cheek", "named": False}
    path.write_text("video,answer\n07,pokes\n")
    with pytest.raises(DuologueError, match="line 2") as error:
        count(path, key)
    assert error.value.reason == "answer-unknown"
    (tmp_path / "key.json").write_text(json.dumps({"videos": 3}))
    with pytest.raises(DuologueError) as error:
        read_key(tmp_path / "key.json")
    assert error.value.reason == "key-damaged"


@pytest.mark.parametrize("pattern", ASKED)
def test_its_own_words_name_a_pattern_and_no_other(pattern: str) -> None:
    answer = f"a finger {pattern.replace('-', ' at the ')} of the other one"
    assert [other for other in ASKED if named(answer, other)] == [pattern]
