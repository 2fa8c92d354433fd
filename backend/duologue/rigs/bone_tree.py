"""An armature's hierarchy and rest pose as a tree to search in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from duologue.motion.rotations import Floats


@dataclass(frozen=True, eq=False)
class BoneTree:
    """Bones by index. ``heads`` (B, 3): rest positions, Y up, any unit; ``left_out``: bones that count for nothing as ends."""

    parents: Sequence[int]
    heads: Floats
    left_out: Collection[int] = field(default_factory=frozenset[int])

    @cached_property
    def size(self) -> float:
        """Height of the whole armature."""
        return float(np.ptp(self.heads[:, 1])) if len(self.heads) else 0.0

    @cached_property
    def floor(self) -> float:
        """Height of the lowest bone that counts."""
        counting = [bone for bone in range(len(self.parents)) if bone not in self.left_out]
        return float(self.heads[counting, 1].min()) if counting else 0.0

    def path(self, bone: int) -> list[int]:
        """Return the bones from the root down to ``bone``."""
        path = [bone]
        while self.parents[path[-1]] >= 0 and len(path) <= len(self.parents):
            path.append(self.parents[path[-1]])
        return path[::-1]

    @cached_property
    def ends(self) -> list[int]:
        """The bones under which nothing hangs that counts."""
        counting = [bone for bone in range(len(self.parents)) if bone not in self.left_out]
        inner = {above for bone in counting for above in self.path(bone)[:-1]}
        return [bone for bone in counting if bone not in inner]

    def meet(self, first: int, second: int) -> int | None:
        """Return the lowest bone above both."""
        common = [a for a, b in zip(self.path(first), self.path(second), strict=False) if a == b]
        return common[-1] if common else None

    def apart(self, path: Sequence[int]) -> list[int]:
        """Leave out bones that sit where the one before them sits (none, where no places are known)."""
        if self.size == 0:
            return list(path)
        spread = list(path[:1])
        for bone in path[1:]:
            if np.linalg.norm(self.heads[bone] - self.heads[spread[-1]]) > 0.004 * self.size:
                spread.append(bone)
        return spread

    def length(self, first: int, second: int) -> float:
        """Return the distance between two heads."""
        return float(np.linalg.norm(self.heads[second] - self.heads[first]))
