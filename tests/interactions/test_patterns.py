"""The patterns and their timing: tables and curves, before any geometry."""

import numpy as np
import pytest
from duologue import labels
from duologue.brief import Interaction
from duologue.errors import DuologueError
from duologue.interactions.event import CLEARANCE, Phases
from duologue.interactions.patterns import FACE, patterns, read_pattern


def test_every_pattern_that_a_brief_may_name_has_a_table_and_no_other_has():
    assert tuple(patterns()) == labels.INTERACTIONS
    families = [pattern.family for pattern in patterns().values() if pattern.on_face]
    assert [families.count(family) for family in ("poke", "pinch", "stroke", "swipe")] == [4, 4, 5, 5]
    assert {pattern.name for pattern in patterns().values() if pattern.on_face} == set(labels.FACE_INTERACTIONS)
    assert {pattern.landmark for pattern in patterns().values() if pattern.on_face} == set(FACE)


@pytest.mark.parametrize("name", labels.INTERACTIONS)
@pytest.mark.parametrize("own", [False, True])
def test_a_pattern_is_of_a_hands_size(name, own):
    pattern = patterns(own=own)[name]
    assert np.isclose(np.linalg.norm(pattern.along), 1)
    assert np.abs(pattern.path).max() < 0.04
    assert 0 <= pattern.depth <= 0.006
    assert pattern.press[0, 0] == 0
    assert pattern.press[-1, 0] == 1
    assert (pattern.family == "pinch") == (pattern.width[0] > pattern.width[1] > 0)


def test_on_the_own_face_a_pattern_may_be_another():
    own, partners = (patterns(own=own)["rest-chin"] for own in (True, False))
    assert own.touch != partners.touch
    assert own.landmark == partners.landmark
    assert own.depth == partners.depth
    for other in ("poke-nose", "shake-hands"):
        assert patterns(own=True)[other].touch == patterns()[other].touch


@pytest.mark.parametrize(
    "change",
    [
        {"landmark": "knee"},
        {"touch": ["Toe"]},
        {"along": [0, 0, float("nan")]},
        {"speed": 3},
        {"press": [[1, 0], [0, 1]]},
    ],
)
def test_a_malformed_pattern_is_named(change):
    table = {"landmark": "cheek", "shape": "point", "touch": ["Index"], **change}
    with pytest.raises(DuologueError, match="'poke-knee'") as caught:
        read_pattern("poke-knee", table)
    assert caught.value.reason == "pattern-malformed"


times = np.arange(0, 8, 1 / 30)


def phases(distance=0.5, **changes) -> Phases:
    asked = {"pattern": "stroke-cheek", "performer": "A", "seconds": 3.0, "until": 5.0, **changes}
    return Phases.of(Interaction(**asked), distance, 0.0, 8.0)


def test_a_hand_sets_out_in_time_and_comes_down_along_the_normal():
    event = phases()
    assert event.leaves == pytest.approx(3.0 - 0.35 - 0.4)
    reach, clearance = event.reach(times), event.clearance(times)
    assert reach[times <= event.leaves].max() == 0
    assert clearance[event.contact(times) > 0].max() < 1e-12
    assert clearance[reach < 0.5].min() == pytest.approx(CLEARANCE)
    assert reach[event.contact(times) > 0].min() == 1
    # Neither speed nor acceleration jumps: minimum jerk.
    assert np.abs(np.diff(reach, 2)).max() < 0.02
    assert np.abs(np.diff(clearance, 2)).max() < 0.01


def test_the_path_is_run_through_as_often_as_asked():
    assert np.ptp(phases().along(times)) == 1
    to_and_fro = phases(repeat=4).along(times)
    assert (np.abs(np.diff(np.sign(np.diff(to_and_fro)[np.abs(np.diff(to_and_fro)) > 1e-9]))) > 0).sum() == 3
    assert to_and_fro[-1] == pytest.approx(0)


def test_the_skin_is_pressed_as_asked_and_no_deeper_than_the_tissue():
    assert phases(press=1.0).depth(times, 0.01).max() == pytest.approx(0.003)
    assert phases(press=0.5).depth(times, 0.01).max() == pytest.approx(0.0015)
    assert phases(press=1.0).depth(times, 0.001).max() == pytest.approx(0.001)
    assert phases(press=0.0).depth(times, 0.01).max() == 0


def test_a_hand_taps_and_its_last_tap_stays():
    phases = Phases.of(Interaction("pat-shoulder", "A", 2.0, 3.2, target="B"), 0.4, 0.0, 9.0)
    time = np.arange(0.0, 5.0, 0.001)
    on = phases.contact(time) > 0
    begins, ends = time[1:][np.diff(on.astype(int)) > 0], time[:-1][np.diff(on.astype(int)) < 0]
    every = phases.pattern.taps[1]
    assert begins == pytest.approx(2.0 + every * np.arange(3), abs=0.002)
    assert ends[-1] == pytest.approx(3.2, abs=0.002)
    assert (np.diff(begins) > ends[:-1] - begins[:-1]).all(), "it is off in between"
    lift = phases.lift(time)
    assert lift.max() == pytest.approx(0.030, abs=1e-4)
    assert (lift[on] < 1e-8).all()
    assert (lift[~on & (time > 2.01) & (time < 3.19)] > 0).all()
    assert np.abs(np.diff(lift, 2)).max() < 2e-5, "no more than 2 g: nowhere a jump"


@pytest.mark.parametrize(
    ("until", "repeat", "taps"), [(2.15, 1, 1), (2.7, 1, 2), (8.0, 1, 3), (8.0, 5, 5), (2.7, 8, 2)]
)
def test_a_hand_taps_as_often_as_is_asked_for_and_there_is_time(until, repeat, taps):
    phases = Phases.of(Interaction("pat-back", "A", 2.0, until, target="B", repeat=repeat), 0.4, 0.0, 12.0)
    on = phases.contact(np.arange(0.0, 10.0, 0.002)) > 0
    assert int((np.diff(on.astype(int)) > 0).sum()) == taps


def test_who_does_not_tap_stays_on():
    phases = Phases.of(Interaction("cup-cheek", "A", 2.0, 5.0, target="B", repeat=4), 0.4, 0.0, 12.0)
    assert (phases.contact(np.arange(2.0, 5.0, 0.01)) > 0).all()
    assert not phases.lift(np.arange(0.0, 9.0, 0.01)).any()


def test_hands_are_struck_together_and_laid_on_faces():
    """Metres a second at which a hand comes down a hundredth of a second before it touches."""
    speeds = {}
    for name in ("high-five", "cup-cheek"):
        phases = Phases.of(Interaction(name, "A", 2.0, 2.9, target="B"), 0.5, 0.0, 9.0)
        time = np.arange(phases.leaves, phases.touches + 1e-9, 0.001)
        clearance = phases.clearance(time)
        assert clearance[0] == pytest.approx(CLEARANCE)
        assert clearance[-1] == pytest.approx(0.0, abs=1e-6)
        assert (np.diff(clearance) < 1e-12).all(), "never up again"
        speeds[name] = (clearance[-11] - clearance[-1]) / 0.01
    assert speeds["high-five"] > 0.15
    assert speeds["cup-cheek"] < 0.02
