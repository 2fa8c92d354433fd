"""One system on every held-out clip: its samples, what each does, and the rows that distributions are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.evaluation.body.beats import onsets
from duologue.evaluation.body.behaviour import Targets, beats, liveliness, obedience
from duologue.evaluation.body.bodies import Bodies, facing, relation
from duologue.evaluation.body.plausibility import feet, floor, penetration, smoothness, touches
from duologue.evaluation.body.systems import Clip, System, clean, samples
from duologue.evaluation.body.weight import weight
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.evaluation.intervals import Sums

OTHERS: Final = 5
"""Other clips whose speech each clip's motion is held against."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What every system is put to: held-out clips, what each is to show, and the scale that rows are standardised on."""

    clips: Sequence[Clip]
    targets: Sequence[Targets]
    statistics: PoseStatistics
    skeleton: Skeleton

    @classmethod
    def of(cls, clips: Sequence[Clip], statistics: PoseStatistics, skeleton: Skeleton) -> HeldOut:
        """Work out each clip's targets."""
        return cls(clips, targets_of(clips, skeleton), statistics, skeleton)


@dataclass(eq=False)
class Results:
    """What a system did, clip by clip."""

    raw: list[dict[str, Sums]] = field(default_factory=list)
    cleaned: list[dict[str, Sums]] = field(default_factory=list)
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    """(S, T, channels) each, standardised."""
    relations: list[NDArray[np.floating]] = field(default_factory=list)
    """(S T, 3) each."""


def targets_of(clips: Sequence[Clip], skeleton: Skeleton) -> list[Targets]:
    """Return what each clip was to show, its speech's onsets beside those of the next clips'."""
    speech = [
        tuple(onsets(mel, voice) for mel, voice in zip(c.conditions.mel, c.conditions.activity, strict=True))
        for c in clips
    ]
    return [
        Targets(
            clip.conditions.actions,
            clip.conditions.activity,
            (speech[k][0], speech[k][1]),
            [(a, b) for a, b in (speech[(k + n) % len(clips)] for n in range(1, min(OTHERS + 1, len(clips))))],
            facing(Bodies(skeleton, clip.truth.root, clip.truth.rotations)),
        )
        for k, clip in enumerate(clips)
    ]


def results_of(system: System, held_out: HeldOut, count: int, cache: Path | None, report: Report) -> Results:
    """Measure ``count`` samples of every clip, as they are and cleaned; ``report(system, clips done, clips)``."""
    results = Results()
    for number, (clip, targets) in enumerate(zip(held_out.clips, held_out.targets, strict=True)):
        motions = list(samples(system, clip, count, cache))
        bodies = [Bodies(held_out.skeleton, motion.root, motion.rotations) for motion in motions]
        cleaned = [clean(held_out.skeleton, motion) for motion in motions]
        results.raw.append(_added([clip_sums(body, targets) for body in bodies]))
        results.cleaned.append(
            _added([clip_sums(Bodies(held_out.skeleton, m.root, m.rotations), targets) for m in cleaned])
        )
        results.rows.append(np.stack([motion.standardised(held_out.statistics) for motion in motions]))
        results.relations.append(np.concatenate([relation(body) for body in bodies]))
        report(system.name, number + 1, len(held_out.clips))
    return results


def clip_sums(bodies: Bodies, targets: Targets) -> dict[str, Sums]:
    """Return every figure of a performed clip as sums."""
    plausible = feet(bodies) | floor(bodies) | penetration(bodies) | touches(bodies) | smoothness(bodies)
    plausible |= weight(bodies, targets.actions)
    return plausible | obedience(bodies, targets) | liveliness(bodies, targets) | beats(bodies, targets)


def _added(tallies: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Add up the samples of one clip."""
    return {key: tuple(float(x) for x in np.sum([row[key] for row in tallies], axis=0)) for key in tallies[0]}
