"""Long speech is made in windows; the shipped face on real dialogue must not show where one ends."""

import numpy as np
import pytest
from duologue.face.pipeline import OVERLAP, FaceConditions, FacePipeline, windows
from duologue.labels import EMOTIONS
from hard_speech import RATE, voices

SECONDS = 22.0


@pytest.fixture(scope="module")
def dialogue() -> np.ndarray:
    """(2, n, 52) as the model makes it, before the layer's saccades and blinks, which jump wherever they like."""
    speech = voices(SECONDS)
    frames = speech.shape[1] * 30 // RATE
    conditions = FaceConditions(
        speech,
        frames,
        np.array([0, 1]),
        np.full((2, frames), EMOTIONS.index("calmness")),
        lambda start, stop: np.ones((2, stop - start), bool),
    )
    made = FacePipeline.load("face").bare(conditions, seed=0, steps=4)
    return np.concatenate([window.weights for window in made], axis=1)


@pytest.mark.parametrize(("order", "name"), [(1, "velocity"), (2, "acceleration"), (3, "jerk")])
def test_joins_move_like_everywhere_else(dialogue: np.ndarray, order: int, name: str) -> None:
    """Where a cross-fade begins and where it ends, differences of every order are no larger than elsewhere."""
    frames = dialogue.shape[1]
    joins = [start for start, _ in windows(frames)][1:]
    assert len(joins) >= 3
    assert all(start % 30 == 0 for start in joins), "windows start in phase with the positions"
    moved = np.abs(np.diff(dialogue, n=order, axis=1)).mean(axis=(0, 2))
    # Difference t covers frames t to t + order: those that reach over an edge, and one more on either side.
    at_join = np.zeros(len(moved), bool)
    for edge in [edge for start in joins for edge in (start, start + OVERLAP)]:
        at_join[edge - order - 1 : edge + 2] = True
    assert moved[at_join].mean() <= 1.2 * moved[~at_join].mean(), name
    assert moved[at_join].max() <= np.percentile(moved[~at_join], 99), name


def test_the_face_does_not_jump_to_another_pose_at_a_join(dialogue: np.ndarray) -> None:
    """Position: what a join steps by is within what the same shape steps by elsewhere, for every shape that moves."""
    joins = [start for start, _ in windows(dialogue.shape[1])][1:]
    steps = np.abs(np.diff(dialogue, axis=1))
    elsewhere = np.delete(steps, np.array(joins) - 1, axis=1)
    moving = elsewhere.max(axis=(0, 1)) > 0.02
    assert moving.sum() >= 10
    assert (steps[:, np.array(joins) - 1].max(axis=(0, 1)) <= elsewhere.max(axis=(0, 1)))[moving].all()
