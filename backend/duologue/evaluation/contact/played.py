"""Touches as they are played: solved on two characters, the skin pressed, and how long that took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Interaction
from duologue.interactions.actor import Actor, Array, Pose, Scene
from duologue.interactions.contact_keys import ContactKeys
from duologue.interactions.give_way import give_way
from duologue.interactions.hand import Hand
from duologue.interactions.meeting import other_hand
from duologue.interactions.patterns import FACE, patterns
from duologue.interactions.posed import answered, posed
from duologue.interactions.reach import Arm
from duologue.interactions.solve import solve_one
from duologue.interactions.solved import Solved, Span
from duologue.labels import PERFORMERS
from duologue.units import FPS


@dataclass(frozen=True, eq=False)
class Played:
    """One touch on two characters over T frames."""

    interaction: Interaction
    solved: Solved
    own: Actor
    """Who touches, as solved."""
    other: Actor
    """Who is touched; the same as ``own`` where somebody touches themselves."""
    before: tuple[Pose, Pose]
    """``own`` and ``other`` as the take has them."""
    hands: tuple[Hand, Hand | None]
    """The touching hand, and the one that it meets."""
    said: Mapping[str, Array]
    """The weights of ``other``'s face as the take has them: before it answers."""
    keys: ContactKeys | None
    """What a face gives way by; None for all else."""
    seconds: float
    """Processor seconds that it took to solve and to press."""

    @property
    def target(self) -> str:
        """``own``, ``partner``."""
        return "own" if self.own is self.other else "partner"

    @property
    def landmark(self) -> str:
        """What is touched."""
        return patterns()[self.interaction.pattern].landmark

    @property
    def rows(self) -> NDArray[np.int64]:
        """The frames (n,) in which the hand is under way."""
        phases = self.solved.phases
        first, last = np.floor(phases.leaves * FPS), np.ceil(phases.returns * FPS)
        return np.arange(max(int(first), 0), min(int(last) + 1, len(self.own)))

    def held(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return in which of some frames (n,) the hand is to be on the skin."""
        return self.solved.phases.contact(rows / FPS) > 0

    def skin(self, vertices: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
        """Return where vertices (n,) of whoever is touched are in some frames: (rows, n, 3), pressed."""
        return posed(self.other, vertices, rows, self.keys)

    def hand(self, vertices: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
        """Return where vertices (n,) of whoever touches are in some frames: (rows, n, 3)."""
        return posed(self.own, vertices, rows)


def play(scene: Scene, interaction: Interaction) -> Played:
    """Solve a touch in a scene, which is changed, and let the face give way.

    Raises:
        DuologueError: what ``solve_one`` raises.
    """
    frames = len(scene[0])
    indices = [PERFORMERS.index(name) for name in (interaction.performer, interaction.touched)]
    before = scene[indices[0]].pose.copy(), scene[indices[1]].pose.copy()
    span = Span(np.arange(frames) / FPS, frames / FPS, FPS)
    said = dict(scene[indices[1]].weights)
    begin = time.process_time()
    solved = solve_one(scene, interaction, span)
    both = [answered(actor, solved, who, span.seconds) for who, actor in enumerate(scene)]
    own, other = both[indices[0]], both[indices[1]]
    hand = Arm.of(own.character, solved.hand.title()).hand
    met, keys = None, None
    if patterns()[interaction.pattern].landmark == "hand":
        met = Arm.of(other.character, other_hand(solved.hand, interaction.pattern).title()).hand
    if patterns()[interaction.pattern].landmark in FACE:
        keys = give_way(other, [(hand, own.pose)], FPS)
    return Played(interaction, solved, own, other, before, (hand, met), said, keys, time.process_time() - begin)
