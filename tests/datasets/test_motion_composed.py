import numpy as np
import pytest
from duologue.datasets.action_labels import label_actions
from duologue.datasets.composed import Composer, Part, compose_pair, place, world
from duologue.datasets.kit_motions import KitClip, Marks
from duologue.datasets.motions import Motion
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton, forward_kinematics

SKELETON = Skeleton.builtin("duologue60")
HIPS = float(SKELETON.offsets[0, 1])


def clip(kind, frames=90, name="rocketbox/x", marks=None, speed=0.0, bend=0.0, raised=False):
    rotations = np.zeros((frames, 60, 3))
    rotations[:, SKELETON.index("LeftHandIndex1"), 2] = 0.3
    for side in ("Left", "Right"):
        rotations[:, SKELETON.index(f"{side}UpLeg"), 0] = -bend
        rotations[:, SKELETON.index(f"{side}Leg"), 0] = bend
    if raised:
        rotations[:, SKELETON.index("RightArm"), 2] = -1.0 * np.sin(np.pi * np.arange(frames) / frames)
    height = HIPS if not bend else 0.5
    root = np.stack([np.zeros(frames), np.full(frames, height), speed * np.arange(frames)], axis=-1)
    return KitClip(name, kind, Motion.from_world(root, rotations), marks=marks)


LIBRARY = {
    "idle": [clip("idle"), clip("idle", 900, "reactidle/x")],
    "listen": [clip("listen")],
    "present": [clip("present")],
    "laugh": [clip("laugh")],
    "sit": [clip("sit", bend=1.5)],
    "sit-gesture": [clip("sit-gesture", bend=1.5)],
    "sit-down": [clip("sit-down")],
    "stand-up": [clip("stand-up")],
    "walk": [clip("walk", speed=0.04)],
    "walk-stop": [clip("walk-stop", speed=0.02)],
    "gesture": [clip("gesture", 60, "smartbody/Beat", Marks(5, 15, 30, 45, 55), raised=True)],
}


def part(frames, posture="stand", stress=(), speaking=True, emotion="excitement"):
    floor = np.full(frames, speaking)
    return Part(floor, np.array(stress, np.intp), ~floor, posture, emotion, "m")


def compose(first, second, seed=0):
    rng = np.random.default_rng(seed)
    motions, paths = compose_pair(Composer(LIBRARY, SKELETON, rng), [first, second], place(rng))
    return motions, paths, *world(motions, paths)


@pytest.mark.parametrize(("posture", "mode"), [("stand", "stand"), ("sit", "sit"), ("walk", "walk")])
def test_a_posture_is_what_the_rule_sees(posture, mode):
    _, _, root, rotations = compose(part(150, posture), part(150))
    labels = label_actions(SKELETON, root[0], rotations[0])
    assert (labels == ACTION_MODES.index(mode)).mean() > 0.95


def test_strokes_fall_on_stressed_syllables():
    """The gesture's arm is highest on its emphasis: that must be the stressed frame, whichever arm a mirror made it."""
    for seed in range(12):
        _, _, root, rotations = compose(part(240, stress=[100]), part(240, speaking=False), seed)
        positions = forward_kinematics(SKELETON, rotations, root)[1]
        hands = positions[0][:, SKELETON.indices("LeftHand", "RightHand"), 1]
        lift = hands - np.median(hands, axis=0)
        if lift.max() > 0.2:  # some stresses go without a gesture
            assert abs(int(np.unravel_index(lift.argmax(), lift.shape)[0]) - 100) <= 6
            return
    pytest.fail("no stress got a gesture in twelve tries")


def test_who_walks_in_arrives_where_they_were_placed():
    rng = np.random.default_rng(1)
    starts = place(rng)
    _, paths = compose_pair(Composer(LIBRARY, SKELETON, rng), [part(200, "walk-in"), part(200)], starts)
    np.testing.assert_allclose(paths[0, -1, :2], starts[0, :2], atol=1e-9)
    np.testing.assert_allclose(paths[1, 0], starts[1], atol=1e-9)
    assert np.linalg.norm(paths[0, 0, :2] - starts[0, :2]) > 0.5


def test_a_listener_looks_at_the_partner():
    """Heads that look straight ahead in every clip end up turned to the partner's side while they listen."""
    rng = np.random.default_rng(2)
    side_by_side = np.array([[-0.5, 0, 0.0], [0.5, 0, 0.0]])
    parts = [part(300, speaking=False), part(300)]
    motions, paths = compose_pair(Composer(LIBRARY, SKELETON, rng), parts, side_by_side)
    matrices, _ = forward_kinematics(SKELETON, world(motions, paths)[1], np.zeros((2, 300, 3)))
    forward = matrices[0, :, SKELETON.index("Head"), :, 2]
    assert np.median(forward[:, 0]) > 0.5, "B stands on A's left, towards +X"


@pytest.mark.parametrize("seed", range(5))
def test_two_are_placed_apart(seed):
    starts = place(np.random.default_rng(seed))
    assert 0.7 <= np.linalg.norm(starts[0, :2] - starts[1, :2]) <= 3.5


def test_the_action_rule_by_hand():
    frames = 60
    rotations = np.zeros((frames, 60, 3))
    standing = np.tile([0.0, HIPS, 0.0], (frames, 1))
    sit, walk, stand = (ACTION_MODES.index(mode) for mode in ("sit", "walk", "stand"))
    assert (label_actions(SKELETON, standing, rotations) == stand).all()
    moving = standing + np.linspace(0, 0.3 * 2, frames)[:, None] * [1, 0, 0]  # 0.3 m/s
    assert (label_actions(SKELETON, moving, rotations) == walk).all()
    crouched = standing * [1, 0.5, 1]
    assert (label_actions(SKELETON, crouched, rotations) == stand).all(), "low hips over steep thighs are no seat"
    seated = rotations.copy()
    for side in ("Left", "Right"):
        seated[:, SKELETON.index(f"{side}UpLeg"), 0] = -np.pi / 2
    assert (label_actions(SKELETON, crouched, seated) == sit).all()
