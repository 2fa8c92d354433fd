# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take's brief asks of the hands, solved on whoever plays it: the same as the panel's Solve, without a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duologue import arkit
from duologue.errors import DuologueError
from duologue.interactions.track import FILE
from duologue.rigs.eyes import LOOKS
from duologue.shots.touch import Wanted, late, not_solved
from duologue.take import Take

from ..briefing.touches import add_row
from ..cast.cast import Performer
from ..interactions import solving
from ..scene.timing import Clock, frame_rate

if TYPE_CHECKING:
    from bpy.types import Scene


def solve_beside(
    take: Take, folders: tuple[Path, Path], scene: Scene, performers: Sequence[Performer], emit: Callable[..., None]
) -> list[str]:
    """Solve what lies beside a take on the characters that play it from the scene's first frame on; return the files' names.

    ``folders``: where the take lies, and where files go. What can't be solved is told as a note: the take is there and stays.

    Raises:
        DuologueError: what :meth:`duologue.shots.touch.Wanted.load` raises.
    """
    wanted = Wanted.load(folders[0])
    if wanted is None:
        return []
    inside = wanted.within(take.seconds)
    for note in late(wanted, inside):
        emit("note", message=note)
    _show(scene, inside)
    if not inside.interactions:
        return []
    asked = solving.Asked(
        inside.interactions, scene.frame_start, take.frames, "", inside.yields, inside.held, looks_of(take)
    )
    try:
        solution = _solve(scene, performers, asked, emit)
    except DuologueError as error:
        emit("note", message=not_solved(error))
        return []
    for note in solving.notes_of(solution):
        emit("note", message=note)
    solution.track.save(folders[1] / FILE)
    return [FILE]


def _solve(
    scene: Scene, performers: Sequence[Performer], asked: solving.Asked, emit: Callable[..., None]
) -> solving.Solution:
    steps = solving.steps(scene, performers, asked)
    told = -1
    while True:
        try:
            _, share = next(steps)
        except StopIteration as end:
            return end.value
        if int(10 * share) != told:
            told = int(10 * share)
            emit("progress", stage="touches", done=told, total=10)


def looks_of(take: Take) -> tuple[solving.Weights, ...]:
    """Return where both look in a take, by ARKit's names (T,): what no shape key tells where eyes are bones."""
    names = [name for looks in LOOKS.values() for name in looks]
    return tuple({name: track.weights[:, arkit.INDEX[name]].astype(float) for name in names} for track in take.tracks)


def _show(scene: Scene, wanted: Wanted) -> None:
    """Put what was asked for into the panel's list, where the extension is there: so it can be changed and solved again."""
    settings: Any = getattr(scene, "duologue", None)
    if settings is None:
        return
    clock = Clock(scene.frame_start, frame_rate(scene))
    for touch in wanted.interactions:
        add_row(scene, settings, touch, clock)
