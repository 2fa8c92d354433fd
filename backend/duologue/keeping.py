"""What stays of a take while the rest of it is made again: a stretch of time, one performer, or the bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from duologue.body.control import Pins
from duologue.body.poses import from_world
from duologue.errors import invalid
from duologue.labels import PERFORMERS
from duologue.motion.rotations import exp_to_quat, quat_slerp, quat_to_exp
from duologue.motion.ways import smoothstep
from duologue.take import FPS, Take, Track

BLEND: Final = 10
"""Frames inside what is kept, at its edges, over which what was made becomes what was there."""


@dataclass(frozen=True)
class Keep:
    """A take and which of its frames stay, for the bodies and for the faces."""

    take: Take
    bodies: NDArray[np.bool_]
    """(2, T)"""
    faces: NDArray[np.bool_]
    """(2, T)"""

    @classmethod
    def all_but(
        cls,
        take: Take,
        spans: Sequence[tuple[float, float]] = ((0.0, np.inf),),
        performers: Sequence[str] = PERFORMERS,
        *,
        bodies: bool = True,
        faces: bool = True,
    ) -> Keep:
        """Keep all of a take but the ``spans`` (seconds, from and to) of these performers' bodies and faces.

        Raises:
            DuologueError: INVALID_ARGUMENT ``span-empty`` for one that ends before it begins or lies beyond the take.
        """
        again = np.zeros(take.frames, bool)
        for start, stop in spans:
            if not 0 <= start < min(stop, take.seconds):
                raise invalid(
                    "span-empty",
                    f"{start:g} s to {stop:g} s has nothing of a take of {take.seconds:.1f} s",
                    field="--from",
                )
            again[int(start * FPS) : int(min(np.ceil(stop * FPS), take.frames))] = True
        chosen = np.array([[name in performers] for name in PERFORMERS]) & again
        return cls(take, ~(chosen & bodies), ~(chosen & faces))

    def require(self, frames: int) -> None:
        """Refuse a performance of another length.

        Raises:
            DuologueError: INVALID_ARGUMENT ``take-length``.
        """
        if frames != self.take.frames:
            raise invalid(
                "take-length",
                f"the take has {self.take.frames} frames, this brief makes {frames}; a stretch can be made again only "
                "with the speech that the take was made with",
                field="take",
            )

    @cached_property
    def _weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How much of what was there is in each frame, (2, T) of the bodies and of the faces."""
        bodies, faces = (np.stack([_weight(row) for row in kept]) for kept in (self.bodies, self.faces))
        return bodies, faces

    def pins(self) -> tuple[Pins, Pins]:
        """Return the kept frames of both bodies as the networks hold them: in place and in pose."""
        found: list[Pins] = []
        for track, kept in zip(self.take.tracks, self.bodies, strict=True):
            features, path = from_world(track.root_translation.astype(np.float64), track.rotations.astype(np.float64))
            frames = np.flatnonzero(kept)
            found.append(Pins(frames, path[frames], features[frames].astype(np.float32)))
        return found[0], found[1]

    def merged(self, start: int, tracks: Sequence[Track]) -> tuple[Track, Track]:
        """Return both tracks of the frames from ``start`` with what is kept as it was, bit for bit, but for its edges."""
        out: list[Track] = []
        for performer, made in enumerate(tracks):
            stretch = slice(start, start + len(made))
            old = self.take.tracks[performer][stretch]
            body, face = (weights[performer, stretch] for weights in self._weights)
            turns = quat_slerp(exp_to_quat(made.rotations), exp_to_quat(old.rotations), body[:, None])
            rotations = np.where(body[:, None, None] == 1, old.rotations, quat_to_exp(turns))
            rotations = np.where(body[:, None, None] == 0, made.rotations, rotations)
            root = made.root_translation + body[:, None] * (old.root_translation - made.root_translation)
            weights = made.weights + face[:, None] * (old.weights - made.weights)
            whole = np.concatenate([body, face]).min(initial=1.0) == 1
            out.append(
                old
                if whole
                else replace(
                    made,
                    root_translation=np.where(body[:, None] == 1, old.root_translation, root).astype(np.float32),
                    rotations=rotations.astype(np.float32),
                    weights=np.where(face[:, None] == 1, old.weights, weights).clip(0, 1).astype(np.float32),
                )
            )
        return out[0], out[1]


def _weight(kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (T,): 0 where made anew, rising to 1 over the first ``BLEND`` kept frames and falling over the last."""
    if kept.all():
        return np.ones(len(kept), np.float32)
    return smoothstep(np.asarray(distance_transform_edt(kept), np.float64) / BLEND).astype(np.float32)
