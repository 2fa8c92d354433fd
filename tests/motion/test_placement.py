"""Who faces whom."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.motion.placement import bearing_to_partner, faces_partner
from duologue.motion.rotations import yaw_matrix


def forwards(*headings: float) -> np.ndarray:
    return np.array([[[np.sin(h), 0.0, np.cos(h)]] for h in headings])


def test_a_partner_on_the_left_hand_has_a_positive_bearing() -> None:
    positions = np.array(
        [[[0.0, 1.0, 0.0]], [[1.0, 1.4, 0.0]]]
    )  # B stands at +X of A: at A's left when A looks along +Z
    bearing = bearing_to_partner(positions, forwards(0.0, -np.pi / 2))
    assert bearing[0, 0] == pytest.approx(np.pi / 2)
    assert bearing[1, 0] == pytest.approx(0.0)


@pytest.mark.parametrize(("turned", "faces"), [(0, True), (40, True), (-40, True), (50, False), (180, False)])
def test_facing_ends_at_45_degrees(turned: float, faces: bool) -> None:
    positions = np.array([[[-0.6, 1.2, 0.0]], [[0.6, 1.2, 0.0]]])
    headings = np.array([np.pi / 2 + np.radians(turned), -np.pi / 2])
    chest = yaw_matrix(headings)[:, None]
    found = faces_partner(positions, chest)
    assert found.tolist() == [[faces], [True]]
