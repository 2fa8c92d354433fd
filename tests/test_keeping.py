"""What stays of a take while the rest is made again, through the shipped networks."""

import numpy as np
import pytest
from duologue.brief import Brief, PerformerBrief, PlaceTarget, Speech
from duologue.errors import DuologueError
from duologue.keeping import BLEND, Keep
from duologue.performance import Performance
from duologue.speech.decode import Audio
from duologue.take import Notice, Take, Window
from scipy.spatial.transform import Rotation

SECONDS = 6.0


@pytest.fixture(scope="module")
def stage():
    performance = Performance.load("cpu")
    rng = np.random.default_rng(0)
    # Syllables of noise: enough for something to happen.
    beat = np.repeat(rng.random(int(SECONDS * 8)) > 0.4, 2000)
    audio = tuple(Audio((0.1 * b * rng.standard_normal(len(beat))).astype(np.float32), 16000) for b in (beat, ~beat))

    def perform(seed: int, keep: Keep | None = None, told: list[str] | None = None, **changes) -> Take:
        a, b = (PerformerBrief(Speech(samples=sound.samples, rate=sound.rate)) for sound in audio)
        brief = Brief(a, b, seed=seed, steps=4, **changes)
        made = list(performance.stream(brief, audio, keep=keep))
        windows = [item for item in made if isinstance(item, Window)]
        if told is not None:
            told += [item.message for item in made if isinstance(item, Notice)]
        return Take.from_windows(performance.skeleton, windows, {"seed": seed})

    return perform, perform(1)


def test_a_stretch_is_made_again_and_the_rest_is_the_same_to_the_bit(stage):
    perform, old = stage
    new = perform(2, Keep.all_but(old, [(2.0, 4.0)]))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        for part in (slice(0, 60 - BLEND), slice(120 + BLEND, None)):
            np.testing.assert_array_equal(before.rotations[part], after.rotations[part])
            np.testing.assert_array_equal(before.root_translation[part], after.root_translation[part])
            np.testing.assert_array_equal(before.weights[part], after.weights[part])
        assert np.abs(before.rotations[60:120] - after.rotations[60:120]).max() > 0.05


def test_nothing_pops_where_the_new_meets_the_old(stage):
    perform, old = stage
    new = perform(2, Keep.all_but(old, [(2.0, 4.0)]))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        for edge in (60, 120):
            near = slice(edge - BLEND - 2, edge + BLEND + 2)
            assert _fastest(after.rotations[near]) < 1.5 * max(
                _fastest(before.rotations), _fastest(after.rotations[70:110])
            )
            assert np.linalg.norm(np.diff(after.root_translation[near], axis=0), axis=1).max() < 0.03


def _fastest(rotations) -> float:
    """Largest turn of any joint from frame to frame, radians."""
    turns = Rotation.from_rotvec(rotations.reshape(-1, 3))
    count = rotations.shape[1]
    return float((turns[count:] * turns[:-count].inv()).magnitude().max())


def test_one_performer_is_made_again_beside_the_other(stage):
    perform, old = stage
    new = perform(3, Keep.all_but(old, performers=["B"]))
    assert new.tracks[0].rotations.tobytes() == old.tracks[0].rotations.tobytes()
    assert np.abs(new.tracks[1].rotations - old.tracks[1].rotations).max() > 0.05


def test_only_the_faces_are_made_again(stage):
    perform, old = stage
    new = perform(4, Keep.all_but(old, bodies=False))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        np.testing.assert_array_equal(before.rotations, after.rotations)
        assert np.abs(before.weights - after.weights).max() > 0.01


def test_what_can_not_be_kept_is_refused_before_any_work(stage):
    perform, old = stage
    with pytest.raises(DuologueError, match="nothing of a take"):
        Keep.all_but(old, [(9.0, 10.0)])
    short = Take(old.skeleton, (old.tracks[0][:90], old.tracks[1][:90]))
    with pytest.raises(DuologueError, match="has 90 frames"):
        perform(2, Keep.all_but(short))


def test_a_place_asked_for_is_met_after_the_clean_up_within_two_centimetres(stage):
    perform, old = stage
    there = [old.tracks[0].root_translation[0, 0] - 0.3, 0.4]
    led = perform(1, constraints=(PlaceTarget("A", 4.0, *there, heading=0.5),))
    hips = led.tracks[0]
    assert np.hypot(*(hips.root_translation[120, [0, 2]] - there)) < 0.02
    forward = Rotation.from_rotvec(hips.rotations[120, 0]).apply([0, 0, 1.0])
    assert np.degrees(abs(np.arctan2(forward[0], forward[2]) - 0.5)) < 3


def test_a_constraint_after_the_end_is_left_out_and_said_so(stage):
    perform, old = stage
    told: list[str] = []
    same = perform(1, constraints=(PlaceTarget("A", 60.0, -0.6, 0.5),), told=told)
    assert "1 of 1 constraints come after the end" in " ".join(told)
    assert same.frames == old.frames
