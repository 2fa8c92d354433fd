"""What skin gives way to: the capsules of a hand, its fingertips as thick as their pads are at their root and at their end."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Pose
from duologue.interactions.hand import Hand
from duologue.interactions.hand_capsules import HandCapsules, line_distance
from duologue.interactions.indentation import Capsules

_ROOT: Final = (0.1, 0.5)
_END: Final = (0.7, np.inf)
"""Of a last phalanx, between which shares of it its pad is measured: beyond the last the ball at its end is."""
_STRIP: Final = 0.35
"""Of its radius, how far to either side of its middle."""
_STEPS: Final = 6
"""Into how many parts the edges of a triangle are cut to be measured."""
_THINNEST: Final = 0.6
_THICKEST: Final = 1.35
"""Of a capsule's radius, between which a pad is believed."""


def pressing_capsules(hand: Hand, pose: Pose) -> Capsules:
    """Return the capsules of a hand over a pose's T frames, in the world."""
    found = _at_rest(hand)
    rest = hand.character.rest
    local = np.einsum(
        "kij,kei->kej", hand.character.rest_turns[found.bones], found.ends - rest[found.bones, None, :3, 3]
    )
    placed = np.einsum("tkij,kej->tkei", pose.turns[:, found.bones], local) + pose.heads[:, found.bones, None]
    return Capsules(placed, found.radius)


@lru_cache(maxsize=16)
def _at_rest(hand: Hand) -> HandCapsules:
    names, bones = list(hand.names), hand.bones.tolist()
    ends, radius = list(hand.ends), hand.radius.tolist()
    for finger in hand.fingers:
        k = hand.tip(finger)
        first, last = hand.ends[k]
        root, end = _pad(hand, finger, _ROOT), _pad(hand, finger, _END)
        middle = 0.5 * (first + last)
        # What is thinner at its end reaches as far, what is blunt no less.
        line = last - first
        further = max(hand.radius[k] - end, 0.0) * line / max(float(np.linalg.norm(line)), 1e-9)
        ends[k], radius[k] = np.array([first, middle]), root
        names.append(f"{finger}4")
        bones.append(bones[k])
        ends.append(np.array([middle, last + further]))
        radius.append(end)
    return HandCapsules(tuple(names), np.array(bones), np.array(ends), np.array(radius))


def _pad(hand: Hand, finger: str, between: tuple[float, float]) -> float:
    """Return how far a fingertip's skin is from its bone's line towards the palm, of a thumb towards the fingers.

    Of few large triangles vertices tell little about where skin is between them, and the tips of some hands are half as thick at
    their end as at their root.
    """
    k = hand.tip(finger)
    first, last = hand.ends[k]
    line = last - first
    length = max(float(np.linalg.norm(line)), 1e-9)
    along = line / length
    way = hand.before_fingers - 0.5 * (first + last) if finger == "Thumb" else hand.frame[:, 1]
    way = way - (way @ along) * along
    way = way / max(float(np.linalg.norm(way)), 1e-9)
    points = _spread(hand, finger) - first
    share, height = points @ along / length, points @ way
    strip = (np.abs(points @ np.cross(along, way)) < _STRIP * hand.radius[k]) & (height > 0)
    strip &= (share > between[0]) & (share < between[1])
    if not strip.any():
        return float(hand.radius[k])
    pad = float(np.quantile(line_distance(points[strip], np.array([np.zeros(3), line])), 0.75))
    return float(np.clip(pad, _THINNEST * hand.radius[k], _THICKEST * hand.radius[k]))


def _spread(hand: Hand, finger: str) -> Array:
    """Return points (n, 3) all over the triangles of a fingertip at rest."""
    tip = hand.part(finger)
    triangles = hand.triangles[tip[hand.triangles].any(axis=1)]
    corners = hand.character.mesh.vertices[hand.vertices][triangles]
    shares = [(i, j, _STEPS - i - j) for i in range(_STEPS + 1) for j in range(_STEPS + 1 - i)]
    return np.einsum("sc,tci->sti", np.array(shares) / _STEPS, corners).reshape(-1, 3)
