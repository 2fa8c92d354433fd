"""Fréchet distances and diversity where the answer is known: Gaussians in closed form, scipy, arrays small enough for paper."""

import numpy as np
import pytest
from duologue.evaluation.body import metrics
from duologue.evaluation.body.metrics import Gaussian, Moments, frechet
from scipy.linalg import sqrtm


def some_clips(count=12, frames=60, channels=4, scale=1.0, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return [scale * rng.normal(size=(frames, channels)) + shift for _ in range(count)]


def test_distance_of_gaussians_in_one_dimension() -> None:
    # W2² of N(m, s²) and N(n, t²) is (m - n)² + (s - t)² (Dowson & Landau 1982).
    a, b = Gaussian(np.array([1.0]), np.array([[9.0]])), Gaussian(np.array([3.0]), np.array([[1.0]]))
    assert frechet(a, b) == pytest.approx(2.0**2 + 2.0**2)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_distance_agrees_with_scipys_matrix_root() -> None:
    rng = np.random.default_rng(1)
    a, b = (
        Gaussian(rng.normal(size=6), np.cov(rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)), rowvar=False))
        for _ in "ab"
    )
    away = a.mean - b.mean
    expected = away @ away + np.trace(a.covariance + b.covariance - 2 * sqrtm(a.covariance @ b.covariance).real)
    assert frechet(a, b) == pytest.approx(expected)
    assert frechet(b, a) == pytest.approx(expected)


def test_singular_covariances_need_no_help() -> None:
    # On orthogonal axes nothing is shared: the traces are all there is.
    a, b = Gaussian(np.zeros(3), np.diag([4.0, 0, 0])), Gaussian(np.zeros(3), np.diag([0, 9.0, 0]))
    assert frechet(a, b) == pytest.approx(13)
    assert frechet(a, Gaussian(np.zeros(3), np.diag([9.0, 0, 0]))) == pytest.approx((3 - 2) ** 2)


def test_moments_are_those_of_the_rows_however_often_a_clip_is_taken() -> None:
    clips = some_clips(3, scale=2.0, shift=5.0)
    times = np.array([2, 0, 1])
    gaussian = Moments.of(clips).gaussian(times)
    rows = np.concatenate([clips[0], clips[0], clips[2]])
    np.testing.assert_allclose(gaussian.mean, rows.mean(0))
    np.testing.assert_allclose(gaussian.covariance, np.cov(rows, rowvar=False))


def test_intervals_hold_their_value_and_paired_ones_see_small_differences() -> None:
    truth = some_clips()
    near = [rows + 0.10 for rows in truth]
    far = [rows + 0.15 for rows in truth]
    moments = {"near": Moments.of(near), "far": Moments.of(far)}
    values, minus = metrics.frechet_figures(Moments.of(truth), moments, resamples=50)
    assert values["near"].value == pytest.approx(4 * 0.10**2)  # only the means differ
    assert values["near"].low <= values["near"].value <= values["near"].high
    assert minus.keys() == {"far"}
    assert minus["far"].low == pytest.approx(4 * (0.15**2 - 0.10**2))
    assert metrics.frechet_figures(Moments.of(truth), moments, resamples=50) == (values, minus)


def test_one_clip_has_a_value_and_no_interval() -> None:
    (clip,) = some_clips(1)
    values, _ = metrics.frechet_figures(Moments.of([clip]), {"ours": Moments.of([clip + 1])})
    assert values["ours"].value == pytest.approx(4)
    assert values["ours"].low is values["ours"].high is None
    assert metrics.halves_apart(Moments.of([clip])).value is None


def test_the_noise_floor_is_what_two_halves_of_one_thing_differ_by() -> None:
    floor = metrics.halves_apart(Moments.of(some_clips(20)), splits=20)
    assert 0 < floor.low < floor.value < floor.high < 0.1
    mixed = some_clips(10) + some_clips(10, shift=3.0, seed=1)
    assert metrics.halves_apart(Moments.of(mixed), splits=20).value > 5 * floor.value


def test_diversity_is_the_mean_distance_of_frames() -> None:
    # Standard normal rows of D channels lie sqrt(2) times the mean of a chi variable apart: sqrt(2 · 2) Γ(D/2 + 1/2) / Γ(D/2).
    truth, half = some_clips(30, 100, 4), some_clips(30, 100, 4, scale=0.5, seed=1)
    own, ratio = metrics.diversity_figures(truth, half, resamples=40)
    chi4 = np.sqrt(2) * (3 * np.sqrt(np.pi) / 4)
    assert own.value == pytest.approx(0.5 * np.sqrt(2) * chi4, rel=0.02)
    assert ratio.value == pytest.approx(0.5, rel=0.02)
    assert ratio.low < ratio.value < ratio.high


def test_variances_over_time_and_over_samples_by_hand() -> None:
    samples = np.zeros((2, 4, 3))
    samples[0, :, 0] = [1, -1, 1, -1]  # moves: variance 1 in one of 2 · 3 channels
    assert metrics.variance_over_time(samples) == (1.0, 6.0)
    assert metrics.variance_over_samples(samples) == (4 * 0.25, 12.0)  # 0 against ±1: variance 1/4 at each frame
    assert metrics.distance_over_samples(samples) == (4.0, 4.0)
    assert metrics.variance_over_samples(samples[:1]) == metrics.distance_over_samples(samples[:1]) == (0.0, 0.0)
