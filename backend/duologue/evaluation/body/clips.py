"""One system on every held-out clip: its samples, what each does, and the rows that distributions are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.evaluation.body.beats import onsets
from duologue.evaluation.body.speed import standardised
from duologue.evaluation.body.systems import Clip, Compared, Moved, clean, samples
from duologue.evaluation.body.tally import Asked, Body, facing, relation, tally
from duologue.features.statistics import PoseStatistics
from duologue.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.evaluation.intervals import Sums

OTHERS: Final = 5
"""Other clips whose speech each clip's motion is held against."""

Report = Callable[[str, int, int], None]


@dataclass(eq=False)
class Judged:
    """What was found of one system, clip by clip."""

    raw: list[dict[str, Sums]] = field(default_factory=list)
    cleaned: list[dict[str, Sums]] = field(default_factory=list)
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    """(S, T, channels) each, standardised."""
    relations: list[NDArray[np.floating]] = field(default_factory=list)
    """(S T, 3) each."""


def asked_of(clips: Sequence[Clip], skeleton: Skeleton) -> list[Asked]:
    """Return what each clip was to show, its speech's onsets beside those of the next clips'."""
    heard = [
        tuple(onsets(mel, voice) for mel, voice in zip(c.conditions.mel, c.conditions.activity, strict=True))
        for c in clips
    ]
    return [
        Asked(
            clip.conditions.actions,
            clip.conditions.activity,
            (heard[k][0], heard[k][1]),
            [(a, b) for a, b in (heard[(k + n) % len(clips)] for n in range(1, min(OTHERS + 1, len(clips))))],
            facing(Body(skeleton, clip.truth.root, clip.truth.rotations)),
        )
        for k, clip in enumerate(clips)
    ]


def judge(  # noqa: PLR0917
    system: Compared,
    clips: Sequence[Clip],
    asked: Sequence[Asked],
    statistics: PoseStatistics,
    skeleton: Skeleton,
    count: int,
    cache: Path | None,
    report: Report,
) -> Judged:
    """Judge ``count`` samples of every clip, as they are and cleaned; ``report(system, clips done, clips)``."""
    found = Judged()
    for number, (clip, wanted) in enumerate(zip(clips, asked, strict=True)):
        made = list(samples(system, clip, count, cache))
        bodies = [Body(skeleton, moved.root, moved.rotations) for moved in made]
        found.raw.append(_added([tally(body, wanted) for body in bodies]))
        found.cleaned.append(_added([tally(_cleaned(skeleton, moved), wanted) for moved in made]))
        found.rows.append(np.stack([standardised(statistics, moved) for moved in made]))
        found.relations.append(np.concatenate([relation(body) for body in bodies]))
        report(system.name, number + 1, len(clips))
    return found


def _cleaned(skeleton: Skeleton, moved: Moved) -> Body:
    made = clean(skeleton, moved)
    return Body(skeleton, made.root, made.rotations)


def _added(tallies: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Add up the samples of one clip."""
    return {key: tuple(float(x) for x in np.sum([row[key] for row in tallies], axis=0)) for key in tallies[0]}
