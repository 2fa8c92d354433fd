"""Interactions that are solved, and the track that they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from duologue.brief.interactions import Interaction, interaction_json
from duologue.errors import DuologueError
from duologue.interactions.actor import Actor, Array, Pose, Scene
from duologue.interactions.contact import Goal
from duologue.interactions.event import Phases
from duologue.interactions.meeting import Meeting
from duologue.interactions.touching import Reaching
from duologue.interactions.track import InteractionTrack, Layer, Touch, Unsolved
from duologue.motion.rotations import matrix_to_exp, unroll_exp


@dataclass(eq=False)
class Solved:
    """One interaction, solved over the frames of a stretch."""

    interaction: Interaction
    phases: Phases
    seconds: Array
    """(T,) of the take."""
    points: Array
    """(T, 3) where it touches, in the world."""
    hand: str
    side: str = ""
    short: float = 0.0
    answers: Mapping[int, Mapping[str, Array]] = field(default_factory=dict[int, Mapping[str, Array]])
    """Performer (0, 1) -> ARKit name -> (T,) what their face gains."""
    touching: tuple[Reaching, Goal] | None = None
    """How the hand lies; None where two hands meet."""
    met: Meeting | None = None
    """Where two hands meet, how."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Span:
    """The frames that are solved: their ``seconds`` (T,) of the take, the take's ``length`` in seconds, frames a second."""

    seconds: Array
    length: float
    fps: int

    def stretch(self, first: float, last: float) -> slice:
        """Return which of the frames lie from second ``first`` to ``last``."""
        return slice(*np.searchsorted(self.seconds, [first, last]).tolist())

    def at(self, second: float) -> int:
        """Return the frame of a second, or the nearest that there is."""
        return int(np.clip(np.searchsorted(self.seconds, second), 0, len(self.seconds) - 1))


def assemble(
    actors: Scene,
    before: Sequence[Pose],
    solved: Sequence[Solved],
    span: Span,
    failed: Sequence[tuple[Interaction, DuologueError]] = (),
) -> InteractionTrack:
    """Return the track of what was changed since ``before``, with what could not be solved."""
    seconds, begin = span.seconds, round(float(span.seconds[0]) * span.fps) if len(span.seconds) else 0
    layers = [
        _layer(who, actor, old, solved, seconds) for who, (actor, old) in enumerate(zip(actors, before, strict=True))
    ]
    contact = np.zeros((len(seconds), len(solved)), np.float32)
    points = np.zeros((len(seconds), len(solved), 3), np.float32)
    for column, one in enumerate(solved):
        rows = np.searchsorted(seconds, one.seconds)
        contact[rows, column] = one.phases.contact(one.seconds)
        points[rows, column] = one.points
    unsolved = tuple(Unsolved(interaction_json(one), error.reason, error.message) for one, error in failed)
    touches = tuple(map(_touch, solved))
    return InteractionTrack(begin, (layers[0], layers[1]), touches, contact, points, fps=span.fps, unsolved=unsolved)


def _layer(who: int, actor: Actor, before: Pose, solved: Sequence[Solved], seconds: Array) -> Layer:
    bones = sorted(actor.pose.changed)
    names = tuple(actor.character.armature.names[bone] for bone in bones)
    turns = [np.swapaxes(before.local(bone), -1, -2) @ actor.pose.local(bone) for bone in bones]
    rotations = (
        np.stack([unroll_exp(matrix_to_exp(turn)) for turn in turns], axis=1) if bones else np.zeros((len(actor), 0, 3))
    )
    gains: dict[str, Array] = {}
    for one in solved:
        rows = np.searchsorted(seconds, one.seconds)
        for name, values in one.answers.get(who, {}).items():
            gains.setdefault(name, np.zeros(len(seconds)))[rows] += values
    for name, values in gains.items():
        now = actor.weights.get(name, np.zeros(len(seconds)))
        gains[name] = np.clip(now + values, 0.0, 1.0) - now
    weights = np.stack(list(gains.values()), axis=1) if gains else np.zeros((len(actor), 0))
    return Layer(names, rotations.astype(np.float32), tuple(gains), weights.astype(np.float32))


def _touch(one: Solved) -> Touch:
    interaction, phases = one.interaction, one.phases
    return Touch(
        interaction_json(interaction),
        interaction.pattern,
        interaction.performer,
        interaction.touched,
        one.hand,
        one.side,
        phases.leaves,
        phases.touches,
        phases.releases,
        phases.returns,
        one.short,
        one.notes,
    )
