"""Skeletons as plain text files, and forward kinematics.

The rest pose of every skeleton is its T-pose with all joint frames aligned to the world (as in BVH): metres, Y up, facing +Z,
the performer's left towards +X.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.errors import DuologueError, invalid
from duologue.files.folders import rigs_folder
from duologue.files.reading import parse_json, read_bytes
from duologue.motion.rotations import Floats, as_floats, einsum, exp_to_matrix

MAX_JOINTS: Final = 1000
"""Of a skeleton: rigs with hair and skirts have a few hundred."""
_MAX_FILE: Final = 1_000_000

Builtin = Literal["duologue60", "smplx55", "vrm55"]

_SIDES: Final = (("Left", "Right"), ("left", "right"), ("L_", "R_"), ("_l", "_r"), ("_L", "_R"))


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Named joints in a tree, parents before children.

    ``offsets`` (J, 3) metres run from the parent joint in the rest pose; the root's own is its rest position in the world.
    ``ends`` are the tips of the last bones (head top, finger tips, toes), which don't rotate: the joint each hangs under, and
    the offset (3,) from it.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    ends: tuple[tuple[int, tuple[float, float, float]], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        offsets = np.array(self.offsets, np.float64)
        offsets.flags.writeable = False
        object.__setattr__(self, "offsets", offsets)
        where = f"skeleton {self.name!r}" if self.name else "skeleton"
        count = len(self.names)
        if count > MAX_JOINTS:
            raise invalid("skeleton-size", f"the {where} has {count} joints; at most {MAX_JOINTS} can be animated.")
        if count == 0 or len(self.parents) != count or offsets.shape != (count, 3):
            raise invalid(
                "skeleton-shape",
                f"the {where} has {count} names, {len(self.parents)} parents and offsets of shape {offsets.shape}; "
                "each joint needs one name, one parent and one offset.",
            )
        if repeated := sorted(name for name, times in Counter(self.names).items() if times > 1):
            raise invalid(
                "skeleton-names",
                f"the {where} names {', '.join(repeated[:6])} more than once; joint names must differ.",
            )
        if self.parents[0] != -1 or any(not 0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            raise invalid(
                "skeleton-order",
                f"the {where} must begin with its one root (parent -1) and list parents before children.",
            )
        if not np.isfinite(offsets).all():
            raise invalid("skeleton-offsets", f"the {where} has offsets that are not finite numbers.")
        if any(not 0 <= joint < count for joint, _ in self.ends):
            raise invalid("skeleton-ends", f"the {where} has an end that hangs under no joint of it.")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _indices(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """Return the index of a joint.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint``.
        """
        try:
            return self._indices[name]
        except KeyError:
            where = self.name or "the skeleton"
            raise DuologueError(
                "NOT_FOUND", "unknown-joint", f"{where} has no joint {name!r}; it has: {', '.join(self.names)}."
            ) from None

    def indices(self, *names: str) -> list[int]:
        """Return the indices of several joints, in the order asked for."""
        return [self.index(name) for name in names]

    @cached_property
    def rest_positions(self) -> NDArray[np.float64]:
        """World positions (J, 3) of the joints in the rest pose, metres."""
        rest = forward_kinematics(self, np.zeros((len(self), 3)), self.offsets[0])[1]
        return np.asarray(rest, np.float64)

    @cached_property
    def end_offsets(self) -> NDArray[np.float64]:
        """Offsets (E, 3) of ``ends`` from their joints, metres."""
        return np.array([offset for _, offset in self.ends], np.float64).reshape(-1, 3)

    @cached_property
    def mirror_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs (left joint, right joint) by their names; joints on the midline are in none."""
        pairs: list[tuple[int, int]] = []
        for i, name in enumerate(self.names):
            for left, right in _SIDES:
                j = self._indices.get(re.sub(left, right, name, count=1)) if left in name else None
                if j is not None and j != i:
                    pairs.append((i, j))
                    break
        return tuple(pairs)

    def to_json(self) -> dict[str, Any]:
        """Return the skeleton as JSON-safe values, names instead of indices."""
        return {
            "name": self.name,
            "names": list(self.names),
            "parents": [None if parent < 0 else self.names[parent] for parent in self.parents],
            "offsets": [[round(float(x), 9) for x in offset] for offset in self.offsets],
            "ends": [{"joint": self.names[joint], "offset": list(offset)} for joint, offset in self.ends],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Skeleton:
        """Build a skeleton from what ``to_json`` returns. Parents may be names or indices.

        Raises:
            DuologueError: INVALID_ARGUMENT ``skeleton-…`` saying what does not hold.
        """
        try:
            names = tuple(str(name) for name in data["names"])
            known: dict[str | None, int] = {None: -1, **{name: i for i, name in enumerate(names)}}
            parents = tuple(parent if isinstance(parent, int) else known[parent] for parent in data["parents"])
            offsets = np.asarray(data["offsets"], np.float64)
            ends = tuple(
                (known[end["joint"]], cast("tuple[float, float, float]", tuple(float(x) for x in end["offset"])))
                for end in data.get("ends", ())
            )
        except (KeyError, TypeError, ValueError) as error:
            raise invalid(
                "skeleton-json",
                f"not a skeleton: {error!r}; it needs 'names', 'parents' and 'offsets', one of each a joint.",
            ) from error
        return cls(names, parents, offsets, ends, str(data.get("name", "")))

    @classmethod
    def load(cls, path: str | Path) -> Skeleton:
        """Read a skeleton from a JSON file.

        Raises:
            DuologueError: NOT_FOUND ``skeleton-file``; INVALID_ARGUMENT ``skeleton-…``.
        """
        file = Path(path)
        try:
            data = parse_json(read_bytes(file, _MAX_FILE))
        except DuologueError as error:
            raise DuologueError("NOT_FOUND", "skeleton-file", f"cannot read {file}: {error.message}") from error
        except ValueError as error:
            raise invalid("skeleton-json", f"{file} is not JSON: {error}.") from error
        try:
            return cls.from_json(data)
        except DuologueError as error:
            raise invalid(error.reason, f"{file}: {error.message}") from error

    def save(self, path: str | Path) -> None:
        """Write the skeleton as JSON, one joint a line."""
        fields = self.to_json()
        rows = {
            key: ",\n    ".join(json.dumps(row) for row in fields[key])
            for key in ("names", "parents", "offsets", "ends")
        }
        body = ",\n  ".join(f'"{key}": [\n    {lines}\n  ]' if lines else f'"{key}": []' for key, lines in rows.items())
        Path(path).write_text(f'{{\n  "name": {json.dumps(self.name)},\n  {body}\n}}\n', encoding="utf-8")

    @classmethod
    def builtin(cls, name: Builtin) -> Skeleton:
        """Return one of the skeletons that ship with Duologue.

        ``duologue60``: the 60 joints of the InterAct recordings (arXiv 2509.05747; fingers with metacarpals), ours. ``smplx55``
        and ``vrm55``: the joints of SMPL-X and of the VRM 1.0 humanoid. All three are one adult of 1.75 m of our own making.
        """
        return cls.load(rigs_folder() / "skeletons" / f"{name}.json")


def forward_kinematics(
    skeleton: Skeleton, rotations: ArrayLike, root_translation: ArrayLike, translations: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Place every joint in the world.

    Args:
        skeleton: J joints.
        rotations: parent-local, exponential maps (..., J, 3) or matrices (..., J, 3, 3).
        root_translation: world position of the root joint (..., 3), metres. The root's own offset is not added to it.
        translations: parent-local positions (..., J, 3) in place of ``skeleton.offsets``, for clips whose bones change length.

    Returns:
        World rotations (..., J, 3, 3) and world positions (..., J, 3) in metres.
    """
    local = as_floats(rotations)
    joints = len(skeleton)
    if not (local.ndim >= 2 and local.shape[-2:] == (joints, 3)) and local.shape[-3:] != (joints, 3, 3):
        raise invalid(
            "rotations-shape",
            f"rotations of shape {local.shape} don't fit the {joints} joints of {skeleton.name or 'the skeleton'}; "
            f"expected (..., {joints}, 3) or (..., {joints}, 3, 3).",
            field="rotations",
        )
    if local.shape[-3:] != (joints, 3, 3):
        local = exp_to_matrix(local)
    offsets = skeleton.offsets if translations is None else as_floats(translations)
    offsets = np.broadcast_to(offsets.astype(local.dtype, copy=False), local.shape[:-1])
    # Joints lead while the loop runs: each step then works on one contiguous block of all frames.
    local = np.ascontiguousarray(np.moveaxis(local, -3, 0))
    matrices = np.empty_like(local)
    positions = np.empty(local.shape[:-1], local.dtype)
    matrices[0], positions[0] = local[0], as_floats(root_translation)
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        np.matmul(matrices[parent], local[joint], out=matrices[joint])
        positions[joint] = einsum("...ij,...j->...i", matrices[parent], offsets[..., joint, :]) + positions[parent]
    return np.moveaxis(matrices, 0, -3), np.moveaxis(positions, 0, -2)


def end_positions(skeleton: Skeleton, matrices: Floats, positions: Floats) -> Floats:
    """Return the world positions (..., E, 3) of ``skeleton.ends``, given what ``forward_kinematics`` returned."""
    joints = [joint for joint, _ in skeleton.ends]
    reach = einsum("...eij,ej->...ei", matrices[..., joints, :, :], skeleton.end_offsets)
    return (reach + positions[..., joints, :]).astype(positions.dtype)
