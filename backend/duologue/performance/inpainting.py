"""What stays of a take while the rest of it is made again: a stretch of time, one performer, or the bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from duologue.body.control import Pins
from duologue.easing import smoothstep
from duologue.features.pose import from_world
from duologue.labels import PERFORMERS
from duologue.motion.rotations import exp_to_quat, quat_slerp, quat_to_exp
from duologue.take import Take
from duologue.take.edit import Edit

Floats = NDArray[np.float32]

BLEND: Final = 10
"""Frames inside what is kept, at its edges, over which what is sampled becomes what was there."""
MARGIN: Final = 60
"""Frames around what is made again that the networks make with it, held to what is kept: what they fit it to."""
PART: Final = 300
"""Frames that are handed on at once where nothing is made."""


@dataclass(frozen=True)
class KeptTake:
    """A take and which of its frames stay, for the bodies and for the faces."""

    take: Take
    bodies: NDArray[np.bool_]
    """(2, T)"""
    faces: NDArray[np.bool_]
    """(2, T)"""

    @classmethod
    def all_but(cls, take: Take, edit: Edit) -> KeptTake:
        """Keep all of a take but what is to be made again.

        Raises:
            DuologueError: INVALID_ARGUMENT ``span-empty`` when that lies beyond the take.
        """
        again = np.zeros((len(PERFORMERS), take.frames), bool)
        again[[PERFORMERS.index(name) for name in edit.performers], edit.frames(take)] = True
        return cls(take, ~(again & edit.bodies), ~(again & edit.faces))

    @cached_property
    def _body_weights(self) -> NDArray[np.float32]:
        """How much of what was there is in each frame of the bodies, (2, T)."""
        return np.stack([_weight(row) for row in self.bodies])

    @cached_property
    def _face_weights(self) -> NDArray[np.float32]:
        """The same of the faces, (2, T)."""
        return np.stack([_weight(row) for row in self.faces])

    def pins(self) -> tuple[Pins, Pins]:
        """Return the kept frames of both bodies as the networks hold them: in place and in pose."""
        pins: list[Pins] = []
        for track, stays in zip(self.take.tracks, self.bodies, strict=True):
            root, rotations = track.root_translation.astype(np.float64), track.rotations.astype(np.float64)
            pins.append(Pins.of_motion(root, rotations, np.flatnonzero(stays)))
        return pins[0], pins[1]

    def stretch(self, kept: NDArray[np.bool_]) -> slice:
        """Return the frames to make where ``kept`` (2, T), of bodies or of faces, leaves some out: those, and ``MARGIN`` around.

        Where all is kept it is empty, and lies at the end.
        """
        again = np.flatnonzero(~kept.all(axis=0))
        if not len(again):
            return slice(self.take.frames, self.take.frames)
        return slice(max(0, int(again[0]) - MARGIN), min(self.take.frames, int(again[-1]) + 1 + MARGIN))

    def places(self, frame: int) -> NDArray[np.float32]:
        """Return where both stand in a frame, (2, 3): x, z (metres) and heading (radians)."""
        places: list[NDArray[np.float64]] = []
        for track in self.take.tracks:
            one = track[frame : frame + 1]
            places.append(from_world(one.root_translation.astype(np.float64), one.rotations.astype(np.float64))[1][0])
        return np.stack(places).astype(np.float32)

    def kept_bodies(self, start: int, stop: int) -> Iterator[tuple[Floats, Floats]]:
        """Yield both bodies of frames ``[start, stop)`` as they were, in parts: hips (2, n, 3) and rotations (2, n, J, 3)."""
        for first in range(start, stop, PART):
            part = slice(first, min(first + PART, stop))
            yield self._old("root_translation", part), self._old("rotations", part)

    def kept_faces(self, frames: slice) -> Floats:
        """Return both faces as they were, (2, n, 52), not cut to [0, 1] where the take has them so."""
        return self._raw(frames)

    def merge_bodies(self, start: int, root: Floats, rotations: Floats) -> tuple[Floats, Floats]:
        """Return hips (2, n, 3) and rotations (2, n, J, 3) of the frames from ``start``, what is kept as it was, bit for bit.

        Inside what is kept, at its edges, lies the way from the one to the other.
        """
        stretch = slice(start, start + root.shape[1])
        weight = self._body_weights[:, stretch, None]
        old_root, old = self._old("root_translation", stretch), self._old("rotations", stretch)
        if weight.min(initial=1.0) == 1:
            return old_root, old
        turns = quat_to_exp(quat_slerp(exp_to_quat(rotations), exp_to_quat(old), weight))
        turned = np.where(weight[..., None] == 0, rotations, np.where(weight[..., None] == 1, old, turns))
        return _towards(old_root, root, weight), turned.astype(np.float32)

    def merge_faces(self, start: int, raw: Floats) -> tuple[Floats, Floats]:
        """Return weights (2, n, 52) of the frames from ``start``, in [0, 1] and before they were cut, merged likewise."""
        stretch = slice(start, start + raw.shape[1])
        weight = self._face_weights[:, stretch, None]
        weights = _towards(self._old("weights", stretch), raw.clip(0.0, 1.0), weight)
        return weights.clip(0.0, 1.0), _towards(self._raw(stretch), raw, weight)

    def facing(self, start: int, sampled: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return who faces the partner (2, n) from frame ``start`` on: as it was where both bodies stay, else as sampled."""
        stretch = slice(start, start + sampled.shape[1])
        both = (self._body_weights[:, stretch] == 1).all(axis=0)
        return np.where(both, self._old("facing", stretch), sampled)

    def actions(self, requested: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the actions (2, T) that the bodies perform: as they were where a body stays, else as asked for."""
        return np.where(self.bodies, self._old("actions", slice(None)), requested)

    def _old(self, name: str, frames: slice) -> NDArray[Any]:
        """Return an array of both performers, (2, n, ...)."""
        a, b = (getattr(track, name)[frames] for track in self.take.tracks)
        return np.stack([a, b])

    def _raw(self, frames: slice) -> Floats:
        a, b = ((track.weights if track.raw is None else track.raw)[frames] for track in self.take.tracks)
        return np.stack([a, b])


def _towards(old: Floats, sampled: Floats, weight: Floats) -> Floats:
    """Return ``sampled`` drawn to ``old``; where the weight is 1, ``old`` to the bit."""
    return np.where(weight == 1, old, sampled + weight * (old - sampled)).astype(np.float32)


def _weight(kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (T,): 0 where made anew, rising to 1 over the first ``BLEND`` kept frames and falling over the last."""
    if kept.all():
        return np.ones(len(kept), np.float32)
    return smoothstep(np.asarray(distance_transform_edt(kept), np.float64) / BLEND).astype(np.float32)
