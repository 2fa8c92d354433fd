"""Writing BVH."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from duologue.errors import invalid
from duologue.motion.bvh.clip import Array, BvhClip
from duologue.motion.rotations import exp_to_matrix, matrix_to_euler
from duologue.motion.skeleton import Skeleton


def write_bvh(path: str | Path, clip: BvhClip, *, scale: float = 1.0) -> None:
    """Write a clip as BVH: positions in units of ``scale`` metres (0.01 for centimetres), angles in degrees, six decimals.

    The root has absolute position channels; other joints have them only where the clip moves them. Rotation orders are the
    clip's own (three axes each), ``ZXY`` where it has none.

    Raises:
        DuologueError: INVALID_ARGUMENT ``bvh-values`` when the clip holds values that are not finite.
    """
    skeleton = clip.skeleton
    orders = [order if len(order) == 3 else "ZXY" for order in clip.orders] or ["ZXY"] * len(skeleton)
    local = clip.translations
    moved = [joint == 0 or local is not None for joint in range(len(skeleton))]

    lines, sequence = _hierarchy_lines(skeleton, orders, moved, scale)
    blocks: list[Array] = []
    angles = _degrees(clip.rotations, orders)
    for joint in sequence:
        if joint == 0:
            blocks.append(clip.root_translation / scale)
        elif local is not None:
            blocks.append(local[:, joint] / scale)
        blocks.append(angles[:, joint])
    values = np.concatenate(blocks, axis=1)
    if not np.isfinite(values).all():
        raise invalid("bvh-values", f"the clip holds values that are not finite; {path} is not written.")

    lines += ["MOTION", f"Frames: {clip.frames}", f"Frame Time: {1.0 / clip.fps:.9f}"]
    row = " ".join(["%.6f"] * values.shape[1]) + "\n"
    with Path(path).open("w", encoding="utf-8", newline="\n") as out:
        out.write("\n".join(lines) + "\n")
        for start in range(0, clip.frames, 256):
            chunk = values[start : start + 256]
            out.write(row * len(chunk) % tuple(chunk.ravel().tolist()))


def _degrees(rotations: Array, orders: Sequence[str]) -> Array:
    """Return Euler angles (T, J, 3) in degrees, without jumps of a whole turn along time."""
    angles = np.empty(rotations.shape)
    matrices = exp_to_matrix(rotations)
    for order in sorted(set(orders)):
        joints = [joint for joint, other in enumerate(orders) if other == order]
        angles[:, joints] = matrix_to_euler(matrices[:, joints], order)
    return np.degrees(np.unwrap(angles, axis=0))


def _hierarchy_lines(
    skeleton: Skeleton, orders: Sequence[str], moved: Sequence[bool], scale: float
) -> tuple[list[str], list[int]]:
    """Return the lines above MOTION, and the joints in the order in which they stand there (depth first)."""
    lines: list[str] = ["HIERARCHY"]
    sequence: list[int] = []

    def end(offset: Sequence[float], tab: str) -> list[str]:
        return [f"{tab}End Site", f"{tab}{{", f"{tab}\tOFFSET {_words(offset, scale)}", f"{tab}}}"]

    def visit(joint: int, tab: str) -> None:
        sequence.append(joint)
        rotation = " ".join(f"{axis}rotation" for axis in orders[joint])
        lines.extend(
            [
                f"{tab}{'JOINT' if joint else 'ROOT'} {skeleton.names[joint]}",
                f"{tab}{{",
                f"{tab}\tOFFSET {_words(skeleton.offsets[joint].tolist(), scale)}",
                f"{tab}\tCHANNELS {f'6 Xposition Yposition Zposition {rotation}' if moved[joint] else f'3 {rotation}'}",
            ]
        )
        for child, parent in enumerate(skeleton.parents):
            if parent == joint:
                visit(child, tab + "\t")
        tips = [offset for parent, offset in skeleton.ends if parent == joint]
        if not tips and joint not in skeleton.parents:
            tips = [(0.0, 0.0, 0.0)]  # the format wants an end under every last joint
        for tip in tips:
            lines.extend(end(tip, tab + "\t"))
        lines.append(f"{tab}}}")

    visit(0, "")
    return lines, sequence


def _words(offset: Sequence[float], scale: float) -> str:
    return " ".join(f"{value / scale:.6f}" for value in offset)
