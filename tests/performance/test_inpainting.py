"""What stays of a take while the rest is made again, through the shipped networks."""

from dataclasses import replace

import numpy as np
import pytest
from duologue.body.network import Denoiser
from duologue.brief import Brief, Expression, PerformerBrief, PlaceTarget, Speech
from duologue.errors import DuologueError
from duologue.face.conditions import EncodedConditions
from duologue.face.network import FaceDenoiser
from duologue.performance import Performance
from duologue.performance.inpainting import BLEND, KeptTake
from duologue.take import Notice, Take, Window
from duologue.take.edit import Edit
from duologue.units import Sound
from scipy.spatial.transform import Rotation

SECONDS = 6.0


@pytest.fixture(scope="module")
def stage():
    performance = Performance.load("cpu")
    rng = np.random.default_rng(0)
    # Syllables of noise: enough for something to happen.
    beat = np.repeat(rng.random(int(SECONDS * 8)) > 0.4, 2000)
    audio = tuple(Sound((0.1 * b * rng.standard_normal(len(beat))).astype(np.float32), 16000) for b in (beat, ~beat))

    def perform(
        seed: int, keep: KeptTake | None = None, notes: list[str] | None = None, a: dict | None = None, **changes
    ) -> Take:
        performers = [
            PerformerBrief(Speech(sound=sound), **settings)
            for sound, settings in zip(audio, (a or {}, {}), strict=True)
        ]
        brief = Brief(*performers, seed=seed, steps=4, **changes)
        items = list(performance.stream(brief, audio, keep=keep))
        windows = [item for item in items if isinstance(item, Window)]
        if notes is not None:
            notes += [item.message for item in items if isinstance(item, Notice)]
        return Take.from_windows(performance.skeleton, windows, {"seed": seed})

    return perform, perform(1)


def test_a_stretch_is_made_again_and_the_rest_is_the_same_to_the_bit(stage):
    perform, old = stage
    new = perform(2, KeptTake.all_but(old, Edit(2.0, 4.0)))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        for part in (slice(0, 60 - BLEND), slice(120 + BLEND, None)):
            np.testing.assert_array_equal(before.rotations[part], after.rotations[part])
            np.testing.assert_array_equal(before.root_translation[part], after.root_translation[part])
            np.testing.assert_array_equal(before.weights[part], after.weights[part])
        assert np.abs(before.rotations[60:120] - after.rotations[60:120]).max() > 0.05


def test_nothing_pops_where_the_new_meets_the_old(stage):
    perform, old = stage
    new = perform(2, KeptTake.all_but(old, Edit(2.0, 4.0)))
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
    new = perform(3, KeptTake.all_but(old, Edit(performers=("B",))))
    assert new.tracks[0].rotations.tobytes() == old.tracks[0].rotations.tobytes()
    assert np.abs(new.tracks[1].rotations - old.tracks[1].rotations).max() > 0.05


def test_only_the_stretch_and_a_little_around_it_is_made(stage, calls):
    perform, old = stage
    assert perform(1).digest() == old.digest()
    whole = calls[Denoiser], calls[FaceDenoiser]
    new = perform(2, KeptTake.all_but(old, Edit(5.0)))
    assert calls[Denoiser] - whole[0] < 0.7 * whole[0], "frames that the networks of the bodies are asked for"
    assert calls[FaceDenoiser] - whole[1] < 0.7 * whole[1]
    for before, after in zip(old.tracks, new.tracks, strict=True):
        for name in ("root_translation", "rotations", "weights", "facing", "actions"):
            part = slice(0, 150 - BLEND)
            assert getattr(before, name)[part].tobytes() == getattr(after, name)[part].tobytes()
        assert np.abs(before.rotations[150:] - after.rotations[150:]).max() > 0.05
        assert np.abs(before.weights[150:] - after.weights[150:]).max() > 0.01


@pytest.fixture
def calls(monkeypatch):
    """For how many frames the networks of the bodies and of the faces are asked."""
    counted = {Denoiser: 0, FaceDenoiser: 0}

    def count(network):
        forward = network.forward

        def counting(*given, **named):
            counted[network] += given[1].shape[-2]
            return forward(*given, **named)

        monkeypatch.setattr(network, "forward", counting)

    for network in counted:
        count(network)
    return counted


def test_only_the_faces_are_made_again_and_no_body_is_sampled(stage, calls):
    perform, old = stage
    new = perform(4, KeptTake.all_but(old, Edit(bodies=False)))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        for name in ("root_translation", "rotations", "facing", "actions"):
            assert getattr(before, name).tobytes() == getattr(after, name).tobytes()
        assert np.abs(before.weights - after.weights).max() > 0.01
    assert calls[Denoiser] == 0 < calls[FaceDenoiser]


def test_only_the_bodies_are_made_again_and_no_face_is_sampled(stage, calls):
    perform, old = stage
    new = perform(4, KeptTake.all_but(old, Edit(faces=False)))
    for before, after in zip(old.tracks, new.tracks, strict=True):
        assert before.weights.tobytes() == after.weights.tobytes()
        assert np.abs(before.rotations - after.rotations).max() > 0.05
    assert calls[FaceDenoiser] == 0 < calls[Denoiser]


def test_the_face_is_told_who_faces_whom_of_the_bodies_that_stay(stage, monkeypatch):
    perform, old = stage
    asked_for = {}
    window = EncodedConditions.window

    def listen(self, start, stop, dropped):
        conditions = window(self, start, stop, dropped)
        asked_for[start, stop] = conditions.facing[:2].numpy().astype(bool)
        return conditions

    monkeypatch.setattr(EncodedConditions, "window", listen)
    turned = [replace(track, facing=np.arange(len(track)) % 50 < 25) for track in old.tracks]
    perform(4, KeptTake.all_but(replace(old, tracks=tuple(turned)), Edit(bodies=False)))
    assert asked_for
    for (start, stop), facing in asked_for.items():
        np.testing.assert_array_equal(facing, [track.facing[start:stop] for track in turned])


def test_raw_weights_stay_where_the_face_stays(stage):
    perform, old = stage
    settings = {"face": Expression(raw=True)}
    loud = perform(1, a=settings)
    new = perform(2, KeptTake.all_but(loud, Edit(2.0, 4.0)), a=settings)
    for part in (slice(0, 60 - BLEND), slice(120 + BLEND, None)):
        np.testing.assert_array_equal(loud.tracks[0].raw[part], new.tracks[0].raw[part])
    assert np.abs(loud.tracks[0].raw[60:120] - new.tracks[0].raw[60:120]).max() > 0.01
    assert new.tracks[1].raw is None
    # A take that has none has the next best: its weights.
    first = perform(2, KeptTake.all_but(old, Edit(2.0, 4.0)), a=settings)
    np.testing.assert_array_equal(first.tracks[0].raw[:50], old.tracks[0].weights[:50])


def test_what_can_not_be_kept_is_refused_before_any_work(stage):
    perform, old = stage
    with pytest.raises(DuologueError, match="beyond the end"):
        KeptTake.all_but(old, Edit(9.0, 10.0))
    longer = replace(old.skeleton, offsets=old.skeleton.offsets * 1.1)
    with pytest.raises(DuologueError) as refused:
        perform(2, KeptTake.all_but(replace(old, skeleton=longer), Edit()))
    assert refused.value.reason == "take-skeleton"
    short = Take(old.skeleton, (old.tracks[0][:90], old.tracks[1][:90]))
    with pytest.raises(DuologueError, match="has 90 frames"):
        perform(2, KeptTake.all_but(short, Edit()))


def test_a_place_asked_for_is_met_after_the_clean_up_within_five_centimetres(stage):
    perform, old = stage
    there = [old.tracks[0].root_translation[0, 0] - 0.3, 0.4]
    led = perform(1, constraints=(PlaceTarget("A", 4.0, *there, heading=0.5),))
    hips = led.tracks[0]
    assert np.hypot(*(hips.root_translation[120, [0, 2]] - there)) < 0.05
    forward = Rotation.from_rotvec(hips.rotations[120, 0]).apply([0, 0, 1.0])
    assert np.degrees(abs(np.arctan2(forward[0], forward[2]) - 0.5)) < 3


def test_a_constraint_after_the_end_is_left_out_and_said_so(stage):
    perform, old = stage
    notes: list[str] = []
    same = perform(1, constraints=(PlaceTarget("A", 60.0, -0.6, 0.5),), notes=notes)
    assert "1 of 1 constraints come after the end" in " ".join(notes)
    assert same.frames == old.frames
