"""Thumb and finger close on a place without passing each other, and the hand behind them is one that an arm can hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from duologue.evaluation.contact.report import Asked, judge
from duologue.interactions.contact import Contact, Where
from duologue.interactions.hand import Hand
from duologue.interactions.patterns import patterns

PINCHES = [name for name, pattern in patterns().items() if pattern.family == "pinch"]


@pytest.mark.parametrize("pattern", PINCHES)
@pytest.mark.parametrize("name", ["ada", "ben"])
def test_a_pinch_closes_one_way(characters, name: str, pattern: str) -> None:
    character = characters[name]
    for side in ("Left", "Right"):
        landmark_side = "Left" if patterns()[pattern].landmark in {"cheek", "ear"} else ""
        contact = Contact(character, Hand(character, side), patterns()[pattern], Where(landmark_side, 1.0, (0.0, 0.0)))
        assert contact.grips is not None
        thumb, finger = contact.grips
        way = finger - thumb
        apart = np.linalg.norm(way, axis=-1)
        assert (np.diff(apart) < 0).all()
        assert apart[0] > 0.05
        assert apart[-1] < 0.03
        assert (way @ way[0] > 0.5 * apart * apart[0]).all()


@pytest.mark.parametrize(
    ("pattern", "target", "who"), [("pinch-nose", "partner", 1), ("pinch-chin", "own", 0), ("pinch-ear", "own", 1)]
)
def test_the_wrist_of_a_pinch_is_not_folded_over(characters, pattern: str, target: str, who: int) -> None:
    cast = (characters["ada"], characters["ben"])
    judged = judge(Asked(pattern, target, cast[::-1] if who else cast), 10, None)
    assert judged.body is not None
    assert judged.figures is not None
    assert judged.body.wrist_degrees < 80  # flexion 80, extension 70 (AAOS); it was 139, and 89 at the own ear
    assert judged.figures.deepest_mm < 5
    assert judged.figures.contact_f > 0.8, "the middle bone of the finger touched as well: 0.73 to 0.79"


@pytest.mark.parametrize("name", ["ada", "ben"])
def test_a_thumb_that_rests_far_aside_is_laid_where_it_meets_the_finger(characters, name: str) -> None:
    """Rocketbox's thumbs stayed 28 mm off the finger however far both were bent, and pinches had F 0.13 to 0.49."""
    for side in ("Left", "Right"):
        pattern = replace(patterns()["pinch-nose"], shape="pinch-wide")
        contact = Contact(characters[name], Hand(characters[name], side), pattern, Where("", 1.0, (0.0, 0.0)))
        assert contact.grips is not None
        apart = np.linalg.norm(contact.grips[1] - contact.grips[0], axis=-1)
        assert (np.diff(apart) < 0).all()
        assert apart[0] > 0.05
        assert apart[-1] < 0.024
