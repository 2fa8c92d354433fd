"""What two performers do in a clip, against what it was to show: actions, who faces whom, who is lively, beats with the speech.

Every figure is left as sums (``intervals.Sums``), so that clips add up before they are divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.labels.actions import label_actions
from duologue.evaluation.body.beats import JOINTS, beat_consistency, motion_beats
from duologue.evaluation.body.bodies import WRISTS, Bodies, facing
from duologue.evaluation.intervals import Sums
from duologue.labels import ACTION_MODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]
    Beats = list[NDArray[np.intp]]

WALK: Final = ACTION_MODES.index("walk")


@dataclass(frozen=True, eq=False)
class Targets:
    """What a clip was to show, T frames: ``actions`` and ``activity`` (2, T), and the onsets of either's speech.

    ``others``: other clips' onsets, a pair each, to see whether the right speech matters. ``facing`` (2, T): who faces the
    partner in the truth.
    """

    actions: NDArray[np.integer]
    activity: Floats
    onsets: tuple[NDArray[np.intp], NDArray[np.intp]]
    others: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
    facing: NDArray[np.bool_]


def obedience(bodies: Bodies, targets: Targets) -> dict[str, Sums]:
    """Return the share of frames whose action, by the rule on the motion alone, is the one asked for; how often partners are
    faced, and how often they are where they are in the truth and somebody speaks."""
    actions = np.stack(
        [label_actions(bodies.skeleton, bodies.root[i], bodies.rotations[i]) for i in range(2)]  # what the rule reads
    )
    faced = facing(bodies)
    talk = targets.facing & (targets.activity > 0.5).any(0)
    hits = actions == targets.actions
    sums: dict[str, Sums] = {
        "actions_obeyed_percent": (100 * float(hits.sum()), hits.size),
        "facing_percent": (100 * float(faced.sum()), faced.size),
        "facing_kept_percent": (100 * float((faced & talk).sum()), float(talk.sum())),
    }
    for mode, name in enumerate(ACTION_MODES):
        target = targets.actions == mode
        sums[f"{name}_obeyed_percent"] = (100 * float((hits & target).sum()), float(target.sum()))
    return sums


def liveliness(bodies: Bodies, targets: Targets) -> dict[str, Sums]:
    """Return wrists' mean speed against the hips, and listeners' energy and speed against speakers'.

    Energy is the wrists' mean squared speed. A speaker has a voice while the partner has none; whoever walks is left out.
    """
    speed = bodies.speeds(*WRISTS, own=True).mean(-1)
    energy = np.square(bodies.speeds(*WRISTS, own=True)).mean(-1)
    voice, still = targets.activity > 0.5, targets.actions != WALK
    speaks, listens = voice & ~voice[::-1] & still, ~voice & voice[::-1] & still

    def ratio(values: Floats) -> Sums:
        return (float(values[listens].sum()), float(listens.sum()), float(values[speaks].sum()), float(speaks.sum()))

    return {
        "wrist_speed_m_s": (float(speed.sum()), speed.size),
        "listener_energy": ratio(energy),
        "listener_speed": ratio(speed),
    }


def beats(bodies: Bodies, targets: Targets) -> dict[str, Sums]:
    """Return beat consistency (0.3 s, and 0.1 s) with the performer's own speech, and with other clips' speech."""
    sums: dict[str, Sums] = {}
    motion = [motion_beats(speeds) for speeds in bodies.speeds(*JOINTS)]
    for name, sigma in (("beat_consistency", 0.3), ("beat_consistency_100ms", 0.1)):
        sums[name] = _beats([targets.onsets], motion, bodies.frames, sigma)
        sums[name + "_other_speech"] = _beats(targets.others, motion, bodies.frames, sigma)
    return sums


def _beats(
    speech: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], motion: Sequence[Beats], frames: int, sigma: float
) -> Sums:
    pairs = [
        beat_consistency(onsets, beats, frames, sigma)
        for pair in speech
        for onsets, beats in zip(pair, motion, strict=True)
    ]
    return (sum(score for score, _ in pairs), sum(count for _, count in pairs))
