"""Who speaks is read from lips, who moves from hips."""

from __future__ import annotations

import numpy as np
from duologue import arkit
from duologue.motion.skeleton import Skeleton
from duologue.staging import turns
from duologue.take import Take, Track

SKELETON = Skeleton.builtin("duologue60")
FRAMES = 300


def standing() -> np.ndarray:
    return np.tile([0.0, 0.95, 0.0], (FRAMES, 1))


def take(weights=None, root=None, actions=None) -> Take:
    """A take in which B is still and A does what is given."""
    still = standing()
    a, b = (
        Track(
            still if where is None else where,
            np.zeros((FRAMES, 60, 3)),
            np.zeros((FRAMES, 52)) if face is None else face,
            np.ones(FRAMES, bool),
            np.zeros(FRAMES, np.uint8) if modes is None else modes,
        )
        for where, face, modes in ((root, weights, actions), (None, None, None))
    )
    return Take(SKELETON, (a, b))


def talking(spans) -> np.ndarray:
    """Jaw and lips as a syllable every sixth of a second moves them, in these stretches."""
    weights = np.zeros((FRAMES, 52))
    for start, stop in spans:
        t = np.arange(stop - start) / 30
        for name, size in (("jawOpen", 0.3), ("mouthClose", 0.2), ("mouthFunnel", 0.2)):
            weights[start:stop, arkit.NAMES.index(name)] = size * (0.5 - 0.5 * np.cos(2 * np.pi * 6 * t))
    return weights


def test_lips_that_move_speak_and_pauses_for_breath_are_speech():
    spoken = turns.speaking(take(talking([(60, 120), (128, 200)])))
    ((start, stop),) = turns.runs(spoken[0])
    assert abs(start - 60) <= 5
    assert abs(stop - 200) <= 5
    assert not spoken[1].any()


def test_a_smile_and_a_blink_are_no_word():
    weights = np.zeros((FRAMES, 52))
    ramp = np.clip((np.arange(FRAMES) - 100) / 10, 0, 1)
    for name in ("mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"):
        weights[:, arkit.NAMES.index(name)] = ramp
    assert not turns.speaking(take(weights)).any()


def test_walking_is_seen_whether_or_not_it_was_asked_for():
    root = standing()
    root[:, 0] = np.clip((np.arange(FRAMES) - 100) / 30, 0, 2.0)  # a metre a second for two seconds
    moves = turns.moving(take(root=root))
    ((start, stop),) = turns.runs(moves[0])
    assert 75 <= start <= 105
    assert 155 <= stop <= 185
    assert not moves[1].any()
    asked = np.zeros(FRAMES, np.uint8)
    asked[40:90] = 1
    assert turns.moving(take(actions=asked))[0, 40:90].all()


def test_sitting_down_is_a_movement_and_swaying_is_none():
    root = standing()
    root[:, 1] -= 0.4 * np.clip((np.arange(FRAMES) - 120) / 36, 0, 1)
    root[:, 0] += 0.04 * np.sin(np.arange(FRAMES) / 12)
    ((start, stop),) = turns.runs(turns.moving(take(root=root))[0])
    assert 95 <= start <= 125
    assert 150 <= stop <= 185


def test_one_frame_is_no_movement_and_no_word():
    one = Take(SKELETON, tuple(track[:1] for track in take().tracks))
    assert not turns.speaking(one).any()
    assert not turns.moving(one).any()
