"""Unknown pixels go on as the known ones begin."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.passes.inpainting import inpainted

SIZES = [(1, 1), (7, 5), (16, 16), (33, 20)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_known_stays_and_one_colour_goes_on_everywhere(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    picture = rng.uniform(0, 255, (*size, 3))
    np.testing.assert_array_equal(inpainted(picture, np.ones(size, bool)), picture)
    known = rng.random(size) < 0.2
    known[0, 0] = True
    np.testing.assert_array_equal(inpainted(picture, known)[known], picture[known])
    even = np.broadcast_to((10.0, 200.0, 30.0), (*size, 3))
    np.testing.assert_allclose(inpainted(even, known), even, atol=1e-9)
    assert not inpainted(picture, np.zeros(size, bool)).any()


def test_a_gradient_goes_on_behind_what_stood_before_it() -> None:
    rows, columns = np.mgrid[:64, :64] / 63.0
    picture = np.stack([255 * columns, 255 * rows, 128 + 0 * rows], axis=-1)
    known = np.ones((64, 64), bool)
    known[20:44, 24:40] = False
    off = np.abs(inpainted(picture, known) - picture)
    assert off.max() < 25
    assert off[~known].mean() < 8, "a mean colour is more than 10 off"
    assert np.abs(picture[known].mean(axis=0) - picture[~known]).mean() > 10
