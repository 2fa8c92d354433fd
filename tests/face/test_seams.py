"""Long speech is made in windows; the shipped face on real dialogue must not show where one ends."""

import numpy as np
import pytest
from duologue.diffusion import crossfade as windowing
from duologue.diffusion.crossfade import OVERLAP, windows
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import FacePipeline
from duologue.labels import EMOTIONS
from hard_speech import RATE, voices

SECONDS = 22.0


@pytest.fixture(scope="module")
def dialogue() -> tuple[np.ndarray, np.ndarray]:
    """(2, n, 52) as the model makes it in windows, and all in one piece, before the layer's saccades and blinks, which jump
    wherever they like."""
    speech = voices(SECONDS)
    frames = speech.shape[1] * 30 // RATE
    conditions = FaceConditions(
        speech,
        frames,
        np.array([0, 1]),
        np.full((2, frames), EMOTIONS.index("calmness")),
        lambda start, stop: np.ones((2, stop - start), bool),
    )
    face = FacePipeline.load("face")

    def weights() -> np.ndarray:
        return np.concatenate([window.weights for window in face.bare(conditions, seed=0, steps=4)], axis=1)

    in_windows = weights()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windowing, "FIRST_WINDOW", frames)
        return in_windows, weights()


def test_the_dialogue_has_joins_and_windows_start_in_phase_with_the_positions(dialogue: tuple) -> None:
    joins = [start for start, _ in windows(dialogue[0].shape[1])][1:]
    assert len(joins) >= 3
    assert all(start % 30 == 0 for start in joins)


@pytest.mark.parametrize(("order", "name"), [(1, "velocity"), (2, "acceleration"), (3, "jerk")])
def test_joins_move_like_everywhere_else(dialogue: tuple[np.ndarray, np.ndarray], order: int, name: str) -> None:
    """Where a cross-fade begins and where it ends, differences of every order are no larger than in the same frames made in one
    piece, by the measure of what windows change elsewhere. (Without the cross-fade they double. Frames elsewhere are no measure
    by themselves: a join may lie in the middle of a word, and a natural voice rests between its words.)"""
    joins = [start for start, _ in windows(dialogue[0].shape[1])][1:]
    moved, unbroken = (np.abs(np.diff(weights, n=order, axis=1)).mean(axis=(0, 2)) for weights in dialogue)
    at_join = np.zeros(len(moved), bool)
    for edge in [edge for start in joins for edge in (start, start + OVERLAP)]:
        at_join[edge - order : edge] = True  # difference t covers frames t to t + order
    elsewhere = moved[~at_join].mean() / unbroken[~at_join].mean()
    assert moved[at_join].mean() <= 1.2 * elsewhere * unbroken[at_join].mean(), name
    assert moved[at_join].max() <= 1.2 * unbroken[at_join].max(), name
    begins = np.unique([start - order + step for start in joins for step in range(order)])
    assert moved[begins].mean() <= 1.25 * unbroken[begins].mean(), name


def test_the_face_does_not_jump_to_another_pose_at_a_join(dialogue: tuple[np.ndarray, np.ndarray]) -> None:
    """Position: half a second on either side of a join the face is where it would be without one."""
    in_windows, unbroken = dialogue
    near = np.zeros(in_windows.shape[1], bool)
    for start in [start for start, _ in windows(in_windows.shape[1])][1:]:
        near[start - 15 : start + 15] = True
    assert np.abs(in_windows - unbroken)[:, near].mean() <= 0.005
