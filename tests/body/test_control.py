import numpy as np
import pytest
import torch
from duologue.body.control import LEASH, Control, Pins, Plan, settle
from duologue.body.walking import plan_walks
from duologue.features.pose import route
from duologue.labels import ACTION_MODES
from duologue.motion.seating import RISE, SEATED, SITTING
from duologue.motion.trajectory import plan_trajectory
from examples_body import SKELETON, STARTS, perform, some_conditions, tiny_pipeline
from scipy.spatial.transform import Rotation

SIT, WALK, STAND = (ACTION_MODES.index(mode) for mode in ("sit", "walk", "stand"))
FREE = np.array([np.nan, np.nan, np.nan])


def spots(*rows) -> Pins:
    return Pins(np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], float))


def test_somebody_sets_out_in_time_faces_where_they_go_and_turns_as_asked():
    standing = np.full(240, STAND)
    way = plan_trajectory(np.array([0.0, 0.0, 0.0]), np.array([150]), np.array([[3.0, 0.0, np.pi]]), standing)
    path, given = way.path, way.given
    assert given.all(), "after the last place they stay"
    np.testing.assert_allclose(path[150], [3, 0, np.pi])
    np.testing.assert_allclose(path[200], path[150])
    np.testing.assert_allclose(path[:40], np.zeros((40, 3)), err_msg="there is time yet")
    speed = 30 * np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1)
    assert 0.9 < speed.max() < 1.6, "an easy walk"
    underway = np.flatnonzero(speed > 0.8 * speed.max())
    np.testing.assert_allclose(path[underway[len(underway) // 2], 2], np.pi / 2, atol=0.05)
    assert np.abs(np.diff(path[:, 2])).max() * 30 < 6, "no snap of the heading"


@pytest.mark.parametrize("frames", [1, 90])
def test_who_is_placed_in_the_first_frame_without_a_heading_looks_where_they_did(frames):
    start = np.array([1.0, 0.0, 0.7])
    way = plan_trajectory(start, np.array([0]), np.array([[2.0, 1.0, np.nan]]), np.full(frames, STAND))
    np.testing.assert_allclose(way.path, np.tile([2.0, 1.0, 0.7], (frames, 1)))
    on = plan_trajectory(
        start, np.array([0, 80]), np.array([[2.0, 1.0, np.nan], [2.0, 1.3, np.nan]]), np.full(90, STAND)
    )
    np.testing.assert_allclose(on.path[80], [2.0, 1.3, 0.7])
    assert np.isfinite(on.path).all()


def test_no_steps_are_planned_beside_a_pinned_pose_in_a_take_of_under_a_second():
    afoot = np.zeros((2, 20), bool)
    afoot[0, :4] = True
    nowhere = np.zeros(0, np.int64)
    plan = Plan(np.zeros((2, 20, 3)), afoot, afoot, (nowhere, nowhere))
    pinned = Pins(np.array([19]), np.full((1, 3), np.nan), np.zeros((1, 4), np.float32))
    assert len(plan_walks(plan, (Pins(), Pins()), SKELETON)[0]) == 1
    assert plan_walks(plan, (pinned, Pins()), SKELETON)[0] == [], "half a second on either side is the network's"


def test_a_walk_that_is_asked_for_is_when_they_move_and_afterwards_they_are_free():
    actions = np.full(300, STAND)
    actions[30:120], actions[200:] = WALK, WALK
    way = plan_trajectory(np.zeros(3), np.array([150]), np.array([[0.0, 4.0, np.nan]]), actions)
    path, given = way.path, way.given
    moved = np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1) > 1e-6
    assert set(np.flatnonzero(moved) + 1) <= set(range(30, 121))
    assert given[:200].all()
    assert not given[200:].any()


def test_a_place_in_the_middle_of_a_walk_is_passed_without_a_halt():
    actions = np.full(240, STAND)
    actions[30:200] = WALK
    places = np.array([[0.0, 2.0, np.nan], [1.0, 4.0, np.nan], [3.0, 4.5, 0.0]])
    path = plan_trajectory(np.zeros(3), np.array([80, 130, 180]), places, actions).path
    np.testing.assert_allclose(path[[80, 130, 180], :2], places[:, :2])
    speed = 30 * np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1)
    assert speed[50:170].min() > 0.9, "on the move from half a second after setting out to half a second before the end"
    assert speed[:29].max() == speed[200:].max() == 0


def test_a_seat_is_left_and_come_to_on_foot_and_sat_down_on_backwards():
    actions = np.full(330, STAND)
    actions[:60], actions[240:] = SIT, SIT
    way = plan_trajectory(np.zeros(3), np.array([260]), np.array([[0.0, 3.0, np.pi]]), actions)
    steps = np.flatnonzero(way.afoot)
    assert steps.min() >= 60 + RISE, "up first"
    assert steps.max() <= 240 - SITTING, "then down"
    np.testing.assert_allclose(way.path[60, 1], 0.11, atol=0.01)  # to the edge of the seat before they rise …
    np.testing.assert_allclose(way.path[60 + 18, 1], 0.29, atol=0.01)  # … and forward over the feet
    np.testing.assert_allclose(
        way.path[steps.max() + 1], [0, 3.0 - SEATED, np.pi], atol=0.02
    )  # the back to the seat, before it
    np.testing.assert_allclose(way.path[260:], np.tile([0, 3.0, np.pi], (70, 1)), atol=1e-9)
    down = np.diff(way.path[steps.max() + 1 : 260, 1])
    assert (down >= -1e-9).all(), "hips go back onto it, and never forward again"


def test_who_is_asked_to_walk_for_too_short_a_time_sets_out_earlier():
    actions = np.full(240, STAND)
    actions[120:150] = WALK
    way = plan_trajectory(np.zeros(3), np.array([200]), np.array([[0.0, 4.0, 0.0]]), actions)
    speed = 30 * np.linalg.norm(np.diff(way.path[:, :2], axis=0), axis=1)
    assert speed.max() < 1.9, "nobody runs"
    assert np.flatnonzero(way.afoot).max() <= 150


def test_turning_round_takes_its_time():
    way = plan_trajectory(np.zeros(3), np.array([120]), np.array([[0.0, 0.0, np.pi]]), np.full(150, STAND))
    assert 30 * np.abs(np.diff(way.path[:, 2])).max() < np.radians(180)
    assert way.afoot.sum() > 40


def test_a_near_place_is_reached_without_turning_away():
    path = plan_trajectory(
        np.array([0.0, 0.0, 1.0]), np.array([60]), np.array([[-0.3, 0.0, 1.2]]), np.full(90, STAND)
    ).path
    assert (path[:, 2] >= 1.0 - 1e-9).all()
    assert (path[:, 2] <= 1.2 + 1e-9).all()


def test_a_route_tells_speeds_in_the_walkers_own_frame():
    time = np.arange(90)[:, None] / 30
    heading = 0.5 * time  # a circle of 2 m, walked at 1 m/s
    path = np.concatenate([2 - 2 * np.cos(heading), 2 * np.sin(heading), heading], axis=-1)
    np.testing.assert_allclose(route(path, smoothing=0)[1:], np.tile([0, 1, 0.5], (89, 1)), atol=0.02)
    np.testing.assert_allclose(route(path)[30:60], np.tile([0, 1, 0.5], (30, 1)), atol=0.04)


def test_places_are_met_whatever_the_networks_make_and_across_windows():
    actions = np.zeros((2, 70), np.uint8)
    actions[0, 5:60] = WALK
    frames, place = 60, [1.0, 2.0, 0.4]
    control = Control((spots((frames, *place)), Pins()))
    pipeline = tiny_pipeline()
    led, rotations = perform(pipeline, some_conditions(70, actions=actions), control=control)
    np.testing.assert_allclose(led[0, frames, [0, 2]], place[:2], atol=1e-4)
    forward = Rotation.from_rotvec(rotations[0, frames, 0]).apply([0, 0, 1.0])
    assert np.arctan2(forward[0], forward[2]) == pytest.approx(place[2], abs=0.02)
    steps = 30 * np.linalg.norm(np.diff(led[0, 5:frames, [0, 2]], axis=-1), axis=0)
    assert steps.max() < 2.5, "led there, not put there"


def test_who_is_free_again_in_the_middle_of_a_window_is_led_no_further():
    """A window begins with the stay after the last place and ends with a walk that goes where it likes."""
    actions = np.zeros((2, 60), np.uint8)
    actions[0, 36:] = WALK
    control = Control((spots((10, -0.6, 0.0, 1.0)), Pins()))
    led, rotations = perform(tiny_pipeline(), some_conditions(60, actions=actions), control=control)
    assert np.isfinite(led).all()
    assert np.isfinite(rotations).all()
    np.testing.assert_allclose(led[0, 10, [0, 2]], [-0.6, 0.0], atol=0.03, err_msg="over the foot that bears meanwhile")
    away = np.hypot(led[0, 35, 0] + 0.6, led[0, 35, 2])
    assert 1e-3 < away < LEASH[0] + 1e-4, "they stay until they may go, and shift their weight meanwhile"


def test_who_gets_up_from_a_seat_or_sits_down_is_not_held_to_the_place_by_the_hips():
    """Getting up carries the hips forward over the feet; held to the seat, they would slide back on it beforehand."""
    for before, after in ((SIT, 0), (0, SIT)):
        actions = np.full((2, 90), before, np.uint8)
        actions[0, 60:] = after
        plan = Control((spots((10, -0.6, 0.0, 1.0)), Pins())).plan(STARTS.astype(float), actions)
        assert plan.given[0, 11:60].all()
        assert not plan.given[0, 60:].any()


def test_pinned_poses_and_kept_stretches_are_there_and_nothing_pops_beside_them():
    pipeline = tiny_pipeline()
    root, rotations = (x.astype(float) for x in perform(pipeline, some_conditions(40), seed=3))
    stretch = np.arange(20, 40)
    pins = Pins.of_motion(root[0], rotations[0], stretch)
    sampled_root, sampled = perform(pipeline, some_conditions(40), seed=4, control=Control((pins, Pins())))
    np.testing.assert_allclose(sampled_root[0, stretch], root[0, stretch], atol=2e-3)
    apart = (
        Rotation.from_rotvec(sampled[0, stretch].reshape(-1, 3))
        * Rotation.from_rotvec(rotations[0, stretch].reshape(-1, 3)).inv()
    )
    assert np.degrees(apart.magnitude()).max() < 0.5
    assert np.abs(sampled[1] - rotations[1]).max() > 0.05, "the other one is made anew"


def test_a_pose_may_be_pinned_wherever_its_performer_is():
    pipeline = tiny_pipeline()
    root, rotations = (x.astype(float) for x in perform(pipeline, some_conditions(24), seed=3))
    pose = Pins.of_motion(root[1] + [5.0, 0, 0], rotations[1], np.array([12]))
    pins = Pins(pose.frames, np.full((1, 3), np.nan), pose.features)
    sampled_root, sampled = perform(pipeline, some_conditions(24), seed=5, control=Control((Pins(), pins)))
    np.testing.assert_allclose(sampled[1, 12, 1:], rotations[1, 12, 1:], atol=2e-2)
    assert np.abs(sampled_root[1, 12, 0] - root[1, 12, 0]) < 2, "not carried off to where the pose was taken"


def test_settling_takes_up_a_difference_beside_a_pin_and_nowhere_else():
    estimate = torch.randn(1, 1, 60, 1)
    given, held = torch.zeros_like(estimate), torch.zeros(1, 1, 60, 1, dtype=torch.bool)
    given[0, 0, 30] = estimate[0, 0, 30] + 1
    held[0, 0, 30] = True
    x = torch.where(held, given, estimate)
    offset = (settle(x, estimate, given, held, 0) - estimate)[0, 0, :, 0]
    assert offset[30] == pytest.approx(1.0)
    assert (offset[:18].abs() < 1e-6).all()
    assert (offset[43:].abs() < 1e-6).all()
    assert (offset.diff().abs() < 0.15).all()


def test_later_pins_win_and_say_only_what_they_know():
    first = Pins(np.array([3, 5]), np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]))
    second = Pins(np.array([5, 9]), np.array([[4.0, 5.0, np.nan], FREE]))
    merged = Pins.merged([first, second])
    np.testing.assert_array_equal(merged.frames, [3, 5, 9])
    np.testing.assert_array_equal(merged.places[1], [4, 5, 0])
    assert np.isnan(merged.places[2]).all()


def test_the_same_take_without_pins_is_untouched():
    pipeline = tiny_pipeline()
    alone, _ = perform(pipeline, some_conditions(30))
    again, _ = perform(pipeline, some_conditions(30), control=Control())
    np.testing.assert_array_equal(alone, again)
    assert STARTS[0, 0] == pytest.approx(alone[0, 0, 0], abs=1e-5)
