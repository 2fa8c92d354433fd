"""Two hands that meet: shaken, held, struck together. Both people reach, for one point between them, and hold it together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import TWO_HANDED, Interaction, held_then, together
from duologue.errors import DuologueError
from duologue.interactions.actor import UP, Actor, Array, Pose, hands_of
from duologue.interactions.event import Phases
from duologue.interactions.hand import hand_shapes
from duologue.interactions.reach import ELBOW, Arm
from duologue.interactions.touching import HandWay, lean, move_hand
from duologue.labels import PERFORMERS
from duologue.motion.rotations import einsum

HEIGHT: Final = {"shake-hands": 0.62, "hold-hands": 0.57, "high-five": 0.88}
"""Where two hands meet, of the mean of both people's heights."""

PUMP: Final = 0.03
"""Metres up and down that shaken hands go at first, ``_HERTZ`` times a second, fading in ``_FADES`` seconds. Set by eye, not
measured on captures."""
_HERTZ: Final = 2.2
_FADES: Final = 0.9
_PARTED: Final = 0.05
"""Metres that each hand of a high five is drawn back before and after."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Two hands that met: ``arms`` of A's and B's hand in the order performer, touched; ``points`` (T, 3) where; ``short``
    metres that an arm lacks at most."""

    arms: tuple[Arm, Arm]
    phases: Phases
    points: Array
    short: float


def other_hand(side: str, pattern: str) -> str:
    """Return which hand, ``left`` or ``right``, whoever is touched gives: the same for a shake, the opposite to hold."""
    return {"left": "right", "right": "left"}[side] if pattern == "hold-hands" else side


@dataclass(frozen=True)
class HandsElsewhere:
    """What hands, ``left`` or ``right``, have to do beside one interaction."""

    busy: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    """Performer -> the hands that are at something else meanwhile."""
    free: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """(performer, hand) -> the second in which it lets go of what it touched before."""

    @classmethod
    def of(
        cls,
        interaction: Interaction,
        interactions: Sequence[Interaction],
        taken: Mapping[Interaction, str],
        held: Sequence[HandTarget] = (),
    ) -> HandsElsewhere:
        """Return what hands do beside one of a brief's ``interactions``.

        ``taken``: the performer's hand in those that are solved, which begin before; of the others the one that is asked for.
        ``held``: what constraints hold.
        """
        busy: dict[str, set[str]] = {name: set() for name in PERFORMERS}
        for target in held:
            if held_then(target, interaction):
                busy[target.performer].add(target.side)
        free: dict[tuple[str, str], float] = {}
        for other in interactions:
            hand = taken.get(other, other.hand)
            if other is interaction or hand is None:
                continue
            at_it = [(other.performer, hand)]
            at_it += [(other.touched, other_hand(hand, other.pattern))] if other.pattern in TWO_HANDED else []
            for name, side in at_it:
                if together(interaction, other):
                    busy[name].add(side)
                elif other in taken:
                    free[name, side] = max(other.until, free.get((name, side), 0.0))
        return cls(busy, free)

    def of_performer(self, name: str) -> Collection[str]:
        """Return the hands of a performer that are at something else."""
        return self.busy.get(name, ())

    def since(self, name: str, side: str) -> float:
        """Return the second from which a hand may set out."""
        return self.free.get((name, side), 0.0)


def hands_for(
    actors: Sequence[Actor], asked: str | None, pattern: str, busy: Sequence[Collection[str]] = ((), ())
) -> tuple[Arm, Arm]:
    """Return the arms that meet: of the asked hand, else of the right one, or of the left where a right one is ``busy``.

    ``busy``: the hands, ``left`` or ``right``, that performer and touched have at something else.

    Raises:
        DuologueError: FAILED_PRECONDITION ``arm-missing``.
    """
    pairs = [(side, other_hand(side, pattern)) for side in ([asked] if asked else ["right", "left"])]
    free = [pair for pair in pairs if pair[0] not in busy[0] and pair[1] not in busy[1]]
    own, other = (side.title() for side in (free or pairs)[0])
    for actor, side in zip(actors, (own, other), strict=True):
        if side not in hands_of(actor.character):
            raise DuologueError(
                "FAILED_PRECONDITION",
                "arm-missing",
                f"{actor.character.mesh.name}'s rig map has no {side.lower()} arm with a hand; map Arm, ForeArm and Hand",
            )
    return Arm.of(actors[0].character, own), Arm.of(actors[1].character, other)


def meet(poses: tuple[Pose, Pose], arms: tuple[Arm, Arm], phases: Phases, seconds: Array) -> Meeting:
    """Let two hands meet; the poses of performer and touched are changed."""
    pattern = phases.pattern
    centre = _centre(poses, pattern.name, phases, seconds)
    forward = _level(poses[1].joint("Hips") - poses[0].joint("Hips"))
    shape = hand_shapes()[pattern.shape]
    share, short = phases.reach(seconds), 0.0
    held = phases.contact(seconds) > 0
    for pose, arm, ahead in zip(poses, arms, (forward, -forward), strict=True):
        frames = _frames(pattern.name, arm, ahead)
        turns, ends = arm.hand.shaped(shape)
        point, radius = arm.hand.palm_point(ends, 0.7)
        back = phases.clearance(seconds) * (_PARTED / 0.04)
        surface = centre - (radius + back)[:, None] * frames[..., 1]
        wrist = surface - einsum("tij,j->ti", frames, point)
        short = max(short, lean(pose, arm, wrist, (share, held)))
        elbow = ELBOW if pattern.name != "high-five" else 35.0
        move_hand(pose, arm, HandWay(frames, wrist, turns, elbow, np.zeros_like(wrist)), share)
    return Meeting(arms, phases, centre, short)


def _centre(poses: tuple[Pose, Pose], name: str, phases: Phases, seconds: Array) -> Array:
    middle = 0.5 * (poses[0].joint("Hips") + poses[1].joint("Hips"))
    height = 0.5 * (poses[0].character.height + poses[1].character.height)
    floor = middle[:, 1] - 0.5 * sum(pose.character.rest_point("Hips")[1] for pose in poses)
    middle[:, 1] = floor + HEIGHT[name] * height
    if name == "shake-hands":
        since = np.maximum(seconds - phases.touches, 0.0)
        swing = np.sin(2 * np.pi * _HERTZ * since) * np.exp(-since / _FADES) * np.clip(since / 0.15, 0.0, 1.0)
        middle[:, 1] += PUMP * swing * phases.reach(seconds)
    return middle


def _level(way: Array) -> Array:
    flat = way * np.array([1.0, 0.0, 1.0])
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)


def _frames(name: str, arm: Arm, ahead: Array) -> Array:
    """Return the hand's frames (T, 3, 3): along, out of the palm, thumbwards."""
    left = np.cross(UP, ahead)
    sign = arm.hand.sign
    if name == "high-five":
        along = np.broadcast_to(UP, ahead.shape) + 0.15 * ahead
        palm = ahead
    else:
        rise = {"shake-hands": 0.1, "hold-hands": -0.5}[name]
        along = ahead + rise * UP - 0.25 * sign * left
        palm = -sign * left
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    palm = palm - einsum("ti,ti->t", palm, along)[:, None] * along
    palm = palm / np.linalg.norm(palm, axis=-1, keepdims=True)
    return np.stack([along, palm, -sign * np.cross(along, palm)], axis=-1)
