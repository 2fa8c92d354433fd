"""Takes are measured without a model: a body that glides is told from one that walks."""

import json

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.evaluation.body.taken import measure_takes
from duologue.labels import ACTION_MODES
from duologue.motion.gait import step_along
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track

SKELETON = Skeleton.builtin("duologue60")


def save(folder, root, rotations):
    count = len(root)
    track = Track(
        root, rotations, np.zeros((count, len(arkit.NAMES))), np.ones(count, bool),
        np.full(count, ACTION_MODES.index("walk"), np.uint8),
    )  # fmt: skip
    folder.mkdir(parents=True)
    Take(SKELETON, (track, track), {}).save(folder / "take.safetensors")


def test_gliding_is_told_from_walking(tmp_path):
    path = np.zeros((120, 3))
    path[15:-15, 1] = 1.1 * np.arange(90) / 30
    path[-15:, 1] = path[-16, 1]
    root, rotations = step_along(SKELETON, path)
    save(tmp_path / "walks", root, rotations)
    save(tmp_path / "glides", root, np.repeat(rotations[:1], len(path), axis=0))
    report = measure_takes(tmp_path, lambda *_: None)
    walks, glides = report["takes"]["walks"], report["takes"]["glides"]
    assert walks["walking_m_s"] == pytest.approx(glides["walking_m_s"], rel=0.01)
    assert walks["stance_cm_s"] < 1.5
    assert glides["stance_cm_s"] > 50
    assert walks["hips_jolt_m_s2"] > 10, "this way is off at once"
    json.dumps(report, allow_nan=False)


def test_a_folder_without_takes_is_named(tmp_path):
    with pytest.raises(DuologueError, match=r"holds no take\.safetensors"):
        measure_takes(tmp_path, lambda *_: None)
