"""The list of shots, whoever speaks and moves when: tiled, none too short, movement seen whole, speakers seen speaking."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from duologue.staging.cut import SHORTEST, Shot, cut
from duologue.staging.turns import runs, widened
from hypothesis import given, settings
from hypothesis import strategies as st

spans = st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 400)), max_size=8)


def marked(lines, frames: int) -> np.ndarray:
    found = np.zeros((2, frames), bool)
    for line, stretches in zip(found, lines, strict=True):
        for start, length in stretches:
            line[start : start + length] = True
    return found


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 1500), st.tuples(spans, spans), st.tuples(spans, spans), st.booleans())
def test_every_list_of_shots_keeps_the_rules(frames, said, moved, over):
    speaking, moving = marked(said, frames), marked(moved, frames)
    shots = cut(speaking, moving, over)
    assert shots[0].start == 0
    assert shots[-1].stop == frames
    assert all(one.stop == other.start for one, other in pairwise(shots))
    assert all(shot.stop - shot.start >= min(SHORTEST, frames) for shot in shots)
    for shot in shots:
        if shot.size != "wide":
            assert not moving[:, shot.start : shot.stop].any() or frames < SHORTEST
        assert (shot.subject >= 0) == (shot.size in {"close", "over"})
        assert over or shot.size != "over"
    assert all((a.size, a.subject) != (b.size, b.subject) for a, b in pairwise(shots))


def dialogue(*turns: tuple[int, int, int], frames: int = 900) -> np.ndarray:
    speaking = np.zeros((2, frames), bool)
    for who, start, stop in turns:
        speaking[who, start:stop] = True
    return speaking


def seen(shots: list[Shot], frame: int) -> tuple[str, int]:
    return next((shot.size, shot.subject) for shot in shots if shot.start <= frame < shot.stop)


def test_it_opens_on_both_and_follows_who_speaks():
    speaking = dialogue((0, 0, 180), (1, 190, 340), (0, 350, 500), (1, 510, 690), (0, 700, 880))
    shots = cut(speaking, np.zeros_like(speaking))
    assert shots[0].size == "two"
    on_speaker = [
        seen(shots, frame)[1] == who for who in (0, 1) for frame in np.flatnonzero(speaking[who]) if frame >= 180
    ]
    assert np.mean(on_speaker) > 0.7
    assert {shot.size for shot in shots} >= {"two", "over", "close"}


def test_a_cut_comes_a_little_before_the_word():
    speaking = dialogue((0, 0, 180), (1, 200, 420), frames=420)
    start = next(shot.start for shot in cut(speaking, np.zeros_like(speaking)) if shot.subject == 1)
    assert 180 <= start <= 200


def test_the_listener_is_seen_in_a_long_speech():
    speaking = dialogue((0, 0, 900))
    shots = cut(speaking, np.zeros_like(speaking))
    assert any(shot.size == "close" and shot.subject == 1 for shot in shots)
    assert sum(shot.stop - shot.start for shot in shots if shot.subject == 0) > 400


def test_a_word_in_between_does_not_take_the_picture():
    speaking = dialogue((0, 0, 450), (1, 200, 212), frames=450)
    assert seen(cut(speaking, np.zeros_like(speaking)), 206) == seen(
        cut(dialogue((0, 0, 450), frames=450), np.zeros_like(speaking)), 206
    )


def test_both_at_once_are_seen_both():
    speaking = dialogue((0, 0, 500), (1, 250, 500), frames=500)
    shots = cut(speaking, np.zeros_like(speaking))
    assert seen(shots, 400)[0] == "two"


@pytest.mark.parametrize("frames", [1, 2, 30, SHORTEST - 1, SHORTEST, SHORTEST + 1, SHORTEST + 4])
def test_a_short_take_is_one_shot(frames):
    speaking = dialogue((0, 0, frames), frames=frames)
    (shot,) = cut(speaking, np.zeros_like(speaking))
    assert (shot.start, shot.stop) == (0, frames)


def test_nothing_becomes_no_shots():
    assert cut(np.zeros((2, 0), bool), np.zeros((2, 0), bool)) == []


def test_an_hour_is_cut_in_seconds():
    random = np.random.default_rng(2)
    speaking = np.repeat(random.random((2, 3600)) < 0.4, 30, axis=1)
    moving = np.stack([widened(np.repeat(random.random(3600) < 0.01, 30), 12)] * 2)
    shots = cut(speaking, moving)
    assert len(shots) > 300
    assert all(
        any(shot.size == "wide" and shot.start <= start and end <= shot.stop for shot in shots)
        for start, end in runs(moving[0])
    )
