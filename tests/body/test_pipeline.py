import dataclasses

import numpy as np
import pytest
import torch
from duologue.body.pipeline import BodyPipeline
from duologue.body.sampling import grow_from
from duologue.checkpoints.store import open_checkpoint, write_checkpoint
from duologue.errors import DuologueError
from duologue.features.root import heading
from duologue.labels import ACTION_MODES
from duologue.motion.contact import Soles
from duologue.motion.skeleton import forward_kinematics
from examples_body import SKELETON, STARTS, perform, some_conditions, tiny_model, tiny_pipeline


def test_windows_follow_one_another_and_cover_the_take():
    windows = list(tiny_pipeline().stream(some_conditions(50), seed=0, steps=2))
    # tiny: windows of 24 frames with 6 known from the one before.
    assert [(w.start, w.rotations.shape[1]) for w in windows] == [(0, 24), (24, 18), (42, 8)]
    assert all(w.rotations.shape == (2, w.root_translation.shape[1], 60, 3) for w in windows)


@pytest.mark.parametrize("frames", [1, 7])
def test_a_take_shorter_than_a_window(frames):
    root, rotations = perform(tiny_pipeline(), some_conditions(frames))
    assert root.shape == (2, frames, 3)
    assert np.isfinite(rotations).all()


def test_the_same_seed_gives_the_same_take_bit_for_bit_and_another_seed_another():
    first, again, other = (perform(tiny_pipeline(), some_conditions(40), seed) for seed in (3, 3, 4))
    assert np.array_equal(first[1], again[1])
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[1], other[1])


def test_both_begin_where_they_were_placed():
    pipeline = tiny_pipeline()
    starts = np.array([[1.0, -2.0, 0.3], [-4.0, 5.0, -2.9]], np.float32)
    root, rotations = perform(pipeline, some_conditions(5, starts=starts))
    np.testing.assert_allclose(root[:, 0, [0, 2]], starts[:, :2], atol=1e-6)
    np.testing.assert_allclose(heading(rotations[:, 0, 0]), starts[:, 2], atol=1e-4)


def test_moving_both_together_changes_nothing_but_where_they_are():
    root, rotations = perform(tiny_pipeline(), some_conditions(40))
    moved = STARTS + np.array([3.0, -1.0, 0.0], np.float32)
    root_moved, rotations_moved = perform(tiny_pipeline(), some_conditions(40, starts=moved))
    np.testing.assert_allclose(root_moved - root, np.broadcast_to([3.0, 0, -1.0], root.shape), atol=1e-4)
    np.testing.assert_allclose(rotations_moved, rotations, atol=1e-4)


def test_strength_one_is_plain_and_another_strength_is_not():
    c = some_conditions(10)
    plain = perform(tiny_pipeline(), c)[1]
    assert np.array_equal(perform(tiny_pipeline(), c, strengths={"text": 1.0})[1], plain)
    assert not np.allclose(perform(tiny_pipeline(), c, strengths={"text": 2.0})[1], plain)


def test_a_checkpoint_may_choose_its_own_strengths_and_a_brief_overrules_them():
    c = some_conditions(10)
    pipeline = tiny_pipeline()
    pipeline.model.strengths = {"text": 2.0}
    strong = perform(tiny_pipeline(), c, strengths={"text": 2.0})[1]
    assert np.array_equal(perform(pipeline, c)[1], strong)
    assert np.array_equal(perform(pipeline, c, strengths={"text": 1.0})[1], perform(tiny_pipeline(), c)[1])


def test_strength_zero_does_not_hear_the_condition():
    loud, quiet = some_conditions(10), some_conditions(10)
    quiet.mel[:] = 0
    quiet.activity[:] = 0
    # Dropping speech drops it for both, so nobody hears the partner's either.
    deaf = [perform(tiny_pipeline(), c, strengths={"speech": 0.0})[1] for c in (loud, quiet)]
    plain = [perform(tiny_pipeline(), c)[1] for c in (loud, quiet)]
    np.testing.assert_allclose(deaf[0], deaf[1], atol=1e-5)
    assert np.abs(plain[0] - plain[1]).max() > 1e-3


def test_later_windows_grow_out_of_the_earlier_ones():
    """What was made stays made: the past is held, so a long take begins exactly as its own first window does."""
    pipeline = tiny_pipeline()
    long = some_conditions(60)
    first = next(iter(pipeline.stream(long, seed=0, steps=2)))
    root, rotations = perform(pipeline, long)
    assert np.array_equal(rotations[:, :24], first.rotations)
    # The step across each join is not longer than the steps inside the windows are.
    steps = np.linalg.norm(np.diff(root[..., [0, 2]], axis=1), axis=-1)
    joins = [23, 41]
    assert steps[:, joins].max() <= 1.5 * np.delete(steps, joins, axis=1).max()


def test_a_join_keeps_place_and_speed_and_is_gone_after_half_a_second():
    time = torch.arange(60.0)
    before, after = 0.1 * time, 5.0 - 0.05 * time
    x = torch.where(time < 30, before, after).reshape(1, 1, 60, 1)
    joined = grow_from(x, known=30)[0, 0, :, 0]
    assert torch.equal(joined[:30], before[:30])
    torch.testing.assert_close(joined[30], before[30])
    steps = joined.diff()
    assert abs(steps[30] - 0.1) < 0.02, "the speed goes on"
    torch.testing.assert_close(joined[45:], after[45:])
    assert torch.equal(grow_from(x, known=0), x)


def test_memory_of_the_past_does_not_grow_with_the_take():
    sizes = []
    pipeline = tiny_pipeline()
    sampled = pipeline.sampler.iterate

    class Spy(type(pipeline.sampler)):
        def iterate(self, denoise, noise, steps, generator=None):
            sizes.append(noise.shape[2])
            return sampled(denoise, noise, steps, generator)

    spying = BodyPipeline(tiny_model(), SKELETON, sampler=Spy())
    perform(spying, some_conditions(240))
    assert max(sizes) == 24


def test_it_stops_between_two_steps_when_asked():
    calls = []

    def stop_at_the_fifth():
        calls.append(None)
        return len(calls) >= 5

    # Two steps of two networks are four questions: the first window is made whole, the second is not.
    windows = list(tiny_pipeline().stream(some_conditions(60), 0, steps=2, should_stop=stop_at_the_fifth))
    assert [w.start for w in windows] == [0]
    assert len(calls) == 5


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path):
    model = tiny_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())  # what 16-bit files can hold
    model.strengths = {"action": 1.5}
    model.save(tmp_path / "mine", "mine", {"why": "test"})
    loaded = BodyPipeline.load(tmp_path / "mine")
    assert loaded.model.strengths == {"action": 1.5}
    assert open_checkpoint(tmp_path / "mine").config["training"] == {"why": "test"}
    c = some_conditions(30)
    assert np.array_equal(perform(loaded, c)[1], perform(BodyPipeline(model, SKELETON), c)[1])


def test_checkpoints_of_something_else_are_refused_by_name(tmp_path):
    write_checkpoint(tmp_path / "face", "face", {"model": "face"}, {"x": torch.zeros(1)})
    with pytest.raises(DuologueError, match="'face', not for 'body'") as error:
        BodyPipeline.load(tmp_path / "face")
    assert error.value.reason == "checkpoint-foreign"

    saved = tiny_model().save(tmp_path / "body", "body", {})
    config = {**saved.config, "network": {**saved.config["network"], "layers": 3}}
    write_checkpoint(tmp_path / "deeper", "deeper", config, saved.tensors())
    with pytest.raises(DuologueError) as error:
        BodyPipeline.load(tmp_path / "deeper")
    assert error.value.reason == "checkpoint-foreign"

    statistics = {("Tail" + k if k == "Spine.x" else k): v for k, v in saved.config["statistics"].items()}
    write_checkpoint(tmp_path / "tailed", "tailed", {**saved.config, "statistics": statistics}, saved.tensors())
    with pytest.raises(DuologueError, match=r"Spine\.x") as error:
        BodyPipeline.load(tmp_path / "tailed")
    assert error.value.reason == "checkpoint-skeleton"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"style": (0, 2)}, "style-unknown"),
        ({"roles": ("boss", "wizard")}, "unknown-label"),
    ],
)
def test_labels_that_the_checkpoint_does_not_know_are_named(change, reason):
    with pytest.raises(DuologueError) as error:
        perform(tiny_pipeline(), some_conditions(5, **change))
    assert error.value.reason == reason


def test_an_unknown_strength_is_named_with_the_known_ones():
    with pytest.raises(DuologueError, match="emotion"):
        perform(tiny_pipeline(), some_conditions(5), strengths={"emotions": 2.0})


def test_conditions_of_the_wrong_shape_or_with_nan_are_refused():
    with pytest.raises(DuologueError, match="activity"):
        dataclasses.replace(some_conditions(5), activity=np.zeros((2, 4), np.float32))
    with pytest.raises(DuologueError, match="expected \\(2, 5, 384\\)"):
        perform(tiny_pipeline(), some_conditions(5, text=np.zeros((2, 5, 300), np.float32)))
    with pytest.raises(DuologueError, match="NaN"):
        dataclasses.replace(some_conditions(5), mel=np.full((2, 5, 27), np.nan, np.float32))


def test_a_mirrored_performer_does_with_the_left_what_the_other_does_with_the_right():
    """Both mirrored on a stage that is mirrored is the same performance seen in a mirror."""
    pipeline = tiny_pipeline()
    plain = some_conditions(30)
    flipped = dataclasses.replace(plain, starts=(STARTS * [-1, 1, -1]).astype(np.float32), mirrored=(True, True))
    root, rotations = perform(pipeline, plain)
    seen_root, seen = perform(pipeline, flipped)
    np.testing.assert_allclose(seen_root, root * [-1, 1, 1], atol=1e-4)
    left, right = SKELETON.index("LeftForeArm"), SKELETON.index("RightForeArm")
    np.testing.assert_allclose(seen[:, :, left], rotations[:, :, right] * [1, -1, -1], atol=1e-3)
    one = dataclasses.replace(plain, mirrored=(True, False))
    alone_root, alone = perform(pipeline, one)
    assert np.abs(alone[0] - rotations[0]).max() > 0.05
    assert alone_root[0, 0, 0] == pytest.approx(STARTS[0, 0], abs=1e-5)


def test_an_earlier_version_s_checkpoint_is_refused_with_its_format(tmp_path):
    saved = tiny_model().save(tmp_path / "body", "body", {})
    write_checkpoint(tmp_path / "old", "old", {**saved.config, "format": 2}, saved.tensors())
    with pytest.raises(DuologueError, match="its format is 2 and this version reads 3") as error:
        BodyPipeline.load(tmp_path / "old")
    assert error.value.reason == "checkpoint-foreign"


def soles_and_toes(root, rotations):
    """Heels and balls, (2, T, 4, 3), and the tips of toes, (2, T, 2, 3), metres."""
    points = Soles.of(SKELETON)
    matrices, positions = forward_kinematics(SKELETON, rotations.astype(float), root.astype(float))
    placed = points.place(matrices, positions)
    tips = positions[:, :, points.toes] + (matrices[:, :, points.toes] @ points.tip[..., None])[..., 0]
    return placed.reshape(*placed.shape[:2], 4, 3), tips


def test_soles_carry_whoever_stands_and_a_seat_whoever_sits():
    """As sampled: the lowest point of the soles lies on the floor and stays where it stands, whatever legs a network makes."""
    actions = np.zeros((2, 60), np.uint8)
    actions[1] = ACTION_MODES.index("sit")
    points, tips = soles_and_toes(*perform(tiny_pipeline(), some_conditions(60, actions=actions)))
    lowest = points[:, :-1, :, 1].argmin(-1)[..., None, None]
    moved = np.linalg.norm(np.diff(points[..., [0, 2]], axis=1), axis=-1)
    stood, sat = np.median(np.take_along_axis(moved, lowest[..., 0], axis=2)[..., 0], axis=1)
    assert stood < 0.25 * sat, "metres a frame"
    # Toes that no training has taught to lie flat may hang deeper than heels and balls: then they are what carries.
    deepest = np.minimum(points[0, :, :, 1].min(-1), tips[0, :, :, 1].min(-1))
    assert deepest.min() > -0.001, "nothing is in the floor"
    assert deepest.max() < 0.03
    assert np.abs(points[1, :, :, 1].min(-1)).max() > 0.03
