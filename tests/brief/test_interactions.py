"""What a brief asks of the hands, and what of it can't be."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from duologue.brief import Brief, HandTarget, Interaction, PerformerBrief, PlaceTarget, Speech, Start
from duologue.errors import DuologueError
from duologue.units import Sound


def brief(*interactions, apart=0.6, actions=((0.0, "stand"),), **changes) -> Brief:
    sound = Speech(sound=Sound(np.zeros(16000, np.float32), 16000))
    a = PerformerBrief(sound, start=Start(-apart / 2, 0, math.pi / 2), actions=actions)
    b = PerformerBrief(sound, start=Start(apart / 2, 0, -math.pi / 2))
    return Brief(a, b, interactions=interactions, **changes)


STROKE = Interaction("stroke-cheek", "A", 3.2, 5.0, target="B")


def test_interactions_are_written_and_read_and_leave_the_take_alone(tmp_path):
    asked = brief(STROKE, Interaction("poke-nose", "B", 1.0, 2.0, press=0.8, offset=(2.0, -1.0), hand="left"))
    document = asked.to_json() | {"interactions": asked.interactions_json()}
    assert document["interactions"][0] == {
        "pattern": "stroke-cheek", "performer": "A", "seconds": 3.2, "until": 5.0, "target": "B",
    }  # fmt: skip
    assert Brief.from_json(document).interactions == asked.interactions
    # What travels to a server and what the digest covers is the brief without them: the take is the same.
    assert asked.to_json() == brief().to_json()
    assert asked.digest() == brief().digest()


def test_who_is_touched_where_nobody_is_named():
    assert Interaction("poke-nose", "A", 1, 2).touched == "A"
    assert Interaction("shake-hands", "A", 1, 2).touched == "B"


@pytest.mark.parametrize(
    ("asked", "reason", "words"),
    [
        ([Interaction("stroke-cheak", "A", 1, 2)], "unknown-label", "stroke-cheek"),
        ([Interaction("poke-nose", "C", 1, 2)], "unknown-label", "A"),
        ([Interaction("poke-nose", "A", 1, 1.1)], "interaction-too-short", "0.35 s to arrive"),
        ([Interaction("poke-nose", "A", 0.1, 1)], "interaction-too-short", "0.35 s or later"),
        ([Interaction("poke-nose", "A", 8, 11)], "interaction-too-long", "let go by 9.65 s"),
        ([Interaction("poke-nose", "A", 1, 2, press=1.5)], "out-of-range", "press"),
        ([Interaction("poke-nose", "A", math.nan, 2)], "not-finite", "seconds"),
        ([Interaction("poke-nose", "A", 1, 2, repeat=9)], "out-of-range", "repeat"),
        ([Interaction("shake-hands", "A", 1, 2, target="A")], "interaction-target", "takes two"),
        ([Interaction("poke-nose", "A", 1, 2, hand="left"), Interaction("poke-chin", "A", 2.2, 3, hand="left")],
         "interactions-overlap", "interactions[0] (poke-nose"),
        ([Interaction("poke-nose", "A", 1, 2), Interaction("poke-chin", "A", 1.1, 2), Interaction("poke-cheek", "A", 1.2, 2)],
         "interactions-overlap", "both hands of A"),
        ([Interaction("poke-nose", "A", 1, 4), Interaction("poke-chin", "A", 1.1, 1.4, hand="left"),
          Interaction("poke-cheek", "A", 3, 3.4, hand="right")], "interactions-overlap", "interactions[0].seconds"),
        ([Interaction("poke-nose", "A", 1, 2)] * 201, "interactions-too-many", "200"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_named_before_any_work(asked, reason, words):
    with pytest.raises(DuologueError) as caught:
        brief(*asked, seconds=10.0)
    assert caught.value.reason == reason
    assert words in f"{caught.value.message} {caught.value.field}"
    assert caught.value.field.startswith("interactions")


def test_two_hands_are_enough_for_two_touches():
    both = (Interaction("poke-nose", "A", 1, 2), Interaction("poke-chin", "A", 1.1, 2, hand="right"))
    after = Interaction("poke-cheek", "A", 3, 3.4)
    assert brief(*both, after).interactions == (*both, after)


def test_a_hand_that_a_constraint_holds_is_busy():
    held = HandTarget("A", "left", 3.0, 4.0, 0.0, 1.0, 0.2)
    with pytest.raises(DuologueError, match=r"constraints\[0\] holds A's left hand") as caught:
        brief(Interaction("poke-nose", "A", 3.2, 5.0, hand="left"), constraints=(held,))
    assert caught.value.reason == "interactions-overlap"
    assert brief(Interaction("poke-nose", "A", 3.2, 5.0, hand="right"), constraints=(held,)).interactions


def test_too_far_apart_names_the_place_that_would_do_and_that_place_does():
    with pytest.raises(DuologueError) as caught:
        brief(STROKE, apart=1.6)
    assert caught.value.reason == "interaction-out-of-reach"
    assert "1.60 m apart" in caught.value.message
    assert "x = 0.26, z = 0.00, heading = 1.57" in caught.value.message
    there = PlaceTarget("A", 2.5, 0.26, 0.0, 1.57)
    assert not brief(STROKE, apart=1.6, constraints=(there,)).notes


def test_near_but_perhaps_not_near_enough_is_a_note():
    assert "may be too far" in brief(STROKE, apart=0.62).notes[0]
    assert not brief(STROKE, apart=0.5).notes


@pytest.mark.parametrize(("pattern", "beside"), [("pat-back", (90, 180)), ("arm-round-shoulders", (115, 135))])
def test_nobody_pats_a_back_from_before_it(pattern, beside):
    asked = Interaction(pattern, "A", 6.0, 8.0)
    with pytest.raises(DuologueError, match=r"before the other at .* (beside|behind)") as caught:
        brief(asked, apart=0.4)
    assert caught.value.reason == "interaction-out-of-reach"
    led = brief(replace(asked, approach=True), apart=1.6)
    there = next(place for place in led.constraints if place.heading is not None)
    # B stands at x = 0.8 and looks along -x.
    bearing = math.degrees(math.acos((0.8 - there.x) / math.dist((there.x, there.z), (0.8, 0.0))))
    assert beside[0] - 1 <= bearing <= beside[1]
    assert math.dist((there.x, there.z), (0.8, 0.0)) <= 0.5
    assert not brief(asked, apart=1.6, constraints=led.constraints[: led.constraints.index(there) + 1]).notes


def test_own_faces_are_always_near():
    assert not brief(Interaction("rest-chin", "A", 1, 2), apart=3.0).notes


def test_approach_leads_there_and_back():
    asked = brief(Interaction("stroke-cheek", "A", 6.0, 8.0, target="B", approach=True), apart=1.8)
    places = [(p.seconds, round(math.dist((p.x, p.z), (0.9, 0.0)), 2)) for p in asked.constraints]
    assert [distance for _, distance in places] == [1.8, 0.54, 0.54, 1.8]
    assert places[1][0] < 6.0 - 0.35
    assert places[2][0] > 8.0 + 0.35
    assert "steps to" in asked.notes[0]
    # Written with its places and read again, nobody steps twice.
    document = asked.to_json() | {"interactions": asked.interactions_json()}
    assert Brief.from_json(document).constraints == asked.constraints


def test_who_is_led_is_led_from_where_they_stand_now(tmp_path):
    """Places that approach adds are no part of what was asked for: not of a saved brief, and not of a changed one."""
    mine = PlaceTarget("B", 1.0, 0.9, 0.0)
    asked = brief(Interaction("stroke-cheek", "A", 6.0, 8.0, target="B", approach=True), apart=1.8, constraints=(mine,))
    assert len(asked.led) == 4
    spoken = replace(
        asked,
        a=replace(asked.a, speech=Speech(tmp_path / "a.wav")),
        b=replace(asked.b, speech=Speech(tmp_path / "b.wav")),
    )
    spoken.save(tmp_path / "brief.json")
    saved = json.loads((tmp_path / "brief.json").read_text())
    assert [place["performer"] for place in saved["constraints"]] == ["B"]
    for name in "ab":
        (tmp_path / f"{name}.wav").touch()
    assert Brief.load(tmp_path / "brief.json").constraints == asked.constraints
    farther = replace(asked, a=replace(asked.a, start=Start(-2.1, 0.0, math.pi / 2)))
    places = [(p.x, p.z) for p in farther.constraints if p.performer == "A"]
    np.testing.assert_allclose([places[0], places[-1]], [(-2.1, 0.0)] * 2, atol=1e-6)
    assert len(places) == 4
    assert replace(asked, interactions=()).constraints == (mine,)


def test_nobody_steps_near_sitting():
    with pytest.raises(DuologueError) as caught:
        brief(Interaction("stroke-cheek", "A", 6.0, 8.0, target="B", approach=True), apart=1.8, actions=((0.0, "sit"),))
    assert caught.value.reason == "place-while-seated"


def test_a_partner_who_walks_away_meanwhile_is_refused():
    with pytest.raises(DuologueError, match="A walks then") as caught:
        brief(STROKE, actions=((0.0, "stand"), (4.0, "walk")))
    assert caught.value.reason == "interaction-while-walking"
