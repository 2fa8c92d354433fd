"""A sampler that leans out: each part of the body by its own gain, and nothing else."""

from __future__ import annotations

import numpy as np
from duologue.body.pipeline import BodyPipeline
from duologue.body.rescaling import PARTS, part_of
from duologue.features.pose import columns
from examples_body import SKELETON, perform, some_conditions, tiny_model, tiny_pipeline


def test_every_column_belongs_to_one_part():
    parts = {name: part_of(name) for name in columns(SKELETON)}
    assert set(parts.values()) == set(PARTS)
    assert parts["root.dyaw"] == "root's steps"
    assert parts["root.height"] == parts["Hips.x"] == parts["LeftToeBase.y"] == "legs"
    assert parts["LeftHand.x"] == parts["Head.z"] == "trunk and arms"
    assert parts["RightHandThumb1.z"] == "fingers"


def test_a_gain_of_one_changes_nothing_and_fingers_leave_the_rest_alone():
    c = some_conditions(20)
    plain = perform(tiny_pipeline(), c)[1]
    pipeline = tiny_pipeline()
    pipeline.model.gains = dict.fromkeys(PARTS, 1.0)
    assert np.array_equal(perform(pipeline, c)[1], plain)
    pipeline.model.gains = {"fingers": 1.3}
    leaning = perform(pipeline, c)[1]
    legs = [SKELETON.index(name) for name in ("Hips", "LeftUpLeg", "RightFoot")]
    assert np.array_equal(leaning[:, :, legs], plain[:, :, legs]), "the lower bodies come first"
    assert np.abs(leaning - plain).max() > 1e-3


def test_what_leans_out_varies_more_over_seeds():
    c = some_conditions(20)
    spread = []
    for gain in (1.0, 1.3):
        pipeline = tiny_pipeline()
        pipeline.model.gains = dict.fromkeys(PARTS, gain)
        takes = np.stack([perform(pipeline, c, seed, steps=8)[1] for seed in range(6)])
        spread.append(takes.var(0).mean())
    assert spread[1] > 1.2 * spread[0]


def test_a_checkpoint_keeps_its_gains(tmp_path):
    model = tiny_model()
    model.gains = {"legs": 1.1}
    model.save(tmp_path / "mine", "mine", {})
    assert BodyPipeline.load(tmp_path / "mine").model.gains == {"legs": 1.1}
