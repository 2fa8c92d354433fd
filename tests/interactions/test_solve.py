"""Interactions of a take: solved on the characters, beside the take, which stays as it is."""

import numpy as np
import pytest
from duologue.brief import Interaction
from duologue.brief.constraints import Side
from duologue.errors import DuologueError
from duologue.interactions.actor import Character, Pose
from duologue.interactions.settling import reach_again, settle
from duologue.interactions.solve import solve, solve_one
from duologue.interactions.solved import Span
from duologue.interactions.track import InteractionTrack, Layer
from duologue.motion.rotations import exp_to_matrix
from duologue.rigs.rig_map import RigMatch
from examples_touch import FRAMES, scene


def solved(cast, *interactions, apart=0.52, **options):
    return solve(lambda stretch: scene(cast, apart, stretch), FRAMES, interactions, **options)


@pytest.fixture(scope="module")
def cast(characters):
    return characters["ada"], characters["ben"]


@pytest.fixture(scope="module")
def poke(cast):
    return solved(cast, Interaction("poke-nose", "A", 2.0, 2.8, target="B"))


def test_a_track_says_who_touched_whom_when_and_where(poke):
    touch = poke.touches[0]
    assert (touch.pattern, touch.performer, touch.touched, touch.side) == ("poke-nose", "A", "B", "")
    assert touch.leaves < touch.touches == 2.0 < touch.releases == 2.8 < touch.returns
    held = poke.contact[:, 0] > 0
    assert np.flatnonzero(held)[0] + poke.start == 60
    assert held.sum() == 25
    assert (np.linalg.norm(np.diff(poke.points[held, 0], axis=0), axis=-1) < 0.01).all()


def test_the_layer_begins_and_ends_at_nothing_and_never_jumps(poke):
    for layer in poke.layers:
        size = np.linalg.norm(layer.rotations, axis=-1)
        assert size[0].max() < 1e-3
        assert size[-1].max() < 1e-3
    turned = np.linalg.norm(np.diff(poke.layers[0].rotations, axis=0), axis=-1)
    assert turned.max() < 0.4  # 12 radians a second: about what elbows do in a quick reach


def test_the_layer_put_on_the_take_gives_the_pose_that_was_solved(cast, poke):
    actors = scene(cast, stretch=slice(poke.start, poke.start + poke.frames))
    pose = actors[0].pose
    names = actors[0].character.armature.names
    layer = poke.layers[0]
    solved_local = {
        names.index(bone): pose.local(names.index(bone)) @ exp_to_matrix(layer.rotations[:, k])
        for k, bone in enumerate(layer.bones)
    }
    parents = actors[0].character.armature.parents
    for bone in sorted(solved_local):  # the sample's bones come parents first
        pose.set_turn(bone, pose.turns[:, parents[bone]] @ solved_local[bone])
    hand = pose.heads[:, names.index(f"{poke.touches[0].hand.title()}HandIndex3")]
    held = poke.contact[:, 0] > 0
    # The last joint of the finger is a phalanx away from the tip of the nose.
    away = np.linalg.norm(hand - poke.points[:, 0], axis=-1)[held]
    assert away.max() < 0.035
    assert np.ptp(away) < 0.01


def test_the_touched_one_blinks_and_yields_and_eyes_are_there_before_the_hand(poke):
    toucher, touched = poke.layers
    assert "eyeBlinkLeft" in touched.shapes
    seconds = (poke.start + np.arange(poke.frames)) / 30
    lids = touched.weights[:, touched.shapes.index("eyeBlinkLeft")]
    assert abs(seconds[lids.argmax()] - 2.05) < 0.15
    neck = np.linalg.norm(touched.rotations, axis=-1).sum(axis=1)
    assert np.degrees(neck.max()) == pytest.approx(3.0, abs=0.4)
    arm = np.linalg.norm(
        toucher.rotations[:, next(k for k, b in enumerate(toucher.bones) if b.endswith("ForeArm"))], axis=-1
    )
    eyes = np.abs(toucher.weights).sum(axis=1)
    assert seconds[eyes > 0.3 * eyes.max()][0] < seconds[arm > 0.3 * arm.max()][0]


def _gained(track, name: str) -> np.ndarray:
    layer = track.layers[1]
    return layer.weights[:, layer.shapes.index(name)] if name in layer.shapes else np.zeros(track.frames)


def test_the_touched_one_looks_at_the_hand_and_then_at_who_it_belongs_to(cast):
    """B is the shorter of the two: they look at the hand, which is about as high as their nose, then up at A's eyes."""
    track = solved(cast[::-1], Interaction("poke-nose", "A", 2.0, 2.8, target="B"))
    seconds = (track.start + np.arange(track.frames)) / 30
    up = _gained(track, "eyeLookUpLeft") - _gained(track, "eyeLookDownLeft")
    hand, face = (up[np.abs(seconds - at).argmin()] for at in (2.2, 2.75))
    assert face > hand + 0.15
    assert face > 0.3
    assert np.abs(up[[0, -1]]).max() < 1e-6


def test_fond_ones_lower_their_lids_and_alarmed_ones_widen_their_eyes(cast):
    touch = Interaction("cup-cheek", "A", 2.0, 3.2, target="B")
    fond, alarmed = (solved(cast, touch, apart=0.46, yields=[share]) for share in (-0.8, 2.2))
    at = round(2.7 * 30) - fond.start
    assert _gained(fond, "eyeBlinkLeft")[at] > _gained(alarmed, "eyeBlinkLeft")[at] + 0.2
    assert _gained(alarmed, "eyeWideLeft").max() > 0.2
    assert _gained(fond, "eyeWideLeft").max() == 0.0
    for track in (fond, alarmed):
        assert not {name for name in track.layers[1].shapes if name.startswith(("mouth", "jaw"))}


def test_who_does_not_yield_does_not(cast):
    still = solved(cast, Interaction("poke-nose", "A", 2.0, 2.8, target="B"), yields=[0.0])
    assert not still.layers[1].bones or np.abs(still.layers[1].rotations).max() < 1e-6


def test_a_track_is_written_and_read(poke, tmp_path):
    poke.save(tmp_path / "interactions.safetensors")
    again = InteractionTrack.load(tmp_path / "interactions.safetensors")
    assert again.touches == poke.touches
    assert (again.start, again.fps) == (poke.start, poke.fps)
    assert again.layers[0].bones == poke.layers[0].bones
    assert np.array_equal(again.layers[1].rotations, poke.layers[1].rotations)
    (tmp_path / "wrong.safetensors").write_bytes((tmp_path / "interactions.safetensors").read_bytes()[:500])
    with pytest.raises(DuologueError) as caught:
        InteractionTrack.load(tmp_path / "wrong.safetensors")
    assert caught.value.reason in {"interactions-malformed", "tensors-malformed"}
    with pytest.raises(DuologueError) as caught:
        Layer(("Head",), np.full((2, 1, 3), np.nan, np.float32))
    assert caught.value.reason == "interactions-shape"


def test_out_of_reach_is_told_with_the_centimetres(cast):
    far = solved(cast, Interaction("poke-forehead", "A", 2.0, 2.8, target="B"), apart=0.9)
    assert far.touches[0].short > 0.1
    assert "cm short" in far.notes[0]


def without(character, *parts) -> Character:
    bones = {joint: bone for joint, bone in character.match.bones.items() if not any(part in joint for part in parts)}
    match = RigMatch(character.match.rig_map, bones, character.match.missing, character.match.score)
    return Character(character.armature, match, character.mesh)


def test_a_mitten_may_cup_a_cheek_and_can_not_poke(cast):
    mitten = without(cast[0], "HandThumb", "HandIndex", "HandMiddle", "HandRing", "HandPinky")
    with pytest.raises(DuologueError, match="cup-cheek") as caught:
        solved((mitten, cast[1]), Interaction("poke-nose", "A", 2.0, 2.8))
    assert caught.value.reason == "hand-without-fingers"
    cupped = solved((mitten, cast[1]), Interaction("cup-cheek", "A", 2.0, 2.8))
    assert cupped.touches[0].short < 0.005


def test_one_that_can_not_be_solved_leaves_the_others(cast, tmp_path):
    mitten = without(cast[0], "HandThumb", "HandIndex", "HandMiddle", "HandRing", "HandPinky")
    asked = Interaction("poke-nose", "A", 1.0, 1.4), Interaction("cup-cheek", "A", 2.4, 3.0)
    track = solved((mitten, cast[1]), *asked)
    assert [touch.pattern for touch in track.touches] == ["cup-cheek"]
    assert [(one.asked["pattern"], one.reason) for one in track.unsolved] == [("poke-nose", "hand-without-fingers")]
    assert any("poke-nose at 1 s could not be solved (hand-without-fingers)" in note for note in track.notes)
    track.save(tmp_path / "interactions.safetensors")
    assert InteractionTrack.load(tmp_path / "interactions.safetensors").unsolved == track.unsolved


def test_a_hand_of_three_fingers_pokes(cast):
    three = without(cast[0], "HandRing", "HandPinky")
    assert solved((three, cast[1]), Interaction("poke-nose", "A", 2.0, 2.8)).touches[0].short < 0.005


def test_without_an_arm_nobody_touches(cast):
    with pytest.raises(DuologueError) as caught:
        solved((without(cast[0], "Hand"), cast[1]), Interaction("poke-nose", "A", 2.0, 2.8))
    assert caught.value.reason == "arm-missing"


@pytest.mark.parametrize("pattern", ["shake-hands", "hold-hands", "high-five"])
def test_two_hands_meet(cast, pattern):
    track = solved(cast, Interaction(pattern, "A", 2.0, 3.5), apart=0.74)
    assert track.touches[0].short < 0.005
    assert all(any("ForeArm" in bone for bone in layer.bones) for layer in track.layers)


def test_two_touches_at_once_take_a_hand_each(cast):
    near = Interaction("poke-nose", "A", 2.0, 2.8, target="B")
    track = solved(cast, near, Interaction("poke-chin", "A", 2.2, 3.0, target="B"))
    assert {touch.hand for touch in track.touches} == {"left", "right"}
    chosen: Side = "left" if track.touches[0].hand == "left" else "right"
    other = {"left": "right", "right": "left"}[chosen]
    track = solved(cast, near, Interaction("poke-chin", "A", 2.2, 3.0, target="B", hand=chosen))
    assert [touch.hand for touch in track.touches] == [other, chosen], "what is asked for later is kept free"


def test_a_hand_lets_go_before_it_sets_out_for_the_next_place(cast):
    chin = Interaction("rest-chin", "A", 1.0, 1.6, hand="right")
    track = solved(cast, chin, Interaction("pat-back", "A", 2.31, 2.8, target="B", hand="right"))
    assert track.touches[0].releases <= track.touches[1].leaves < 2.31 - 0.35


def test_a_finger_stays_where_it_is_while_the_other_hand_reaches_far(cast):
    """The second touch leans the chest, which carries both arms."""
    nose = Interaction("poke-nose", "A", 1.5, 3.0, target="B", hand="right")
    actors = scene(cast)
    before = [actor.pose.copy() for actor in actors]
    span = Span(np.arange(FRAMES) / 30, FRAMES / 30, 30)
    back = Interaction("pat-back", "A", 1.9, 2.6, target="B", hand="left")
    both = [solve_one(actors, one, span) for one in (nose, back)]
    assert both[0].touching is not None
    reaching, _ = both[0].touching
    held = (span.seconds > 1.55) & (span.seconds < 2.95)

    def off() -> float:
        _, ends, radius = reaching.arm.hand.capsules(actors[0].pose)
        spot = reaching.contact.spots.follow(cast[1], actors[1].pose, actors[1].weights)[held, 0]
        tip = reaching.arm.hand.tip("Index")
        return float(np.abs(np.linalg.norm(ends[held, tip] - spot, axis=1) - radius[tip]).max())

    assert off() > 0.1
    settle(actors, both[0], span)
    assert both[0].short > 0.1, "what is missing is measured at the end, not worked out before"
    reach_again(actors, before, both[0], both, span)
    settle(actors, both[0], span)
    assert off() < 0.004  # 2 mm are pressed, and a fingertip is no capsule
    assert both[0].short < 0.001


def test_hands_that_hold_each_other_do_so_while_the_other_hand_reaches_far(cast):
    hold = Interaction("hold-hands", "A", 1.5, 3.0, hand="left")
    back = Interaction("pat-back", "A", 1.9, 2.6, target="B", hand="right")
    track = solved(cast, hold, back)
    assert track.touches[0].short < 0.001
    assert np.ptp(track.points[track.contact[:, 0] > 0, 0], axis=0).max() < 0.03


def test_hands_are_shaken_as_in_the_capture(cast):
    """CMU 18_01 and 19_01: up by 12 cm and down again in 0.43 s, 0.18 s after they met; 2 cm of it come again."""
    track = solved(cast, Interaction("shake-hands", "A", 2.0, 3.17), apart=0.74)
    held = track.contact[:, 0] > 0
    height = track.points[held, 0, 1] - track.points[held, 0, 1][0]
    assert height.max() == pytest.approx(0.12, abs=0.01)
    assert height.argmax() / 30 == pytest.approx(0.18 + 0.5 / 2.3, abs=0.04)
    again = height[round(30 * (0.18 + 1 / 2.3)) :]
    assert 0.01 < again.max() < 0.03
    assert abs(height[-1]) < 0.005


def test_who_strokes_their_chin_gives_the_other_hand(cast):
    chin = Interaction("stroke-chin", "B", 1.5, 3.5, hand="right")
    track = solved(cast, chin, Interaction("shake-hands", "A", 2.0, 3.0), apart=0.8)
    assert [touch.hand for touch in track.touches] == ["right", "left"]


def test_no_interactions_are_an_empty_track(cast):
    assert solved(cast).frames == 0


def test_bones_turn_with_what_hangs_on_them(characters):
    character = characters["ada"]
    pose = Pose(character, character.rest[None, :, :3, :3], character.rest[None, :, :3, 3])
    hand, before = character.joint["LeftHand"], pose.heads.copy()
    pose.turn(character.joint["LeftForeArm"], exp_to_matrix(np.array([[0.0, 0.0, 0.5]])))
    moved = np.linalg.norm(pose.heads - before, axis=-1)[0]
    assert set(np.flatnonzero(moved > 1e-9)) <= set(character.under[character.joint["LeftForeArm"]])
    length = np.linalg.norm(character.rest_point("LeftHand") - character.rest_point("LeftForeArm"))
    assert moved[hand] == pytest.approx(2 * length * np.sin(0.25))
