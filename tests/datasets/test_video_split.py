"""Who and what comes into which clip: nobody is in two splits, and every pattern is there as often as any other."""

from collections import Counter

import pytest
from duologue.datasets.corpus.video import PATTERNS, SPLITS
from duologue.datasets.synthesis.video.clips import pattern_of, people_of, split_of
from duologue.datasets.synthesis.video.making import ClipSet, index_of
from duologue.datasets.synthesis.video.people import cast_of
from duologue.errors import DuologueError


@pytest.mark.parametrize("people", [6, 11, 40])
def test_nobody_is_in_two_splits(people: int) -> None:
    cast = cast_of(people)
    everybody = [name for split in SPLITS for name in cast[split]]
    assert len(everybody) == len(set(everybody)) == people + 2
    assert {"ada", "ben"} <= set(cast["test"])
    played: dict[str, set[str]] = {split: set() for split in SPLITS}
    for number in range(2000):
        a, b = people_of(number, 3, cast)
        assert a != b
        played[split_of(number)] |= {a, b}
    for split in SPLITS:
        assert played[split] == set(cast[split])  # and everybody plays


def test_forty_people_are_divided_as_promised() -> None:
    assert [len(cast_of(40)[split]) for split in SPLITS] == [32, 4, 6]
    with pytest.raises(DuologueError):
        cast_of(5)


def test_patterns_are_equally_many_and_a_fifth_is_without_contact() -> None:
    for split, total in (("train", 1800), ("validation", 100), ("test", 100)):
        counts = Counter(pattern_of(number) for number in range(2000) if split_of(number) == split)
        assert set(counts) == set(PATTERNS)
        assert counts.pop("none") == total // 5
        assert set(counts.values()) == {total * 4 // 5 // 20}


def test_the_index_names_every_clip_once() -> None:
    splits = index_of(ClipSet(clips=130, people=8))["splits"]
    numbers = [number for split in SPLITS for number in splits[split]]
    assert sorted(numbers) == list(range(130))
    with pytest.raises(DuologueError):
        ClipSet(clips=0)
