"""Style retention: a model that keeps its speakers, one that blurs them, one that swaps them."""

import numpy as np
import pytest
from duologue.arkit import INDEX
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.style import retention, signatures, style_retention
from duologue.evaluation.intervals import quotient
from duologue.speech.phones import Phone

BASE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])


def figures(own: np.ndarray) -> dict[str, float]:
    return {key: float(quotient(*sums)) for key, sums in retention(own, BASE).items()}


def test_the_same_signatures_are_all_recognised() -> None:
    assert figures(BASE) == {"recognised": 1.0, "spread": 1.0, "shift": 0.0}


def test_halving_the_differences_keeps_speakers_but_not_their_spread() -> None:
    retained = figures(BASE.mean(0) + 0.5 * (BASE - BASE.mean(0)))
    assert retained["recognised"] == 1.0
    assert retained["spread"] == pytest.approx(0.5)
    assert retained["shift"] == pytest.approx(0.5)


def test_one_face_for_all_keeps_nothing() -> None:
    retained = figures(np.tile(BASE[1], (4, 1)))
    assert retained["recognised"] == 0.25  # chance
    assert retained["spread"] == 0.0


def test_exchanged_speakers_are_not_recognised() -> None:
    retained = figures(BASE[[1, 0, 3, 2]])
    assert retained["recognised"] == 0.0
    assert retained["spread"] == 1.0


def performed(dialogue: Dialogue, seed: int) -> np.ndarray:
    """Each style opens the jaw in its own way while the voice is there, and anyhow elsewhere."""
    weights = np.full((2, 90, 52), 0.9, np.float32)
    weights[:, 22:53] = 0
    weights[:, 22:53:2, INDEX["jawOpen"]] = 0.1 * dialogue.style[0]
    return weights


def test_signatures_are_taken_where_there_is_a_voice() -> None:
    phones = (Phone(1.0, 1.5, "AA"),)
    talk = Dialogue(
        np.zeros((2, 48000), np.float32),
        np.zeros((2, 90, 52), np.float32),
        np.zeros((2, 90), np.int64),
        np.zeros(2, np.int64),
        np.ones((2, 90), bool),
        (phones, phones),
    )
    vectors = signatures(performed, talk, styles=3)
    assert vectors.shape == (3, 54)
    assert vectors.max() < 0.2
    # 16 of the 31 voiced frames stand at 0.1 s: mean 0.1 s 16 / 31, deviation 0.1 s sqrt(16 15) / 31.
    assert sorted(vectors[2][vectors[2] > 0]) == pytest.approx([0.2 * np.sqrt(240) / 31, 0.2 * 16 / 31])
    retained = style_retention({"same": performed}, performed, [talk, talk], styles=3)["same"]
    assert retained["recognised"].value == 1.0
    assert retained["shift"].value == 0.0
