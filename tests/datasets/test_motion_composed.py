import numpy as np
import pytest
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.readers.kit_motion import Marks, MotionClip
from duologue.datasets.synthesis.body.gestures import Gestures, bear
from duologue.datasets.synthesis.body.head import head_pitch
from duologue.datasets.synthesis.body.library import LibraryClip
from duologue.datasets.synthesis.body.manner import distance, manner
from duologue.datasets.synthesis.body.performer import POSTURES, Composer, Part
from duologue.datasets.synthesis.body.staging import (
    NEAREST,
    apart,
    compose_pair,
    face,
    follow,
    free_hands,
    place,
    world,
)
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton, forward_kinematics

SKELETON = Skeleton.builtin("duologue60")
HIPS = float(SKELETON.offsets[0, 1])


def clip(kind, frames=90, name="rocketbox/x", marks=None, speed=0.0, bend=0.0, raised=False, turn=0.0):
    rotations = np.zeros((frames, 60, 3))
    rotations[:, 0, 1] = np.linspace(0, turn, frames)
    for side, sign in (("Left", -1), ("Right", 1)):  # arms hang from the T-pose
        rotations[:, SKELETON.index(f"{side}Arm"), 2] = sign * 1.3
    rotations[:, SKELETON.index("LeftHandIndex1"), 2] = 0.3
    for side in ("Left", "Right"):
        rotations[:, SKELETON.index(f"{side}UpLeg"), 0] = -bend
        rotations[:, SKELETON.index(f"{side}Leg"), 0] = bend
    if raised:
        rotations[:, SKELETON.index("RightArm"), 2] -= 1.0 * np.sin(np.pi * np.arange(frames) / frames)
    height = HIPS if not bend else 0.5
    root = np.stack([np.zeros(frames), np.full(frames, height), speed * np.arange(frames)], axis=-1)
    return LibraryClip.of(MotionClip(name, kind, root, rotations, marks=marks))


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
    "walk-start": [clip("walk-start", 30, speed=0.02)],
    "walk-stop": [clip("walk-stop", speed=0.02)],
    "turn": [clip("turn", 60, turn=np.pi), clip("turn", 60, "rocketbox/turn_to_walk", turn=np.pi)],
    "gesture": [clip("gesture", 60, "smartbody/Beat", Marks(5, 15, 30, 45, 55), raised=True)],
}


def part(frames, posture="stand", stress=(), speaking=True, emotion="excitement", role="", prominence=None):
    floor = np.full(frames, speaking)
    leant_on = np.zeros(frames) if prominence is None else prominence
    return Part(floor, np.array(stress, np.intp), leant_on, ~floor, posture, emotion, "m", manner(emotion, role))


def compose(first, second, seed=0, metres=1.4):
    motions, paths = compose_pair(Composer(LIBRARY, SKELETON, np.random.default_rng(seed)), [first, second], metres)
    return motions, paths, *world(motions, paths)


def positions_of(root, rotations):
    return forward_kinematics(SKELETON, rotations, root)[1]


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


def test_a_stroke_waits_for_the_word_that_is_leant_on_and_no_longer():
    stress = np.array([10, 20, 26, 40, 70])
    gestures = Gestures(LIBRARY, SKELETON, np.random.default_rng(0))

    def first(prominence):
        """Return where the first strokes of many tries fall: some let the first stresses pass."""
        tries = [next(gestures._choose(stress, prominence, 0, manner("excitement", ""), "m"), None) for _ in range(60)]
        return {stroke.start + stroke.marks.emphasis for stroke in tries if stroke}

    leant_on = np.zeros(90)
    assert 10 in first(leant_on), "where nothing is known of the words, the next stress will do"
    leant_on[24:30] = 0.5
    assert {10, 20}.isdisjoint(first(leant_on))
    leant_on[:] = 0.0
    leant_on[38:45] = 0.5
    assert 10 in first(leant_on), "a second later is another word's business"


@pytest.mark.parametrize("posture", ["walk-in", "rise-walk", "turn", "sit-down"])
def test_who_arrives_ends_where_they_were_placed(posture):
    rng = np.random.default_rng(1)
    starts = place(rng)
    parts = [part(400, posture), part(400)]
    motions = [Composer(LIBRARY, SKELETON, rng).perform(p) for p in parts]
    paths = follow(motions, parts, starts)
    np.testing.assert_allclose(paths[0, -1, :2], starts[0, :2], atol=1e-9)
    np.testing.assert_allclose(paths[1, 0], starts[1], atol=1e-9)
    if "walk" in posture:
        assert np.linalg.norm(paths[0, 0, :2] - starts[0, :2]) > 0.5
    if posture == "turn":
        assert abs(abs(paths[0, 0, 2] - paths[0, -1, 2]) - np.pi) < 0.1


def test_a_listener_looks_at_the_partners_side():
    """Heads that look straight ahead in every clip end up turned to the partner's side while they listen."""
    rng = np.random.default_rng(2)
    composer = Composer(LIBRARY, SKELETON, rng)
    parts = [part(300, speaking=False), part(300)]
    motions = [composer.perform(p) for p in parts]
    paths = follow(motions, parts, np.array([[-0.5, 0, 0.0], [0.5, 0, 0.0]]))
    rotations = world(face(composer, motions, paths, parts), paths)[1]
    forward = forward_kinematics(SKELETON, rotations, np.zeros((2, 300, 3)))[0][0, :, SKELETON.index("Head"), :, 2]
    assert np.median(forward[:, 0]) > 0.5, "B stands on A's left, towards +X"


def test_who_stands_looks_down_to_who_sits_and_they_look_up():
    motions, *_ = compose(part(400, speaking=False, emotion="interest"), part(400, "sit", emotion="interest"), 3, 1.2)
    standing, seated = (np.degrees(np.percentile(head_pitch(motions[k], SKELETON), (25, 75)[k])) for k in (0, 1))
    assert standing < -5
    assert seated > 5


@pytest.mark.parametrize("seed", range(5))
def test_two_are_placed_apart(seed):
    starts = place(np.random.default_rng(seed), distance("strangers"), 0.0)
    assert 1.1 <= np.linalg.norm(starts[0, :2] - starts[1, :2]) <= 2.9
    assert distance("romantic partners") < distance("boss / subordinate") < distance("strangers") + 1e-9


def test_nobody_walks_through_anybody():
    """Two on one line, of whom one walks through the other, are not apart; what is composed of the same parts is."""
    parts = [part(200, "walk"), part(200)]
    composer = Composer(LIBRARY, SKELETON, np.random.default_rng(0))
    motions = [composer.perform(p) for p in parts]
    assert not apart(SKELETON, motions, follow(motions, parts, np.array([[0, -3.0, 0], [0, 0, 0]])))
    for seed in range(6):
        motions, paths = compose_pair(Composer(LIBRARY, SKELETON, np.random.default_rng(seed)), parts)
        assert np.hypot(*(paths[0] - paths[1])[:, :2].T).min() >= NEAREST


@pytest.mark.parametrize("posture", POSTURES)
def test_nobody_is_under_the_floor(posture):
    _, _, root, rotations = compose(part(240, posture), part(240, posture, speaking=False))
    root, rotations = free_hands(SKELETON, root, rotations)
    toes = positions_of(root, rotations)[:, :, SKELETON.indices("LeftToeBase", "RightToeBase"), 1]
    # The soles are 2.5 cm below the joint. These seats are made up, and stand wherever their feet do.
    assert toes.min() - SKELETON.rest_positions[SKELETON.index("LeftToeBase"), 1] > -0.01 or "sit" in posture


def bearing(emotion, role=""):
    """How far the hands are from the trunk's axis, how high the head looks and how fast hands are, of one speaking motion."""
    stress = np.arange(20, 380, 14)
    composers = [Composer(LIBRARY, SKELETON, np.random.default_rng(s)) for s in range(2)]
    motions = [c.perform(part(400, stress=stress, emotion=emotion, role=role)) for c in composers]
    seen = []
    for motion in motions:
        paths = motion.path((0, 0, 0))[None].repeat(2, 0)
        positions = positions_of(*world([motion, motion], paths))[0]
        hands = positions[:, SKELETON.indices("LeftHand", "RightHand")]
        aside = np.linalg.norm((hands - positions[:, SKELETON.indices("Spine3")])[..., [0, 2]], axis=-1)
        seen.append([aside.mean(), np.linalg.norm(np.diff(hands, axis=0), axis=-1).mean() * 30])
    return np.mean(seen, axis=0)


def test_the_powerful_are_more_expansive_than_the_powerless():
    boss, subordinate = bearing("calmness", "boss"), bearing("calmness", "subordinate")
    assert boss[0] > 1.15 * subordinate[0]
    assert boss[1] > 1.2 * subordinate[1]
    assert manner("calmness", "boss").nods < manner("calmness", "subordinate").nods


def test_joy_is_faster_and_wider_than_sadness():
    joy, sadness = bearing("joy"), bearing("sadness")
    assert joy[0] > 1.2 * sadness[0]
    assert joy[1] > 1.5 * sadness[1]


def test_a_bearing_leans_the_chest_and_leaves_the_head_level():
    motion = clip("idle").motion
    leaning = bear(motion, manner("pain"), SKELETON)
    matrices = [
        forward_kinematics(SKELETON, m.features()[:, 4:].reshape(-1, 60, 3), np.zeros((90, 3)))[0]
        for m in (motion, leaning)
    ]
    lean = [np.degrees(np.arcsin(m[0, SKELETON.index("Spine3"), 2, 1])) for m in matrices]
    assert 7 < lean[1] - lean[0] < 14
    assert abs(np.degrees(head_pitch(leaning, SKELETON) - head_pitch(motion, SKELETON))).max() < 1


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
