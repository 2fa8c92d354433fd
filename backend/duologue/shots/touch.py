"""A take's interactions: what is asked of the hands lies beside the take, and what came of it on the characters that play it.

Where no scene is rendered they are solved on the sample characters. Those fit no others: hands and faces of a user's own are
elsewhere, and Blender solves them there, from what lies beside the take.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from duologue.brief import Brief, HandTarget
from duologue.brief.constraints import constraint_json, read_constraint
from duologue.brief.interactions import Interaction, interaction_json, read_interactions
from duologue.errors import DuologueError
from duologue.files.atomic import write_text
from duologue.files.document import Table
from duologue.files.reading import MAX_TOML, parse_json, read_bytes
from duologue.interactions.actor import Character, scene_of
from duologue.interactions.response import temper, usual
from duologue.interactions.solve import solve
from duologue.interactions.track import FILE, InteractionTrack, Touch
from duologue.passes.options import Span
from duologue.passes.pictures import Event
from duologue.rigs.samples import SAMPLES, load_sample
from duologue.take import Take

ASKED: Final = "interactions.json"
"""The name of the file beside a take that says what is asked of the hands."""


@dataclass(frozen=True)
class Wanted:
    """What a brief asks of the hands in a take, with what solving it needs to know beside the characters."""

    interactions: tuple[Interaction, ...]
    yields: tuple[float, ...]
    """How far the touched one gives way in each (``response.temper``)."""
    held: tuple[HandTarget, ...]
    """The brief's constraints of hands."""

    @classmethod
    def of(cls, brief: Brief) -> Wanted:
        """Return what a brief asks for."""
        held = tuple(target for target in brief.constraints if isinstance(target, HandTarget))
        return cls(brief.interactions, tuple(temper(brief, one) for one in brief.interactions), held)

    def within(self, seconds: float) -> Wanted:
        """Return those that are over when the take ends."""
        inside = [pair for pair in zip(self.interactions, self.yields, strict=True) if pair[0].ends <= seconds + 1e-6]
        return Wanted(tuple(one for one, _ in inside), tuple(share for _, share in inside), self.held)

    def save(self, folder: Path) -> None:
        """Write it beside a take.

        Raises:
            DuologueError: what :mod:`duologue.files.atomic` raises.
        """
        document = {
            "interactions": [interaction_json(one) for one in self.interactions],
            "yields": list(self.yields),
            "held": [constraint_json(one) for one in self.held],
        }
        write_text(folder / ASKED, json.dumps(document, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Wanted | None:
        """Read what lies beside a take; None where nothing is asked for.

        Raises:
            DuologueError: what reading raises; INVALID_ARGUMENT for what is no such list.
        """
        path = folder / ASKED
        if not path.is_file():
            return None
        root = Table(parse_json(read_bytes(path, MAX_TOML).decode()), "", ("interactions", "yields", "held"))
        interactions = read_interactions(root)
        held = [read_constraint(item, f"held[{index}]") for index, item in enumerate(root.items("held"))]
        yields = [float(cast("float", share)) for share in root.items("yields")]
        if len(yields) != len(interactions):
            yields = [usual(one) for one in interactions]
        return cls(interactions, tuple(yields), tuple(one for one in held if isinstance(one, HandTarget)))


def late(wanted: Wanted, inside: Wanted) -> list[str]:
    """Return the note that some are left out because the take ends before they do."""
    left = len(wanted.interactions) - len(inside.interactions)
    return [f"{left} interactions end after the take, which was stopped before; they are left out"] if left else []


def not_solved(error: DuologueError) -> str:
    """Return the note for when nothing could be solved: the take is there and stays."""
    return f"the interactions could not be solved ({error.reason}): {error}"


def solve_on_samples(brief: Brief, take: Take) -> InteractionTrack:
    """Solve what a brief asks of the hands, on Ada and Ben.

    Raises:
        DuologueError: what :func:`duologue.interactions.solve.solve` raises.
    """
    cast_: Sequence[Character] = [Character.of(load_sample(name)) for name in SAMPLES]
    wanted = Wanted.of(brief).within(take.seconds)
    return solve(
        lambda frames: scene_of(cast_, take.skeleton, [track[frames] for track in take.tracks]),
        take.frames,
        wanted.interactions,
        yields=wanted.yields,
        held=wanted.held,
        fps=take.fps,
    )


def write_asked(folder: Path, brief: Brief) -> list[str]:
    """Write beside a take what its brief asks of the hands, for whoever renders it; return the files' names."""
    if not brief.interactions:
        return []
    Wanted.of(brief).save(folder)
    return [ASKED]


def write_interactions(folder: Path, brief: Brief, take: Take) -> tuple[list[str], list[str]]:
    """Write the interactions solved on the samples beside a take; return the files' names and notes. Nothing asked: nothing."""
    if not brief.interactions:
        return [], []
    try:
        track = solve_on_samples(brief, take)
    except DuologueError as error:  # a hand that can't touch is no reason to lose the take
        return [], [not_solved(error)]
    track.save(folder / FILE)
    wanted = Wanted.of(brief)
    return [FILE], [*late(wanted, wanted.within(take.seconds)), *track.notes]


def events_of(touches: Sequence[Touch], span: Span, fps: float) -> list[Event]:
    """Return touches, whose times are seconds of a take, in frames of a clip: those that are in it.

    Args:
        touches: what was solved.
        span: the take's frames that the clip shows, counted from 1.
        fps: of the take.
    """

    def frame(second: float) -> float:
        return (second * fps - (span.first - 1)) / span.step

    found = [
        Event(touch.pattern, touch.performer, touch.touched, frame(touch.touches), frame(touch.releases))
        for touch in touches
    ]
    return [event for event in found if event.ends >= 0 and event.begins < span.count]
