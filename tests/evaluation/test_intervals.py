"""Figures and their bootstrap intervals, where statistics textbooks know the answer."""

import numpy as np
import pytest
from duologue.evaluation.intervals import difference, figure, figures


def test_a_share_has_the_interval_of_a_binomial() -> None:
    value = figure([(1.0, 1.0), (0.0, 1.0)] * 100)
    assert value.value == 0.5
    assert value.count == 200
    # Normal approximation: 0.5 ± 1.96 sqrt(0.25 / 200).
    assert value.low == pytest.approx(0.5 - 0.0693, abs=0.01)
    assert value.high == pytest.approx(0.5 + 0.0693, abs=0.01)


def test_sums_add_up_before_they_are_divided() -> None:
    assert figure([(1.0, 1.0), (0.0, 9.0)]).value == 0.1  # not the mean of 1 and 0
    assert figure([(6.0, 3.0, 1.0, 2.0), (0.0, 0.0, 0.0, 0.0)]).value == 4.0  # (6 / 3) / (1 / 2)


def test_what_was_never_counted_has_no_value_and_one_conversation_no_interval() -> None:
    assert figure([(0.0, 0.0), (0.0, 0.0)]).value is None
    alone = figure([(3.0, 4.0)])
    assert (alone.value, alone.low, alone.high) == (0.75, None, None)


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(10, 5, 30)  # conversations differ far more than systems do
    ours, theirs = ([(float(x), 1.0) for x in level + shift] for shift in (rng.normal(0.5, 0.1, 30), 0.0))
    assert figure(ours).low < figure(theirs).value  # apart, nothing can be said
    value = difference(ours, theirs)
    assert 0.4 < value.low < value.value < value.high < 0.6
    same = difference(theirs, theirs)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_same_sums_give_the_same_interval_again() -> None:
    rows = [{"closure": (float(k % 3), 3.0)} for k in range(10)]
    assert figures(rows) == figures(rows)
