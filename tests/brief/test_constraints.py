import numpy as np
import pytest
from duologue.brief import Brief, GazeTarget, HandTarget, PerformerBrief, PlaceTarget, Speech, Start
from duologue.brief.constraints import places_of
from duologue.errors import DuologueError
from duologue.units import Sound


def brief(*constraints, **changes) -> Brief:
    sound = Speech(sound=Sound(np.zeros(16000, np.float32), 16000))
    a = PerformerBrief(sound, start=Start(-0.6, 0, 1.0), actions=changes.pop("actions", ((0.0, "stand"),)))
    return Brief(a, PerformerBrief(sound, start=Start(0.6, 0, -1.0)), constraints=constraints, **changes)


def test_every_kind_survives_the_way_through_a_document():
    original = brief(
        PlaceTarget("A", 4.0, -0.5, 1.0),
        PlaceTarget("B", 3.0, 1.5, 1.0, 0.5),
        HandTarget("B", "left", 1.0, 2.0, 0.4, 1.1, 0.2),
        GazeTarget("A", 0.5, 1.5, 2.0, 1.6, 3.0),
    )
    document = original.to_json()
    assert Brief.from_json(document).constraints == original.constraints
    frames, places = places_of(original.constraints, "A")
    assert frames.tolist() == [120]
    assert np.isnan(places[0, 2])


def test_a_place_needs_no_kind_as_before():
    document = brief().to_json() | {"constraints": [{"performer": "A", "seconds": 2.0, "x": 0.0, "z": 0.5}]}
    assert Brief.from_json(document).constraints == (PlaceTarget("A", 2.0, 0.0, 0.5),)


@pytest.mark.parametrize(
    ("constraints", "reason", "word"),
    [
        ([PlaceTarget("A", 1.0, -8.0, 0.0)], "place-too-far", "7.4 m in 1.0 s"),
        ([PlaceTarget("A", 3.0, -1.0, 0), PlaceTarget("A", 3.0, -1.2, 0)], "places-twice", "one time"),
        ([PlaceTarget("A", 4.0, 2.0, 0.0)], "ways-collide", "from each other"),
        ([HandTarget("A", "left", 2.0, 1.0, 0, 1, 0)], "out-of-range", "until"),
        ([GazeTarget("A", 2.0, 3.0, 0, float("nan"), 0)], "not-finite", "y"),
        ([PlaceTarget("A", -1.0, 0, 0)], "out-of-range", "seconds"),
    ],
)
def test_what_can_not_be_done_is_refused_before_any_work(constraints, reason, word):
    with pytest.raises(DuologueError) as caught:
        brief(*constraints)
    assert caught.value.reason == reason
    assert word in str(caught.value) + (caught.value.field or "")
    assert (caught.value.field or "").startswith("constraints")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"kind": "dance", "performer": "A", "seconds": 1}, "unknown-label"),
        ({"kind": "hand", "performer": "A", "side": "both", "seconds": 1, "x": 0, "y": 1, "z": 0}, "unknown-label"),
        ({"kind": "gaze", "performer": "A", "seconds": 1, "x": 0, "z": 0}, "missing-key"),
        ({"performer": "A", "seconds": 1, "x": 0, "z": 0, "side": "left"}, "unknown-key"),
    ],
)
def test_a_table_that_makes_no_sense_is_named(table, reason):
    with pytest.raises(DuologueError) as caught:
        Brief.from_json(brief().to_json() | {"constraints": [table]})
    assert caught.value.reason == reason
    assert (caught.value.field or "").startswith("constraints[0]")


def test_a_way_round_the_partner_is_fine_and_a_free_walker_is_not_judged():
    brief(PlaceTarget("A", 3.0, 0.6, 1.2), PlaceTarget("A", 6.0, 2.0, 0.0))
    brief(PlaceTarget("B", 3.0, -0.6, 0.0), actions=((0.0, "walk"),))


@pytest.mark.parametrize(
    ("constraint", "actions", "needed", "enough"),
    [
        # 2.5 m and back half a metre, getting up before or sitting down behind.
        (
            PlaceTarget("A", 4.0, -0.6, 3.0, np.pi),
            ((0.0, "stand"), (2.0, "sit")),
            "2.5 s",
            ((0.0, "stand"), (2.6, "sit")),
        ),
        (PlaceTarget("A", 3.0, -0.6, 3.5, 1.0), ((0.0, "sit"), (1.0, "stand")), "3.0 s", ((0.0, "stand"),)),
    ],
)
def test_a_seat_that_is_reached_too_late_is_refused_with_the_time_it_takes(constraint, actions, needed, enough):
    """Getting up and sitting down take their time: nobody glides onto a chair."""
    with pytest.raises(DuologueError) as caught:
        brief(constraint, actions=actions)
    assert caught.value.reason == "place-while-seated"
    assert needed in caught.value.message
    assert brief(constraint, actions=enough).constraints == (constraint,)


def test_a_place_behind_the_partner_is_gone_to_round_them_or_not_at_all():
    with pytest.raises(DuologueError, match="send one round") as caught:
        brief(PlaceTarget("A", 5.0, 2.0, 0.0))
    assert caught.value.reason == "ways-collide"
    around = PlaceTarget("A", 3.0, 0.6, 1.2), PlaceTarget("A", 5.0, 2.0, 0.0)
    assert brief(*around, actions=((0.0, "stand"), (1.0, "walk"), (5.0, "stand"))).constraints == around


def test_five_places_in_three_seconds_are_walked_or_refused():
    walks = ((0.0, "walk"), (3.0, "stand"))
    near = tuple(PlaceTarget("A", 0.6 * k, -0.6 - 0.5 * k, 0.2 * k) for k in range(1, 6))
    assert brief(*near, actions=walks).constraints == near
    with pytest.raises(DuologueError, match=r"1\.4 m in 0\.6 s; give 0\.9 s"):
        brief(*(PlaceTarget("A", 0.6 * k, -0.6 - 1.4 * k, 0.0) for k in range(1, 6)), actions=walks)
