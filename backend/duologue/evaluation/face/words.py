"""The p, b and m of a conversation's words as performing would know them, given or recognised, against where they really are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.intervals import Sums, figures
from duologue.speech.activity import level, voice_activity
from duologue.speech.hearing import Ear, lips_heard
from duologue.speech.phones import BILABIALS, Phone
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOUND: Final = 0.06
"""Seconds between a phone's middle and the true one's within which it is that one: a face may close as far from it."""
WRONG: Final = 0.1
"""Seconds from the nearest true one from which a phone is none."""

Lips = tuple[Sequence[Phone], Sequence[Phone]]
"""Both performers' phones."""


def recognised(ear: Ear, dialogue: Dialogue) -> tuple[tuple[Phone, ...], tuple[Phone, ...]]:
    """Return both performers' p, b, m, f and v as a take would know them of whom nobody wrote the words down."""
    a, b = (lips_heard(ear, samples, _active(samples)) for samples in dialogue.samples)
    return a, b


def _active(samples_16k: NDArray[np.float32]) -> NDArray[np.bool_]:
    return voice_activity(level(samples_16k, SPEECH_RATE, len(samples_16k) * FPS // SPEECH_RATE))


def lip_times(found: Sequence[Lips], true: Sequence[Lips]) -> dict[str, Any]:
    """Compare the p, b and m ``found`` of some conversations with the ``true`` ones, as JSON values.

    Returns:
        ``found``: the share of true ones that are found within ``FOUND``; ``wrong``: the share of those found that are further
        than ``WRONG`` from any; with intervals over conversations. ``error_ms`` and ``late_ms``: the median distance, and the
        median by which they come late, of those that are not wrong; None where there are none.
    """
    rows: list[dict[str, Sums]] = []
    late: list[NDArray[np.float64]] = []
    for ours, theirs in zip(found, true, strict=True):
        apart = [_apart(one, other) for one, other in zip(ours, theirs, strict=True)]
        missed = [_apart(other, one) for one, other in zip(ours, theirs, strict=True)]
        distances, back = np.concatenate(apart), np.concatenate(missed)
        rows.append(
            {
                "found": (float((np.abs(back) <= FOUND).sum()), len(back)),
                "wrong": (float((np.abs(distances) > WRONG).sum()), len(distances)),
            }
        )
        late.append(distances[np.abs(distances) <= WRONG])
    differences = 1000 * np.concatenate([*late, np.zeros(0)])
    return {key: value.to_json() for key, value in figures(rows).items()} | {
        "error_ms": float(np.median(np.abs(differences))) if len(differences) else None,
        "late_ms": float(np.median(differences)) if len(differences) else None,
    }


def _apart(phones: Sequence[Phone], others: Sequence[Phone]) -> NDArray[np.float64]:
    """Return by how many seconds each p, b and m of ``phones`` comes after the nearest of ``others``; infinity without any."""
    ours, theirs = (np.array([phone.middle for phone in one if phone.name in BILABIALS]) for one in (phones, others))
    if not len(ours) or not len(theirs):
        return np.full(len(ours), np.inf)
    apart = ours[:, None] - theirs
    return apart[np.arange(len(ours)), np.abs(apart).argmin(1)]
