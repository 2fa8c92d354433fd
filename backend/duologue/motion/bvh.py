"""BVH files in and out: any rotation order, any channel layout, any unit.

The format: M. Meredith and S. Maddock, "Motion capture file formats explained", University of Sheffield CS-01-11, 2001.
It leaves open whether position channels replace a joint's OFFSET or add to it. Every writer of today replaces, Blender's
and MotionBuilder's among them, so that is how they are read, except for a root that only stands on its floor when added.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.motion.rotations import euler_to_quat, exp_to_matrix, matrix_to_euler, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton, end_positions, forward_kinematics

Array = NDArray[np.float64]

UNITS: Final = (1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)
"""Metres in a unit: metre, centimetre, millimetre, inch, and the unit of the CMU database's ASF files."""

_ADULT_REACH: Final = 1.4
"""Metres along the bones from an adult's hips to the farthest finger tip."""


@dataclass(frozen=True, eq=False)
class BvhClip:
    """One performer's motion.

    ``rotations`` (T, J, 3): parent-local exponential maps, radians. ``root_translation`` (T, 3): world position of the root,
    metres. ``translations`` (T, J, 3): parent-local joint positions where the file animates them on other joints than the root,
    to be used in place of ``skeleton.offsets``. ``orders``: a rotation order for each joint. ``scale``: metres in a unit of the
    file.
    """

    skeleton: Skeleton
    rotations: Array
    root_translation: Array
    fps: float
    translations: Array | None = None
    orders: tuple[str, ...] = ()
    scale: float = 1.0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.rotations)

    def positions(self) -> Array:
        """Return the world positions (T, J, 3) of the joints, metres."""
        placed = forward_kinematics(self.skeleton, self.rotations, self.root_translation, self.translations)
        return np.asarray(placed[1], np.float64)


class _Hierarchy:
    """What stands above MOTION, filled line by line: joints in file order, and a column for each channel."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[tuple[float, ...]] = []
        self.ends: list[tuple[int, tuple[float, float, float]]] = []
        self.positions: list[tuple[int, int, int]] = []  # joint, axis, column
        self.rotations: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)  # joint: axis, column
        self.columns = 0
        self.open: list[int] = []  # joints whose brace is open; -1 stands for an End Site

    def line(self, keyword: str, rest: str) -> None:
        """Take one line. Raises ValueError or IndexError when it makes no sense here."""
        match keyword:
            case "ROOT" | "JOINT":
                if (keyword == "ROOT") != (not self.names):
                    raise ValueError("one ROOT, first; split the file, one performer each")
                self.parents.append(self.open[-1] if self.open else -1)
                self.open.append(len(self.names))
                self.names.append(rest.rstrip("{ \t"))
            case "END":
                self.open.append(-1)
            case "OFFSET":
                x, y, z = (float(number) for number in rest.split())
                if self.open[-1] < 0:
                    self.ends.append((self.open[-2], (x, y, z)))
                else:
                    self.offsets.append((x, y, z))
            case "CHANNELS":
                self._channels(self.open[-1], rest)
            case "}":
                self.open.pop()
            case "" | "{" | "HIERARCHY":
                pass
            case _:
                raise ValueError("unknown word")

    def _channels(self, joint: int, text: str) -> None:
        count, *channels = text.split()
        if int(count) != len(channels):
            raise ValueError("the count and the channels differ")
        for channel in channels:
            axis, kind = channel[0].upper(), channel[1:].lower()
            if axis not in "XYZ" or kind not in ("position", "rotation"):
                raise ValueError("channels are positions and rotations about X, Y and Z")
            if kind == "rotation":
                self.rotations[joint].append((axis, self.columns))
            else:
                self.positions.append((joint, "XYZ".index(axis), self.columns))
            self.columns += 1


def read_bvh(path: str | Path, scale: float | None = None) -> BvhClip:
    """Read a BVH file.

    Args:
        path: the file.
        scale: metres in a unit of the file, 0.01 for centimetres. None takes the one of ``UNITS`` that makes the bones
            most like an adult's.

    Raises:
        DuologueError: NOT_FOUND ``bvh-file``; INVALID_ARGUMENT ``bvh-…`` with the line that is wrong; DATA_LOSS
            ``bvh-truncated``.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DuologueError("NOT_FOUND", "bvh-file", f"cannot read {file}: {error.strerror}.") from error
    head, motion, body = text.partition("MOTION")
    if not motion:
        raise invalid("bvh-motion", f"{file} has no MOTION section; is it a BVH file?")
    header = _read_hierarchy(head, file)
    fps, values = _read_motion(body, header.columns, file)

    reach = np.zeros(len(header.names))
    offsets = np.array(header.offsets)
    for joint, parent in enumerate(header.parents[1:], start=1):
        reach[joint] = reach[parent] + np.linalg.norm(offsets[joint])
    farthest = max([*reach, *(reach[joint] + np.linalg.norm(offset) for joint, offset in header.ends)])
    if scale is None:
        scale = min(UNITS, key=lambda unit: abs(np.log(max(farthest, 1e-9) * unit / _ADULT_REACH)))

    ends = tuple((joint, (x * scale, y * scale, z * scale)) for joint, (x, y, z) in header.ends)
    skeleton = Skeleton(tuple(header.names), tuple(header.parents), offsets * scale, ends, file.stem)
    rotations, orders = _rotations(header, values)
    local: Array = np.broadcast_to(skeleton.offsets, rotations.shape).copy()
    if header.positions:
        joints, axes, columns = (list(row) for row in zip(*header.positions, strict=True))
        local[:, joints, axes] = values[:, columns] * scale
    root = local[:, 0].copy()
    moving = any(joint for joint, _, _ in header.positions)
    clip = BvhClip(skeleton, rotations, root, fps, local if moving else None, orders, scale)
    if _sunk(clip):
        root += skeleton.offsets[0]
    return clip


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


def _read_hierarchy(head: str, file: Path) -> _Hierarchy:
    hierarchy = _Hierarchy()
    for number, line in enumerate(head.splitlines(), start=1):
        keyword, rest = (*line.split(maxsplit=1), "", "")[:2]
        try:
            hierarchy.line(keyword.upper(), rest.strip())
        except (ValueError, IndexError) as error:
            message = f"{file}, line {number}: cannot understand {line.strip()!r} ({error})."
            raise invalid("bvh-hierarchy", message) from error
    if not hierarchy.names or hierarchy.open:
        raise invalid("bvh-hierarchy", f"{file}: the HIERARCHY is {'not closed' if hierarchy.open else 'empty'}.")
    if len(hierarchy.offsets) != len(hierarchy.names):
        raise invalid(
            "bvh-hierarchy", f"{file}: {len(hierarchy.names)} joints but {len(hierarchy.offsets)} OFFSET lines."
        )
    return hierarchy


def _read_motion(body: str, columns: int, file: Path) -> tuple[float, Array]:
    match = re.match(r"\s*Frames:\s*(\d+)\s+Frame\s+Time:\s*([-+.\deE]+)", body, re.IGNORECASE)
    if not match or float(match[2]) <= 0:
        raise invalid("bvh-motion", f"{file}: after MOTION there must be 'Frames:' and a positive 'Frame Time:'.")
    frames, seconds = int(match[1]), float(match[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy says that a word is not a number
        try:
            values = np.fromstring(body[match.end() :], dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise invalid("bvh-values", f"{file}: a word below 'Frame Time:' is not a number.") from error
    if frames == 0 or columns == 0:
        raise invalid("bvh-empty", f"{file} has {frames} frames of {columns} channels: no motion to read.")
    if len(values) != frames * columns:
        raise DuologueError(
            "DATA_LOSS",
            "bvh-truncated",
            f"{file} promises {frames} frames of {columns} channels, {frames * columns} numbers, but holds {len(values)}.",
        )
    if not np.isfinite(values).all():
        raise invalid("bvh-values", f"{file} holds values that are not finite numbers.")
    # Frame times are printed with few digits: 0.0333 stands for 1/30, not for 30.03 frames a second.
    digits = len(match[2].partition(".")[2])
    whole = round(1.0 / seconds)
    is_whole = whole > 0 and abs(seconds - 1.0 / whole) <= 0.5001 * 10.0**-digits
    return float(whole) if is_whole else 1.0 / seconds, values.reshape(frames, columns)


def _rotations(header: _Hierarchy, values: Array) -> tuple[Array, tuple[str, ...]]:
    """Return the exponential maps (T, J, 3), unrolled along time, and the order of each joint."""
    orders = ["".join(axis for axis, _ in header.rotations.get(joint, ())) for joint in range(len(header.names))]
    rotations = np.zeros((len(values), len(orders), 3))
    for order in sorted(set(orders) - {""}):
        joints = [joint for joint, other in enumerate(orders) if other == order]
        columns = [[column for _, column in header.rotations[joint]] for joint in joints]
        rotations[:, joints] = quat_to_exp(euler_to_quat(np.radians(values[:, columns]), order))
    return np.asarray(unroll_exp(rotations), np.float64), tuple(orders)


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


def _sunk(clip: BvhClip) -> bool:
    """Whether the body hangs half its root's rest height or more below the floor: then the offset was meant to add."""
    height = np.linalg.norm(clip.skeleton.offsets[0])
    if height < 1e-6:
        return False
    some = slice(None, None, max(1, clip.frames // 16))
    local = None if clip.translations is None else clip.translations[some]
    matrices, positions = forward_kinematics(clip.skeleton, clip.rotations[some], clip.root_translation[some], local)
    points = np.concatenate([positions, end_positions(clip.skeleton, matrices, positions)], axis=1)
    lowest = (points @ (clip.skeleton.offsets[0] / height)).min(axis=1)
    return bool(lowest.mean() < -0.5 * height)
