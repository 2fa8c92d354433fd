"""What a pose that nobody plays does to the bones that are played: a root control moved aside, a helper turned, a limb scaled.

Such a pose stays under every frame of a take. Counted in, the take shows as it was meant all the same; what is read here is how
the played bones would lie if each of them were turned as at rest and everything else stayed as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from duologue.motion.rotations import Floats, matrix_to_quat, quat_conjugate, quat_multiply, quat_rotate


@dataclass(frozen=True)
class Carried:
    """Where played bones are carried to before they are posed themselves; all in our world, arrays over B bones.

    ``rotation`` (B, 4) and ``offset`` (B, 3) are of the bone's frame, the offset from the head of the nearest played bone above:
    both as seen while that bone is turned as at rest. Without one above they are where the frame is in the world. ``scale``
    (B,): how many metres a unit of the bone's location is; ``size`` (B,): how much larger the bone is than at rest.
    """

    rotation: Floats
    offset: Floats
    scale: Floats
    size: Floats


def at_rest(rotation: Floats, heads: Floats, scale: float, above: Mapping[int, int | None]) -> Carried:
    """Return how bones are carried where nothing is posed: ``rotation`` (B, 4) and ``heads`` (B, 3) of the rest pose."""
    offset = heads.copy()
    for bone, carrier in above.items():
        offset[bone] = heads[bone] - (0.0 if carrier is None else heads[carrier])
    return Carried(rotation, offset, np.full(len(heads), scale), np.ones(len(heads)))


def carry(
    rest: Floats, pose: Floats, parents: Sequence[int], above: Mapping[int, int | None], moved: Mapping[int, int | None]
) -> Carried:
    """Return how played bones are carried by everything that is posed and not played.

    Args:
        rest: (B, 4, 4) rest matrices in our world.
        pose: (B, 4, 4) what each bone is posed by, in its own rest axes and the armature's units (Blender's ``matrix_basis``).
            Of played bones only location and scale count: their rotation is what a take writes.
        parents: each bone's parent, -1 for none.
        above: played bone -> the nearest played bone above it.
        moved: those played bones whose location a take writes.
    """
    basis = pose.copy()
    for bone in above:
        basis[bone, :3, :3] = np.diag(np.linalg.norm(pose[bone, :3, :3], axis=0))
        if bone in moved:
            basis[bone, :3, 3] = 0.0
    frames = rest.copy()
    lay = np.linalg.inv(rest)
    for bone in _parents_first(parents):
        parent = parents[bone]
        frames[bone] = (rest[bone] if parent < 0 else frames[parent] @ lay[parent] @ rest[bone]) @ basis[bone]
    turned, resting = (matrix_to_quat(orthonormal(matrices[:, :3, :3])) for matrices in (frames, rest))
    rotation, offset = turned.copy(), frames[:, :3, 3].copy()
    for bone, carrier in above.items():
        if carrier is not None:
            back = quat_multiply(resting[carrier], quat_conjugate(turned[carrier]))
            rotation[bone] = quat_multiply(back, turned[bone])
            offset[bone] = quat_rotate(back, frames[bone, :3, 3] - frames[carrier, :3, 3])
    scale = size_of(frames)
    return Carried(rotation, offset, scale / size_of(basis), scale / size_of(rest))


def orthonormal(matrices: Floats) -> Floats:
    """Return the rotations nearest to matrices (B, 3, 3) that may carry scale."""
    u, _, vt = np.linalg.svd(matrices)
    return np.asarray(u @ vt, np.float64)


def size_of(matrices: Floats) -> Floats:
    """Return the scale (B,) of matrices (B, 4, 4)."""
    return np.asarray(np.cbrt(np.abs(np.linalg.det(matrices[:, :3, :3]))), np.float64)


def _parents_first(parents: Sequence[int]) -> list[int]:
    """Return bones so that each comes after its parent; those in a circle are left out (``TargetRig`` names them)."""
    children: dict[int, list[int]] = {}
    for bone, parent in enumerate(parents):
        children.setdefault(parent, []).append(bone)
    order = list(children.get(-1, []))
    for bone in order:
        order += children.get(bone, [])
    return order
