"""Two hands that meet: shaken, held, struck together. Both people reach, for one point between them, and hold it together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import TWO_HANDED, Interaction, held_then, together
from duologue.errors import DuologueError
from duologue.interactions.actor import UP, Actor, Array, Pose, hands_of
from duologue.interactions.event import CLEARANCE, Phases
from duologue.interactions.hand import hand_shapes
from duologue.interactions.mesh_depth import depths
from duologue.interactions.patterns import Pattern
from duologue.interactions.reach import ELBOW, Arm
from duologue.interactions.touching import HandWay, lean, move_hand
from duologue.labels import PERFORMERS
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES
from duologue.rigs.skinned import vertex_normals

_SETTLES: Final = 0.18
"""Seconds that hands hold each other before they are shaken (CMU 18_01 and 19_01, see ``patterns.toml``)."""
_PARTED: Final = 0.05
"""Metres that each hand of a high five is drawn back before and after."""
_PRESSED: Final = 0.002
"""Metres that two palms are pressed into each other: both are soft, and nothing of it is drawn."""
_FARTHEST: Final = 0.02
_ROUNDS: Final = 5
_GRIP: Final = 0.85
"""Of the way from the wrist to the knuckles, where palms meet."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Two hands that meet: the ``arms`` of performer and touched, the same for all frames."""

    arms: tuple[Arm, Arm]
    phases: Phases

    def ways(self, poses: tuple[Pose, Pose], seconds: Array) -> tuple[Array, tuple[HandWay, HandWay]]:
        """Return where the hands meet (T, 3), and where either goes."""
        pattern = self.phases.pattern
        centre = _centre(poses, self.phases, seconds)
        forward = _level(poses[1].joint("Hips") - poses[0].joint("Hips"))
        shape = hand_shapes()[pattern.shape]
        back = self.phases.clearance(seconds) * (_PARTED / CLEARANCE)
        ways: list[HandWay] = []
        for arm, ahead in zip(self.arms, (forward, -forward), strict=True):
            frames = _frames(pattern, arm, ahead, first=arm is self.arms[0])
            turns, ends = arm.hand.shaped(shape)
            point, radius = arm.hand.palm_point(ends, _GRIP)
            surface = centre - (radius + self.apart + back)[:, None] * frames[..., 1]
            wrist = surface - einsum("tij,j->ti", frames, point)
            elbow = 35.0 if pattern.name == "high-five" else ELBOW
            ways.append(HandWay(frames, wrist, turns, elbow, np.zeros_like(wrist)))
        return centre, (ways[0], ways[1])

    @cached_property
    def apart(self) -> float:
        """How much farther either palm is from the middle, metres, for the hands' own meshes to touch and no more."""
        shape = hand_shapes()[self.phases.pattern.shape]
        ahead = np.array([[0.0, 0.0, 1.0]])
        placed, palms, triangles = list[Array](), list[Array](), list[NDArray[np.int64]]()
        for arm, way in zip(self.arms, (ahead, -ahead), strict=True):
            frame = _frames(self.phases.pattern, arm, way, first=arm is self.arms[0])[0]
            point, radius = arm.hand.palm_point(arm.hand.shaped(shape)[1], _GRIP)
            placed.append((arm.hand.surface(shape) - point) @ frame.T - radius * frame[:, 1])
            palms.append(frame[:, 1])
            triangles.append(arm.hand.triangles)
        found = 0.0
        for _ in range(_ROUNDS):
            points = [one - found * palm for one, palm in zip(placed, palms, strict=True)]
            normals = [vertex_normals(one, faces) for one, faces in zip(points, triangles, strict=True)]
            deep = max(float(depths(points[k], points[1 - k], normals[1 - k]).max()) for k in (0, 1))
            found = float(np.clip(found + 0.5 * (deep - _PRESSED if np.isfinite(deep) else 0.0), -_FARTHEST, _FARTHEST))
        return found

    def short(self, poses: tuple[Pose, Pose], seconds: Array) -> float:
        """Return by how many metres a hand is off where it belongs, at most, while they hold each other."""
        held = self.phases.contact(seconds) > 0
        _, ways = self.ways(poses, seconds)
        off = [
            np.linalg.norm(way.wrist - pose.joint(arm.hand.side + "Hand"), axis=-1)[held].max(initial=0.0)
            for pose, arm, way in zip(poses, self.arms, ways, strict=True)
        ]
        return float(max(off))


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


def meet(meeting: Meeting, poses: tuple[Pose, Pose], seconds: Array, most: float = 1.0) -> Array:
    """Let two hands meet; the poses of performer and touched are changed.

    Args:
        meeting: whose hands, and when.
        poses: of performer and touched, T frames.
        seconds: (T,) of the take.
        most: how much shoulders and chests may help, 0 to 1.

    Returns:
        Where they meet (T, 3).
    """
    share = meeting.phases.reach(seconds)
    held = meeting.phases.contact(seconds) > 0
    _, ways = meeting.ways(poses, seconds)
    for pose, arm, way in zip(poses, meeting.arms, ways, strict=True):
        lean(pose, arm, way.wrist, (share, held), most)
    centre, ways = meeting.ways(poses, seconds)
    for pose, arm, way in zip(poses, meeting.arms, ways, strict=True):
        move_hand(pose, arm, way, share)
    return centre


def _centre(poses: tuple[Pose, Pose], phases: Phases, seconds: Array) -> Array:
    pattern = phases.pattern
    middle = 0.5 * (poses[0].joint("Hips") + poses[1].joint("Hips"))
    middle[:, 1] = 0.5 * sum(_level_of(pose, pattern.height) for pose in poses)
    up, hertz, fades = pattern.pump
    if up:
        hold = phases.releases - phases.touches
        settles = min(_SETTLES, 0.15 * hold)
        since = np.maximum(seconds - phases.touches - settles, 0.0)
        fading = np.exp(-np.maximum(since - phases.interaction.repeat / hertz, 0.0) / fades)
        # No pump begins that the hold leaves no time for.
        whole = np.floor((hold - settles) * hertz)
        middle[:, 1] += up * 0.5 * (1 - np.cos(2 * np.pi * hertz * since)) * fading * (since * hertz < whole)
    return middle


def _level_of(pose: Pose, share: float) -> Array:
    """Return how high (T,) a share of the way from the joints of a body's hips to those of its shoulders is."""
    low, high = (0.5 * sum(pose.joint(side + part)[:, 1] for side in SIDES) for part in ("UpLeg", "Arm"))
    return low + share * np.maximum(high - low, 0.0)


def _level(way: Array) -> Array:
    flat = way * np.array([1.0, 0.0, 1.0])
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)


def _frames(pattern: Pattern, arm: Arm, ahead: Array, *, first: bool) -> Array:
    """Return the hand's frames (T, 3, 3): along, out of the palm, thumbwards; palms that meet are parallel.

    ``first``: whether it is the performer's, which lies on the other one where hands are held.
    """
    left = np.cross(UP, ahead)
    sign = arm.hand.sign
    if pattern.name == "high-five":
        along, palm = np.broadcast_to(UP, ahead.shape), ahead
    else:
        along = ahead + pattern.rise * UP
        held = pattern.name == "hold-hands"
        palm = np.broadcast_to(-UP if first else UP, ahead.shape) if held else -sign * left
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    palm = palm - einsum("ti,ti->t", palm, along)[:, None] * along
    palm = palm / np.linalg.norm(palm, axis=-1, keepdims=True)
    return np.stack([along, palm, -sign * np.cross(along, palm)], axis=-1)
