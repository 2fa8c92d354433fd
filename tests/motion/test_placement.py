"""Who faces whom, and where their eyes would meet."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.motion.placement import bearing_to_partner, faces_partner, partner_from_head
from duologue.motion.rotations import euler_to_matrix, yaw_matrix


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
    facing = faces_partner(positions, chest)
    assert facing.tolist() == [[faces], [True]]


def test_the_partner_is_seen_from_the_head_however_it_is_turned() -> None:
    """A stands at the origin and looks along +Z; B is 2 m ahead of A, 2 m to A's right (-X) and as high."""
    heads = np.array([[[0.0, 1.6, 0.0]] * 3, [[-2.0, 1.6, 2.0]] * 3])
    turned = euler_to_matrix(np.radians([[0, 0, 0], [0, -45, 0], [0, -45, 0]]), "XYZ")
    turned[2] = turned[2] @ euler_to_matrix(np.radians([10.0, 0.0, 0.0]), "XYZ")  # and then nods 10 degrees down
    seen = partner_from_head(heads, np.stack([turned, turned]))
    np.testing.assert_allclose(seen[0], [[45, 0], [0, 0], [0, 10]], atol=1e-4)


def test_a_smaller_partner_is_looked_down_at() -> None:
    heads = np.array([[[0.0, 1.7, 0.0]], [[0.0, 1.2, 0.5]]])
    turned = yaw_matrix(np.array([0.0, np.pi]))[:, None]
    np.testing.assert_allclose(partner_from_head(heads, turned)[:, 0], [[0, -45], [0, 45]], atol=1e-4)
