"""How the joints of fingers and thumb turn when they are bent: about the hinges that the hand's rest pose gives."""

from __future__ import annotations

import numpy as np

from duologue.interactions.actor import Array
from duologue.motion.rotations import cross, exp_to_matrix, quat_between, quat_to_matrix


def finger_turns(points: Array, frame: Array, bends: Array, aside: float | None) -> Array:
    """Return how a finger's joints are turned (3, 3, 3) away from rest, in our world's axes.

    Args:
        points: (4, 3) that it runs through at rest, its tip last.
        frame: (3, 3) columns along the hand, out of the palm, towards the thumb's side.
        bends: (3,) radians of its joints.
        aside: radians about what faces out of the palm, away from the hand's length; None as at rest.
    """
    along, palm, _ = frame.T
    # Straight ahead from its knuckle, in the plane of the palm as it rests, then curled about the axis across.
    level = points[1] - points[0]
    level = level - (level @ palm) * palm
    level /= np.linalg.norm(level)
    if aside is not None:
        level = exp_to_matrix(aside * palm) @ along
    wanted = exp_to_matrix(np.cumsum(bends)[:, None] * cross(level, palm)) @ level
    return np.asarray(quat_to_matrix(quat_between(np.diff(points, axis=0), wanted)), np.float64)


def thumb_turns(
    points: Array, frame: Array, bends: Array, *, goal: Array, oppose: float, abduct: float | None
) -> Array:
    """Return the same of a thumb: laid beside the hand, turned over in front of the palm about the hand's length, and bent.

    Args:
        points, frame, bends: as of a finger.
        goal: (3,) what it bends towards, before the fingers' middle.
        oppose: degrees by which it is turned over, from its rest.
        abduct: degrees between it and the hand; None as at rest.
    """
    along, palm, thumbwards = frame.T
    # About `along`, from the thumb's side to the palm's.
    turn = np.asarray(exp_to_matrix(np.radians(oppose) * cross(thumbwards, palm)), np.float64)
    if abduct is not None:
        whole = points[3] - points[0]
        aside = np.arctan2(whole @ thumbwards, whole @ along) - np.radians(abduct)
        turn = turn @ np.asarray(exp_to_matrix(aside * cross(thumbwards, along)), np.float64)
    goal = goal + 0.5 * np.linalg.norm(points[3] - points[0]) * palm
    turns: list[Array] = []
    at = points[0]
    for i in range(3):
        direction = turn @ (points[i + 1] - points[i])
        hinge = cross(direction, goal - at)
        hinge /= max(float(np.linalg.norm(hinge)), 1e-9)
        turn = np.asarray(exp_to_matrix(bends[i] * hinge), np.float64) @ turn
        turns.append(turn)
        at = at + turn @ (points[i + 1] - points[i])
    return np.array(turns)
