"""What a clip does, on bodies that stand, slide, sink, meet and gesture in a known way."""

import numpy as np
import pytest
from duologue.evaluation.body.beats import beat_consistency, motion_beats, onsets
from duologue.evaluation.body.behaviour import Targets
from duologue.evaluation.body.bodies import Bodies, facing, relation
from duologue.evaluation.body.effects import manner
from duologue.evaluation.body.results import clip_sums
from duologue.evaluation.intervals import quotient
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton

SKELETON = Skeleton.builtin("duologue60")
FRAMES = 120
STAND, WALK = ACTION_MODES.index("stand"), ACTION_MODES.index("walk")


def standing(apart=1.5, frames=FRAMES):
    """Two in the rest pose face to face along x: roots (2, T, 3) and rotations (2, T, J, 3)."""
    root = np.tile(SKELETON.offsets[0], (2, frames, 1))
    root[0, :, 0], root[1, :, 0] = -apart / 2, apart / 2
    rotations = np.zeros((2, frames, len(SKELETON), 3))
    rotations[0, :, 0, 1], rotations[1, :, 0, 1] = np.pi / 2, -np.pi / 2
    rotations[:, :, SKELETON.index("LeftArm"), 2] = -1.3  # arms down
    rotations[:, :, SKELETON.index("RightArm"), 2] = 1.3
    return root, rotations


def targets(frames=FRAMES, **changes) -> Targets:
    none = np.zeros(0, np.intp)
    values = {
        "actions": np.full((2, frames), STAND),
        "activity": np.zeros((2, frames)),
        "onsets": (none, none),
        "others": [],
        "facing": np.ones((2, frames), bool),
    }
    return Targets(**(values | changes))


def measured(root, rotations, wanted=None) -> dict[str, float | None]:
    figures = clip_sums(Bodies(SKELETON, root, rotations), wanted or targets(root.shape[1]))
    values = {key: float(quotient(*sums)) for key, sums in figures.items()}
    return {key: value if np.isfinite(value) else None for key, value in values.items()}


def test_two_who_stand_still() -> None:
    figures = measured(*standing())
    for key in (
        "sliding_cm_s",
        "below_floor_percent",
        "penetration_percent",
        "self_penetration_percent",
        "jerk",
        "wrist_speed_m_s",
    ):
        assert figures[key] == pytest.approx(0, abs=1e-6), key
    assert figures["feet_bearing_percent"] == pytest.approx(100, abs=1)  # nothing bears before its speed is known
    assert figures["actions_obeyed_percent"] == figures["facing_percent"] == 100
    assert figures["walk_obeyed_percent"] is None  # nobody was asked to
    assert all(figures[key] == 0 for key in figures if key.startswith("touch_"))


def test_feet_that_slide_at_a_known_speed() -> None:
    root, rotations = standing()
    root[0, :, 2] += 0.12 * np.arange(FRAMES) / 30  # A glides at 12 cm/s, B stands
    assert measured(root, rotations)["sliding_cm_s"] == pytest.approx(6, rel=0.02)
    root[0, :, 2] *= 5  # 60 cm/s: no longer a standing foot by the strict rule, but still by InterGen's
    figures = measured(root, rotations)
    assert figures["sliding_cm_s"] < 1
    assert figures["sliding_intergen_cm_s"] == pytest.approx(30, rel=0.02)


def test_feet_under_the_floor() -> None:
    root, rotations = standing()
    root[1, :60, 1] -= 0.03
    figures = measured(root, rotations)
    assert figures["below_floor_percent"] == 25  # half the frames of one of two
    assert figures["below_floor_cm"] == pytest.approx(0.75, abs=0.05)


def test_bodies_in_each_other() -> None:
    root, rotations = standing()
    root[0, :30, 0] = root[1, 0, 0]  # on one spot; hands hang 3 cm behind the hips
    figures = measured(root, rotations)
    assert figures["penetration_percent"] == 25
    assert figures["touch_cross_hand_min_h"] == 15  # a quarter of the time


def test_jerk_of_a_cubic() -> None:
    root, rotations = standing()
    time = np.arange(FRAMES) / 30
    root[0, :, 0] += 0.05 * time**3  # third derivative 0.3 m/s³, and 0 for B
    assert measured(root, rotations)["jerk"] == pytest.approx(0.15, rel=1e-3)
    assert measured(root, rotations)["jerk_hands_head"] == pytest.approx(0.15, rel=1e-3)


def test_where_they_stand_to_each_other() -> None:
    root, rotations = standing(apart=2.0)
    rotations[0, :, 0, 1] = 0.0  # A looks along z, B is at A's left
    body = Bodies(SKELETON, root, rotations)
    np.testing.assert_allclose(relation(body)[0], [2.0, np.pi / 2, 0.0], atol=1e-6)
    assert (facing(body)[0], facing(body)[1]) == (pytest.approx(np.zeros(FRAMES)), pytest.approx(np.ones(FRAMES)))
    figures = measured(root, rotations, targets(activity=np.ones((2, FRAMES))))
    assert figures["facing_percent"] == figures["facing_kept_percent"] == 50


def test_who_is_lively_and_who_listens() -> None:
    root, rotations = standing()
    wave = 0.4 * np.sin(2 * np.pi * np.arange(FRAMES) / 30)
    arm = SKELETON.index("RightArm")
    rotations[0, :, arm, 2] += wave
    rotations[1, :, arm, 2] += 0.5 * wave  # half the amplitude is half the speed and a quarter of the energy
    voice = np.zeros((2, FRAMES))
    voice[0] = 1
    figures = measured(root, rotations, targets(activity=voice))
    assert figures["listener_speed"] == pytest.approx(0.5, rel=0.05)
    assert figures["listener_energy"] == pytest.approx(0.25, rel=0.1)
    walking = measured(root, rotations, targets(activity=voice, actions=np.full((2, FRAMES), WALK)))
    assert walking["listener_energy"] is None
    assert walking["actions_obeyed_percent"] == 0


def test_onsets_are_where_the_sound_sets_in() -> None:
    mel = np.full((120, 27), -8.0)
    activity = np.zeros(120)
    for start in (20, 50, 80):
        mel[start : start + 10] = -2.0
        activity[start - 2 : start + 12] = 1
    np.testing.assert_allclose(onsets(mel, activity), [20, 50, 80], atol=1)
    assert not len(onsets(mel, np.zeros(120)))


def test_beats_of_motion_are_minima_of_speed_that_still_move() -> None:
    time = np.arange(120)
    speeds = np.stack([1.2 + np.cos(2 * np.pi * time / 30), np.zeros(120), np.abs(np.sin(np.pi * time / 30))], axis=-1)
    first, still, halting = motion_beats(speeds)
    np.testing.assert_array_equal(first, [])  # its minima, 0.2 of a mean of 1.2, are rests
    assert not len(still)
    assert not len(halting)
    (gentle,) = motion_beats(2 + np.cos(2 * np.pi * time / 30)[:, None])
    np.testing.assert_array_equal(gentle, [15, 45, 75, 105])


def test_beat_consistency_by_hand() -> None:
    beats = [np.array([30, 63]), np.zeros(0, np.intp)]
    speech = np.array([10, 30, 60, 110])  # the first and the last lie in the left-out quarters
    score, count = beat_consistency(speech, beats, 120, sigma=0.1)
    assert count == 4
    assert score == pytest.approx(1 + np.exp(-0.5))  # 0 and 3 frames (0.1 s) off; the joint that never beats scores 0


def test_the_right_speech_is_told_from_anothers() -> None:
    root, rotations = standing(frames=300)
    time = np.arange(300)
    arm = SKELETON.index("RightForeArm")
    rotations[..., arm, 2] = 0.2 * np.sin(2 * np.pi * time / 40) + 0.06 * time  # slowest, but moving, every 40 frames
    slow = np.arange(20, 300, 40)
    wanted = targets(300, onsets=(slow, slow), others=[(slow + 20, slow + 20)])
    figures = measured(root, rotations, wanted)
    assert figures["beat_consistency_100ms"] > figures["beat_consistency_100ms_other_speech"] + 0.05


def test_manner_of_an_upright_body_and_of_one_that_leans_with_arms_out() -> None:
    root, rotations = standing()
    upright = manner(Bodies(SKELETON, root, rotations))
    rotations[0, :, SKELETON.index("Spine"), 0] = np.radians(20)  # pitches forward, whichever way one faces
    rotations[1, :, SKELETON.indices("LeftArm", "RightArm")] = 0  # a T
    bent = manner(Bodies(SKELETON, root, rotations))
    assert 10 < (bent["lean_degrees"] - upright["lean_degrees"])[0].mean() < 20
    assert (bent["gaze_degrees"] - upright["gaze_degrees"])[0].mean() == pytest.approx(-20, abs=0.1)
    assert (bent["lean_degrees"] - upright["lean_degrees"])[1].mean() == pytest.approx(0, abs=1e-6)
    assert bent["expanse_m"][1].mean() > upright["expanse_m"][1].mean() + 0.3
