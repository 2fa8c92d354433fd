"""Filters along a stream: against scipy's Savitzky-Golay, and the same in pieces as in one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from duologue.motion.smoothing import Envelope, Smoother
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation


def _in_pieces(positions: np.ndarray, rotations: np.ndarray, cuts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    smoother = Smoother()
    edges = pairwise([0, *sorted(cuts), len(positions)])
    parts = [smoother.push(positions[a:b], rotations[a:b]) for a, b in edges]
    parts.append(smoother.push(positions[:0], rotations[:0], last=True))
    return np.concatenate([p for p, _ in parts]), np.concatenate([r for _, r in parts])


def test_positions_agree_with_scipy_and_ends_pass() -> None:
    rng = np.random.default_rng(0)
    positions, rotations = rng.normal(size=(40, 2, 3)), np.zeros((40, 2, 1, 3))
    out, _ = _in_pieces(positions, rotations, [])
    np.testing.assert_allclose(out[2:-2], savgol_filter(positions, 5, 2, axis=0)[2:-2], atol=1e-12)
    np.testing.assert_array_equal(out[[0, 1, -2, -1]], positions[[0, 1, -2, -1]])


@settings(max_examples=30)
@given(st.integers(0, 24), st.lists(st.integers(0, 24), max_size=6))
def test_pieces_of_any_length_give_the_same_bits(frames: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(frames)
    positions, rotations = rng.normal(size=(frames, 2, 3)), rng.normal(size=(frames, 2, 4, 3))
    whole = _in_pieces(positions, rotations, [])
    pieces = _in_pieces(positions, rotations, [min(cut, frames) for cut in cuts])
    np.testing.assert_array_equal(pieces[0], whole[0])
    np.testing.assert_array_equal(pieces[1], whole[1])
    assert len(whole[0]) == frames


def test_strokes_keep_their_height_and_jitter_goes() -> None:
    t = np.arange(90) / 30
    stroke = np.exp(-(((t - 1.5) / 0.15) ** 2))  # an arm's stroke: up and down in some 0.4 s
    rng = np.random.default_rng(1)
    noise = rng.normal(scale=0.02, size=90)
    turns = np.zeros((90, 1, 1, 3))
    turns[:, 0, 0, 2] = 1.2 * stroke
    clean = _in_pieces(np.zeros((90, 1, 3)), turns, [])[1][:, 0, 0, 2]
    assert clean.max() > 0.99 * 1.2
    turns[:, 0, 0, 2] += noise
    noisy = _in_pieces(np.zeros((90, 1, 3)), turns, [])[1][:, 0, 0, 2]
    assert np.diff(noisy - clean, 2).std() < 0.5 * np.diff(noise, 2).std()


def test_rotations_across_the_half_turn_are_averaged_as_rotations() -> None:
    """A steady turn through 180 degrees is already smooth, whichever sign its exponential maps have."""
    turn = Rotation.from_rotvec(np.linspace(2.5, 3.8, 30)[:, None] * [0, 1, 0])
    wrapped = turn.as_rotvec()
    out = _in_pieces(np.zeros((30, 1, 3)), wrapped[:, None, None], [7, 15])[1][:, 0, 0]
    assert (Rotation.from_rotvec(out) * turn.inv()).magnitude().max() < 1e-9


def test_corrections_are_there_in_time_and_go_gently() -> None:
    needs = np.zeros((80, 1, 3))
    needs[30:34, 0, 0] = 0.1
    out = Envelope().follow(needs, 80)[:, 0, 0]
    assert out[30:34].min() > 0.085
    assert out[:24].max() == 0
    assert 0 < out[60] < 0.025
    assert np.abs(np.diff(out, 2)).max() < 0.035


def test_what_is_needed_at_first_is_there_at_first() -> None:
    assert Envelope().follow(np.full((9, 2, 3), 0.1), 5)[0, 0, 0] == 0.1
