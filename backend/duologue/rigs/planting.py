"""Put feet that stand where the performance has them standing, on a rig whose legs are longer or shorter.

The path over the floor is shared by a pair and doesn't scale with one body's legs; without this its feet would slide by the
difference. Each leg is bent by two-bone inverse kinematics, in the plane it is in, as far as its foot is down.

What does scale is the stance: a child that stood with its feet as far apart as an adult's would squat. Each time a foot is set
down its place is moved, once and for all of that contact, to where the body's own legs stand with the performance's angles.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from duologue.easing import smoothstep
from duologue.motion.rotations import Floats, exp_to_quat, quat_between, quat_multiply, quat_rotate
from duologue.rigs.joints import SIDES

_DOWN, _UP = 0.02, 0.12
"""Heights of a sole (metres) between which a foot goes from planted to free."""

_STRAIGHT = 0.998
"""How much of its full length a leg may be stretched to; beyond that the hips come down."""

_SOFT = 0.005
"""Over how many metres the hips begin to come down, so that they don't do it with a jerk."""


_ALIKE, _OTHER = 1.2, 1.5
"""How many times longer or shorter a leg is than the performance's before its stance begins to be its own, and is."""

_STANDS = 0.9
"""From which plantedness on a foot counts as set down."""

_BACKWARDS = 0.1
"""How far (radians) a knee may be bent backwards by the capture's noise."""


def plantedness(height: Floats) -> Floats:
    """Return how firmly (T,) a sole at ``height`` (T,) metres stands: 1 on the floor, 0 from a step's height on."""
    return smoothstep((_UP - height) / (_UP - _DOWN))


def own_stance(leg_scale: float) -> float:
    """Return how far a body with legs ``leg_scale`` times the performance's stands in a stance of its own: 0 to 1."""
    return float(smoothstep((abs(np.log(leg_scale)) - np.log(_ALIKE)) / np.log(_OTHER / _ALIKE)))


def set_down(away: Floats, ahead: Floats, planted: Floats, held: Floats | None = None) -> tuple[Floats, Floats | None]:
    """Return by how much (T, 2) to move the places (x, z) where a foot stands, and the next frames' ``held``.

    Args:
        away: from the performance's foot to where this body's own leg has it with the same angles (T, 2), metres.
        ahead: the way the foot points (T, 2), unit vectors: a foot that pivots takes its place with it.
        planted: how firmly (T,) it stands.
        held: what the frames before had, so that a foot that stands on stays where it is.

    Where the foot stands this is constant in its own axes, the mean of ``away``: nothing slides. In the air it goes over from one
    contact to the next.
    """
    aside = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    own = np.stack([(away * ahead).sum(axis=1), (away * aside).sum(axis=1)], axis=1)
    standing = np.concatenate([[False], planted >= _STANDS, [False]])
    contacts = np.flatnonzero(np.diff(standing.astype(int))).reshape(-1, 2)
    places, times = ([], []) if held is None else ([held], [-1])
    for first, end in contacts.tolist():
        goes_on = held is not None and first == 0
        place = held if goes_on else own[first:end].mean(axis=0)
        places += [place, place]
        times += [first, end - 1]
    if not places:
        return np.zeros_like(away), None
    frames, known = np.arange(len(away)), np.array(places)
    moved = np.stack([np.interp(frames, times, known[:, axis]) for axis in (0, 1)], axis=1)
    return moved[:, :1] * ahead + moved[:, 1:] * aside, moved[-1]


def reach_down(heads: Mapping[str, Floats], goals: Mapping[str, Floats]) -> Floats:
    """Return by how much (T,) the hips must come down for both ankles to reach their ``goals``, metres.

    A leg that is stretched as it is may stay so: only what the goals ask for beyond that counts.
    """
    drops: list[Floats] = []
    for side in SIDES:
        hip, knee, ankle = (heads[side + part] for part in ("UpLeg", "Leg", "Foot"))
        longest = np.maximum(_STRAIGHT * (_length(knee - hip) + _length(ankle - knee)), _length(ankle - hip))
        offset = goals[side + "Foot"] - hip
        height = np.sqrt(np.maximum(longest**2 - offset[:, 0] ** 2 - offset[:, 2] ** 2, 0.0))
        excess = np.maximum(-offset[:, 1] - height, 0.0)
        drops.append(excess**2 / (excess + _SOFT))
    return np.max(drops, axis=0)


def bend_leg(hip: Floats, knee: Floats, ankle: Floats, goal: Floats, hinge: Floats) -> tuple[Floats, Floats]:
    """Return the world turns (T, 4) of thigh and shin, on top of those they have, that bring the ankle to ``goal`` (T, 3).

    Args:
        hip: where the leg's joints are (T, 3); likewise ``knee`` and ``ankle``.
        goal: where the ankle should be. Out of reach: as far that way as the leg reaches.
        hinge: the knee's axis (T, 3), for legs so straight that they lie in no plane.
    """
    thigh, shin = knee - hip, ankle - knee
    upper, lower, reach = _length(thigh), _length(shin), _length(ankle - hip)
    longest = np.maximum(reach, _STRAIGHT * (upper + lower))
    wanted = np.clip(_length(goal - hip), np.abs(upper - lower) + 1e-6, longest)
    # Turning the shin about this axis opens the knee: the normal of the leg's plane, or the hinge where it is all but straight.
    # A knee that is bent backwards a little, as captured ones are, is taken for straight; one that is bent far stays as it is.
    normal = np.cross(shin, thigh)
    size = _length(normal)
    side = hinge - thigh * ((hinge * thigh).sum(axis=1) / upper**2)[:, None]
    side = -side / np.maximum(_length(side), 1e-12)[:, None]
    sign = np.where((normal * side).sum(axis=1) < 0, -1.0, 1.0)
    straight = size < 1e-3 * upper * lower
    axis = np.where(straight[:, None], side, normal * (sign / np.maximum(size, 1e-12))[:, None])
    bent = sign * _bend(upper, lower, reach)
    opening = bent - np.where(bent < -_BACKWARDS, -1.0, 1.0) * _bend(upper, lower, wanted)
    unbend = exp_to_quat(axis * opening[:, None])
    swing = quat_between(thigh + quat_rotate(unbend, shin), goal - hip)
    return swing, quat_multiply(swing, unbend)


def raise_toes(ahead: Floats, ball: Floats, length: float) -> Floats:
    """Return the world turns (T, 4) of toes, on top of those they have, that keep their tips out of the floor.

    Where a heel comes up, toes stay behind on the floor; captured ones often don't bend far enough, and shoes reach further.

    Args:
        ahead: the way the toes point (T, 3), unit vectors.
        ball: height (T,) of the sole under the ball of the foot, metres above the floor.
        length: how far the tips are in front of the ball, metres.
    """
    excess = np.maximum(-ball - length * ahead[:, 1], 0.0)
    up = np.clip(ahead[:, 1] + excess**2 / (excess + _SOFT) / length, -1.0, 1.0)
    angle = np.arcsin(up) - np.arcsin(np.clip(ahead[:, 1], -1.0, 1.0))
    axis = np.stack([-ahead[:, 2], np.zeros(len(ahead)), ahead[:, 0]], axis=-1)
    axis /= np.maximum(_length(axis), 1e-9)[:, None]
    return exp_to_quat(axis * angle[:, None])


def _bend(upper: Floats, lower: Floats, reach: Floats) -> Floats:
    """Return how far a knee is bent, 0 when straight, by the law of cosines."""
    cosine = (reach**2 - upper**2 - lower**2) / (2 * upper * lower)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _length(vectors: Floats) -> Floats:
    return np.sqrt((vectors * vectors).sum(axis=1))
