"""Two hands that meet: shaken, held, struck together. Both people reach, for one point between them, and hold it together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import TWO_HANDED, Interaction, held_then, together
from duologue.easing import smoothstep
from duologue.errors import DuologueError
from duologue.interactions.actor import UP, Actor, Array, Pose, hands_of
from duologue.interactions.clasping import Clasp, clasp_of
from duologue.interactions.elbows import keep_aside
from duologue.interactions.event import CLEARANCE, Phases
from duologue.interactions.raising import Raised, easiest
from duologue.interactions.reach import ELBOW, Arm
from duologue.interactions.touching import HandWay, lean, mixed_turns, move_hand
from duologue.labels import PERFORMERS
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES

_SETTLES: Final = 0.18
"""Seconds that hands hold each other before they are shaken (CMU 18_01 and 19_01, see ``patterns.toml``)."""
_PARTED: Final = 0.05
"""Metres that each hand of a high five is drawn back before and after."""
_HIGHEST: Final = 0.4
"""Share of the way from hips to shoulders up to which hands meet higher than their pattern says, for arms that are short."""
_EASY: Final = 0.94
"""Of an arm's reach, what it reaches without being stretched."""
_BOW: Final = (0.0, 0.12, 0.0)
"""Metres by which hands that meet bow out: to the sides only, for ahead they would go through each other…"""
_OVER: Final = ((0.0, 0.12, 0.08), (0.0, 0.12, -0.04))
"""…and where a right hand meets a left one, both to the same side, the performer's, which lies above, over the other."""
_AHEAD: Final = 0.1
"""Seconds before palms meet from which on fingers close, and after they part until they are open…"""
_CLOSED: Final = 0.08
"""…and after they met in which they close wholly."""
_NEWTON: Final = 4
"""Steps after which two arms are stretched alike to a tenth of a millimetre."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Two hands that meet: the ``arms`` of performer and touched, the same for all frames."""

    arms: tuple[Arm, Arm]
    phases: Phases

    def ways(self, poses: tuple[Pose, Pose], seconds: Array) -> tuple[Array, tuple[HandWay, HandWay]]:
        """Return where the hands meet (T, 3), and where either goes."""
        axes = _axes(poses, self.arms)
        centre = self._centre(poses, axes, seconds)
        raised, elbows = self._raised(poses, axes, centre, seconds)
        centre = centre + raised * UP
        back = self.phases.clearance(seconds) * (_PARTED / CLEARANCE)
        grip = _grip(self.phases, seconds)
        same = self.arms[0].hand.side != self.arms[1].hand.side
        ways: list[HandWay] = []
        for k, arm in enumerate(self.arms):
            frames = axes @ self.clasp.frames[k]
            wrist = centre + axes @ self.clasp.wrists[k] - back[:, None] * frames[..., 1]
            turns = mixed_turns(arm.hand, self.clasp.shapes[k], grip)
            bow = _OVER[k] if same else _BOW
            ways.append(HandWay(frames, wrist, turns, elbows[k], np.zeros_like(wrist), bow=bow))
        return centre, (ways[0], ways[1])

    def _centre(self, poses: tuple[Pose, Pose], axes: Array, seconds: Array) -> Array:
        """Return where the hands meet (T, 3): between both people, as high as the pattern says, or as both arms reach."""
        pattern, held = self.phases.pattern, self.phases.contact(seconds) > 0
        first, second = (_shoulder(pose, arm) for pose, arm in zip(poses, self.arms, strict=True))
        hips = [pose.joint("Hips") for pose in poses]
        reach = self.arms[0].reach, self.arms[1].reach
        middle = hips[0] + reach[0] / sum(reach) * (hips[1] - hips[0])
        middle[:, 1] = 0.5 * sum(_level_of(pose, pattern.height) for pose in poses)
        ways = [middle + axes @ wrist - at for wrist, at in zip(self.clasp.wrists, (first, second), strict=True)]
        middle = middle + _evened(ways, reach, axes[..., 2])[:, None] * axes[..., 2]
        highest = 0.5 * sum(_level_of(pose, max(pattern.height, _HIGHEST)) for pose in poses) - middle[:, 1]
        need = np.zeros(len(seconds))
        for shoulder, arm, offset in zip((first, second), self.arms, self.clasp.wrists, strict=True):
            away = middle + axes @ offset - shoulder
            level = np.linalg.norm(away[:, [0, 2]], axis=-1)
            drop = np.sqrt(np.maximum((_EASY * arm.reach) ** 2 - level**2, 0.0))
            need = np.maximum(need, -drop - away[:, 1])
        middle[:, 1] += np.clip(need[held].max(initial=0.0), 0.0, highest)
        middle[:, 1] += _pumped(self.phases, seconds)
        return middle

    def _raised(
        self, poses: tuple[Pose, Pose], axes: Array, centre: Array, seconds: Array
    ) -> tuple[float, tuple[float, float]]:
        """Return how much higher (metres) hands meet that may, and how many degrees outwards either elbow hangs."""
        pattern = self.phases.pattern
        held = np.flatnonzero(self.phases.contact(seconds) > 0)
        if not pattern.highest or not len(held):
            return 0.0, (ELBOW, ELBOW)
        rows = held[[0, len(held) // 2, -1]]
        above = [_level_of(pose, pattern.highest) - _level_of(pose, pattern.height) for pose in poses]
        room = np.mean(above, axis=0)[rows].min()
        arms = [
            Raised(
                arm,
                _shoulder(pose, arm)[rows],
                arm.hand.sign * _across(pose)[rows],
                axes[rows] @ self.clasp.frames[k],
                (centre + axes @ self.clasp.wrists[k])[rows],
            )
            for k, (pose, arm) in enumerate(zip(poses, self.arms, strict=True))
        ]
        return easiest(arms, float(room))

    @cached_property
    def clasp(self) -> Clasp:
        """How the two lie on each other."""
        return clasp_of(self.arms[0].hand, self.arms[1].hand, self.phases.pattern)

    def short(self, poses: tuple[Pose, Pose], seconds: Array) -> float:
        """Return by how many metres a hand is off where it belongs, at most, while they hold each other."""
        held = self.phases.contact(seconds) > 0
        _, ways = self.ways(poses, seconds)
        off = [
            np.linalg.norm(way.wrist - pose.joint(arm.hand.side + "Hand"), axis=-1)[held].max(initial=0.0)
            for pose, arm, way in zip(poses, self.arms, ways, strict=True)
        ]
        return float(max(off))


def _evened(ways: Sequence[Array], reach: tuple[float, float], ahead: Array) -> Array:
    """Return by how many metres (T,) two wrists have to go ``ahead`` (T, 3) for both arms to be stretched alike (Newton).

    ``ways``: (T, 3) from either shoulder to its wrist; ``reach``: of the two arms: whoever has the longer one comes farther.
    """
    moved = np.zeros(len(ahead))
    for _ in range(_NEWTON):
        gone = [way + moved[:, None] * ahead for way in ways]
        far = [np.linalg.norm(way, axis=-1) for way in gone]
        uneven = far[0] / reach[0] - far[1] / reach[1]
        slope = [einsum("ti,ti->t", way, ahead) / np.maximum(one, 1e-6) for way, one in zip(gone, far, strict=True)]
        moved = moved - uneven / np.maximum(slope[0] / reach[0] - slope[1] / reach[1], 1e-6)
    return moved


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
        start = pose.copy()
        move_hand(pose, arm, way, share)
        keep_aside(pose, start, arm, share)
    return centre


def _pumped(phases: Phases, seconds: Array) -> Array:
    """Return how much higher (T,) shaken hands are than where they met, metres."""
    up, hertz, fades = phases.pattern.pump
    if not up:
        return np.zeros(len(seconds))
    hold = phases.releases - phases.touches
    settles = min(_SETTLES, 0.15 * hold)
    since = np.maximum(seconds - phases.touches - settles, 0.0)
    fading = np.exp(-np.maximum(since - phases.interaction.repeat / hertz, 0.0) / fades)
    # No pump begins that the hold leaves no time for.
    whole = np.floor((hold - settles) * hertz)
    return up * 0.5 * (1 - np.cos(2 * np.pi * hertz * since)) * fading * (since * hertz < whole)


def _level_of(pose: Pose, share: float) -> Array:
    """Return how high (T,) a share of the way from the joints of a body's hips to those of its shoulders is."""
    low, high = (0.5 * sum(pose.joint(side + part)[:, 1] for side in SIDES) for part in ("UpLeg", "Arm"))
    return low + share * np.maximum(high - low, 0.0)


def _axes(poses: tuple[Pose, Pose], arms: tuple[Arm, Arm]) -> Array:
    """Return the axes (T, 3, 3) of a meeting: left, up and ahead, from the performer's arm to the other's.

    Along that line neither wrist is bent aside, whether right hands meet or a right one and a left one.
    """
    way = _shoulder(poses[1], arms[1]) - _shoulder(poses[0], arms[0])
    ahead = way * np.array([1.0, 0.0, 1.0])
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    up = np.broadcast_to(UP, ahead.shape)
    return np.stack([np.cross(up, ahead), up, ahead], axis=-1)


def _shoulder(pose: Pose, arm: Arm) -> Array:
    """Return where a shoulder is (T, 3) above the hips of somebody upright: it stays there whoever leans to reach."""
    character = pose.character
    away = character.rest_point(arm.hand.side + "Arm") - character.rest_point("Hips")
    return pose.joint("Hips") + (away @ character.left) * _across(pose) + away[1] * UP


def _across(pose: Pose) -> Array:
    """Return the level unit way (T, 3) to the left of a body's hips."""
    across = pose.turn_of("Hips") @ pose.character.left * np.array([1.0, 0.0, 1.0])
    return across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)


def _grip(phases: Phases, seconds: Array) -> Array:
    """Return how far (T,) the fingers of two hands are closed: round each other once the palms have met, else before they do."""
    after = min(_CLOSED, 0.15 * (phases.releases - phases.touches)) if phases.pattern.clasps else 0.0
    closing = smoothstep((seconds - phases.touches + _AHEAD) / (after + _AHEAD))
    opening = smoothstep((phases.releases + _AHEAD - seconds) / (after + _AHEAD))
    return np.minimum(closing, opening)
