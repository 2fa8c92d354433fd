"""Bring motion from any skeleton onto one of ours: what the data sets are read with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import Floats, quat_conjugate, quat_multiply, quat_rotate, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton
from duologue.rigs.body import clearance, leg_length, middle, move, rest_points, sole_height


def retarget_clip(
    source: Skeleton,
    rotations: ArrayLike,
    root_translation: ArrayLike,
    joint_map: Mapping[str, str],
    target: Skeleton,
    *,
    translations: ArrayLike | None = None,
    rest_frame: int | None = None,
    rest_of_walk: bool = False,
    floor: float | None = 0.0,
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
        floor: height of the floor in the clip, metres. The source's soles are found by the lowest height its feet keep to.
            None: the soles are at y = 0 in the source's rest pose, and the clip's floor is there too.
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
    own = {name: name for name in target.names}
    rest = rest_points(target, own)
    turns = body.drive(rest)
    scale = leg_length(rest) / leg_length(body.rest)

    # Where the source's feet go lowest is the floor (2 %: one bad frame must not lift the whole clip).
    sole = 0.0 if floor is None else sole_height(body.rest)
    height = clearance(body.rest, sole, body.turns, body.positions)
    if floor is not None:
        height = height - np.quantile(height, 0.02)

    filled: list[Floats] = []
    local: list[Floats] = []
    for joint, parent in enumerate(target.parents):
        world = turns.get(target.names[joint])
        filled.append(filled[parent] if world is None else world)
        local.append(filled[joint] if parent < 0 else quat_multiply(quat_conjugate(filled[parent]), filled[joint]))
    by_name = dict(zip(target.names, filled, strict=True))

    # Hang the target under the point between its hip joints, and lower it until its soles are where the source's are.
    root = middle(body.positions) * (scale if floor_scale is None else floor_scale)
    root = root + quat_rotate(by_name["Hips"], rest[target.names[0]] - middle(rest))
    root[:, 1] = 0.0
    positions: list[Floats] = []
    for joint, parent in enumerate(target.parents):
        step = root if parent < 0 else positions[parent] + quat_rotate(filled[parent], target.offsets[joint])
        positions.append(step)
    own_height = clearance(rest, 0.0, by_name, dict(zip(target.names, positions, strict=True)))
    root[:, 1] = scale * height - own_height
    return unroll_exp(np.stack([quat_to_exp(turn) for turn in local], axis=1)), root
