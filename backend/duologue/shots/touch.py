"""A take's interactions on the sample characters: what ``interactions.safetensors`` beside the take holds.

They fit no other characters: hands and faces of a user's own are elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from duologue.brief import Brief, HandTarget
from duologue.errors import DuologueError
from duologue.interactions.actor import Character, scene_of
from duologue.interactions.response import temper
from duologue.interactions.solve import solve
from duologue.interactions.track import FILE, InteractionTrack
from duologue.rigs.samples import SAMPLES, load_sample
from duologue.take import Take


def solve_on_samples(brief: Brief, take: Take) -> InteractionTrack:
    """Solve what a brief asks of the hands, on Ada and Ben.

    Raises:
        DuologueError: what :func:`duologue.interactions.solve.solve` raises.
    """
    cast = [Character.of(load_sample(name)) for name in SAMPLES]
    inside = [one for one in brief.interactions if one.ends <= take.seconds + 1e-6]
    return solve(
        lambda frames: scene_of(cast, take.skeleton, [track[frames] for track in take.tracks]),
        take.frames,
        inside,
        yields=[temper(brief, one) for one in inside],
        held=[target for target in brief.constraints if isinstance(target, HandTarget)],
        fps=take.fps,
    )


def write_interactions(folder: Path, brief: Brief, take: Take) -> tuple[list[str], list[str]]:
    """Write the solved interactions beside a take; return the files' names and notes. Nothing where none is asked for."""
    if not brief.interactions:
        return [], []
    try:
        track = solve_on_samples(brief, take)
    except DuologueError as error:  # the take is there and stays; a hand that can't touch is no reason to lose it
        return [], [f"the interactions could not be solved ({error.reason}): {error}"]
    track.save(folder / FILE)
    left = len(brief.interactions) - len(track.touches) - len(track.unsolved)
    late = [f"{left} interactions end after the take, which was stopped before; they are left out"] if left else []
    return [FILE], [*late, *track.notes]
