"""An armature as numbers: names, hierarchy and rest pose, as Blender has them, and where that stands in our world."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Armature:
    """B bones, named; their rest pose and where it stands."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """(B,): index of each bone's parent, -1 for none."""
    rest: Array
    """(B, 4, 4): rest matrices in armature space (Blender's ``matrix_local``), any unit and axes."""
    world: Array = field(default_factory=lambda: np.eye(4))
    """(4, 4) from armature space to ours (metres, Y up): the object's world matrix after Blender's axes are turned into ours."""
    fixed: tuple[str, ...] = ()
    """Bones that can't take a location (``use_connect``, locked)."""
    pose: Array | None = None
    """(B, 4, 4): what each bone is posed by and no take will touch, in its own rest axes and the armature's units (Blender's
    ``matrix_basis``). None: everything rests."""

    @property
    def heads(self) -> Array:
        """(B, 3): where the bones begin in the rest pose, in our world, metres."""
        return self.rest[:, :3, 3] @ self.world[:3, :3].T + self.world[:3, 3]

    def in_our_world(self) -> Array:
        """Return the rest matrices (B, 4, 4) in our world, metres.

        Raises:
            DuologueError: INVALID_ARGUMENT ``rig-rest`` when they don't fit the bones, are not finite or singular.
        """
        fits = self.rest.shape == (len(self.names), 4, 4) and len(self.parents) == len(self.names)
        if not fits or not np.isfinite(self.rest).all():
            raise invalid(
                "rig-rest",
                f"{len(self.names)} bones need as many parents and finite rest matrices; got {len(self.parents)} parents and "
                f"matrices of shape {self.rest.shape}.",
                field="rest",
            )
        placed: Array = self.world @ self.rest
        determinant = float(np.linalg.det(placed[0, :3, :3]))
        if determinant < 1e-27:
            what = "mirrored (a negative scale)" if determinant < -1e-27 else "scaled to nothing"
            raise invalid(
                "rig-rest", f"the armature is {what}; apply its scale (Object > Apply > Scale).", field="world"
            )
        return placed
