"""Bring motion from any skeleton onto one of ours: what the data sets are read with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import Floats, quat_conjugate, quat_multiply, quat_rotate, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton
from duologue.rigs.body import MovingBody, clearance, leg_length, middle, move, rest_points, sole_height


def retarget_clip(  # noqa: PLR0913 - options by name
    source: Skeleton,
    rotations: ArrayLike,
    root_translation: ArrayLike,
    joint_map: Mapping[str, str],
    target: Skeleton,
    *,
    translations: ArrayLike | None = None,
    rest_frame: int | None = None,
    rest_of_walk: bool = False,
    find_floor: bool = True,
    floor_scale: float | None = None,
) -> tuple[Floats, Floats]:
    """Bring a clip onto another skeleton whose joints have duologue60's names.

    Limbs point where they pointed, whatever the two rest poses are (``rigs.alignment`` says what is held for each body part);
    soles stand on the floor; the path over the floor scales with the legs, so that planted feet stay planted.

    Args:
        source: the clip's skeleton, J joints.
        rotations: (T, J, 3) exponential maps, parent-local, zero in the rest pose.
        root_translation: (T, 3) world position of the source's root joint, metres.
        joint_map: source joint name -> duologue60 joint name. Name a spine of any length ``Spine, Spine1, …`` from the hips up
            and a neck ``Neck, Neck1, …``: they are spread over the target's. Joints that are not named follow their parents.
        target: the skeleton to move, K joints.
        translations: (T, J, 3) parent-local positions, where the source's bones change length.
        rest_frame: the frame of the clip that shows the T-pose, where the skeleton's own rest pose is none.
        rest_of_walk: find the rest pose as the mean of the clip, a straight walk, where neither shows one.
        find_floor: take the lowest height that the source's feet keep to for the floor. False: the soles are at y = 0 in the
            source's rest pose, and the clip's floor is there too.
        floor_scale: how much a metre over the floor becomes; by default the ratio of the legs' lengths.

    Returns:
        Rotations (T, K, 3) as exponential maps without jumps, and the world position of the target's root (T, 3), metres.

    Raises:
        DuologueError: INVALID_ARGUMENT ``joints-missing`` when hips or legs are not mapped; NOT_FOUND ``unknown-joint``.
    """
    names = {joint: name for name, joint in joint_map.items()}
    body = move(
        source,
        names,
        rotations,
        root_translation,
        translations=translations,
        rest_frame=rest_frame,
        rest_of_walk=rest_of_walk,
    )
    rest = rest_points(target, {name: name for name in target.names})
    turns = _fill(body.drive(rest), target)
    scale = leg_length(rest) / leg_length(body.rest)
    root = _root(body, turns, target, rest, scale if floor_scale is None else floor_scale)
    root[:, 1] = scale * _height(body, find_floor) - _own_height(root, turns, target, rest)
    return unroll_exp(np.stack([quat_to_exp(turn) for turn in _local(turns, target)], axis=1)), root


def _fill(turns: Mapping[str, Floats], target: Skeleton) -> list[Floats]:
    """Return the world turns (T, 4) of all joints; those that nothing drives follow their parents."""
    filled: list[Floats] = []
    for name, parent in zip(target.names, target.parents, strict=True):
        turn = turns.get(name)
        filled.append(filled[parent] if turn is None else turn)
    return filled


def _local(turns: Sequence[Floats], target: Skeleton) -> list[Floats]:
    """Return the joints' turns (T, 4) against their parents'."""
    return [
        turn if parent < 0 else quat_multiply(quat_conjugate(turns[parent]), turn)
        for turn, parent in zip(turns, target.parents, strict=True)
    ]


def _root(
    body: MovingBody, turns: Sequence[Floats], target: Skeleton, rest: Mapping[str, Floats], floor_scale: float
) -> Floats:
    """Return where the root is over the floor, (T, 3) with y = 0: the points between both bodies' hip joints are one."""
    root = middle(body.positions) * floor_scale
    root = root + quat_rotate(turns[target.index("Hips")], rest[target.names[0]] - middle(rest))
    root[:, 1] = 0.0
    return root


def _height(body: MovingBody, find_floor: bool) -> Floats:
    """Return how high (T,) the source's lower sole is over its floor, metres."""
    if not find_floor:
        return clearance(body.rest, 0.0, body.turns, body.positions)
    height = clearance(body.rest, sole_height(body.rest), body.turns, body.positions)
    return height - np.quantile(height, 0.02)  # 2 %: one bad frame must not lift the whole clip


def _own_height(root: Floats, turns: Sequence[Floats], target: Skeleton, rest: Mapping[str, Floats]) -> Floats:
    """Return how high (T,) the target's lower sole is with its root at ``root``."""
    positions: list[Floats] = []
    for joint, parent in enumerate(target.parents):
        step = root if parent < 0 else positions[parent] + quat_rotate(turns[parent], target.offsets[joint])
        positions.append(step)
    by_name = dict(zip(target.names, turns, strict=True))
    return clearance(rest, 0.0, by_name, dict(zip(target.names, positions, strict=True)))
