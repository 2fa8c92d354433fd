"""Which feet bear on the floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from duologue.evaluation.body.bodies import Bodies
from duologue.evaluation.body.plausibility import feet
from duologue.motion.contact import ContactRule, Soles, foot_contacts, hysteresis
from duologue.motion.skeleton import Skeleton, forward_kinematics

DUOLOGUE60 = Skeleton.builtin("duologue60")


def sole_points(root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    return Soles.of(DUOLOGUE60).place(*forward_kinematics(DUOLOGUE60, rotations, root))


def test_switches_turn_on_and_off_at_their_own_thresholds() -> None:
    height = np.array([0.10, 0.04, 0.02, 0.04, 0.045, 0.06, 0.04, 0.01])
    rule = ContactRule(grip_height=0.03, release_height=0.05)
    state = hysteresis(np.asarray(rule.grips(height, 0 * height)), np.asarray(rule.releases(height, 0 * height)))
    assert state.tolist() == [False, False, True, True, True, False, False, True]


def test_soles_lie_on_the_floor_at_rest() -> None:
    points = Soles.of(DUOLOGUE60).place(*forward_kinematics(DUOLOGUE60, np.zeros((60, 3)), DUOLOGUE60.offsets[0]))
    np.testing.assert_allclose(points[..., 1], 0, atol=1e-12)
    length = points[0, 1, 2] - points[0, 0, 2]
    assert 0.15 < length < 0.2  # heel to ball of a 26 cm foot


def test_recorded_idlers_stand_and_walkers_step(kit_pair: Callable[..., Any]) -> None:
    """The kit's README: feet lie on the floor within 1 cm and do not slide in the clips that stay in place."""
    idle = kit_pair("f_idle_breathe_01", "m_gestic_listen_accept_01")
    for k in range(2):
        assert foot_contacts(sole_points(idle.root[k], idle.rotations[k])).mean() > 0.95
    slid, counted = feet(Bodies(DUOLOGUE60, idle.root, idle.rotations))["sliding_cm_s"]
    assert slid / counted < 1
    walk = kit_pair("f_walk_neutral", "m_walk_neutral_01", gap=4)
    for k in range(2):
        bears = foot_contacts(sole_points(walk.root[k], walk.rotations[k])).any(axis=-1)
        assert 0.4 < bears.mean() < 0.9  # a foot stands for some 60 % of a walking cycle
        assert (bears.any(axis=-1)).mean() > 0.9
