"""Reading BVH.

The format leaves open whether position channels replace a joint's OFFSET or add to it. Every writer of today replaces, Blender's
and MotionBuilder's among them, so that is how they are read, except for a root that only stands on its floor when added.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from duologue.errors import DuologueError, invalid
from duologue.files.reading import read_bytes
from duologue.motion.bvh.clip import Array, BvhClip
from duologue.motion.rotations import euler_to_quat, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton, end_positions, forward_kinematics

UNITS: Final = (1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)
"""Metres in a unit: metre, centimetre, millimetre, inch, and the unit of the CMU database's ASF files."""

_MAX_FILE: Final = 600_000_000
"""Bytes: an hour of a body with fingers at 60 frames a second."""
_ADULT_REACH: Final = 1.4
"""Metres along the bones from an adult's hips to the farthest finger tip."""


_MOTION: Final = re.compile(r"(?:(?<=[\r\n}])|\A)[ \t]*+MOTION(?!\S)", re.IGNORECASE)
"""A line of its own: joints are called MOTION_… too."""


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
        text = _decoded(read_bytes(file, _MAX_FILE))
    except DuologueError as error:
        raise DuologueError("NOT_FOUND", "bvh-file", f"cannot read {file}: {error.message}") from error
    motion = _MOTION.search(text)
    if motion is None:
        raise invalid("bvh-motion", f"{file} has no MOTION section; is it a BVH file?")
    header = _read_hierarchy(text[: motion.start()], file)
    fps, values = _read_motion(text[motion.end() :], header.columns, file)

    if scale is None:
        farthest = max(header.reach(), 1e-9)
        scale = min(UNITS, key=lambda unit: abs(np.log(farthest * unit / _ADULT_REACH)))
    ends = tuple((joint, (x * scale, y * scale, z * scale)) for joint, (x, y, z) in header.ends)
    skeleton = Skeleton(tuple(header.names), tuple(header.parents), np.array(header.offsets) * scale, ends, file.stem)
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


def _decoded(data: bytes) -> str:
    """Return a file's text: with a byte order mark or without, and without the ^Z that DOS ends texts with."""
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    text = data.decode(encoding, errors="replace")
    return text.lstrip("\ufeff").rstrip("\x1a\0 \t\r\n")


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

    def reach(self) -> float:
        """Return how far the farthest end lies from the root along the bones, in the file's unit."""
        reach = np.zeros(len(self.names))
        for joint, parent in enumerate(self.parents[1:], start=1):
            reach[joint] = reach[parent] + np.linalg.norm(self.offsets[joint])
        return float(max([*reach, *(reach[joint] + np.linalg.norm(offset) for joint, offset in self.ends)]))

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
