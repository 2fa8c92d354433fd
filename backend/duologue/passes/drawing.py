"""Frames of a clip, one after the other: every pass that is asked for, from a scene's surfaces, cameras and keypoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.passes import contract, pose, shading
from duologue.passes.camera import Camera, Size
from duologue.passes.carried import Carrier
from duologue.passes.contract import HAND, PARTS, Bytes, Passes
from duologue.passes.lighting import Look
from duologue.passes.raster import Hits, rasterise
from duologue.passes.relighting import Relighter
from duologue.passes.reprojection import View, flow, view
from duologue.passes.surface import Surface, check_outside, corner_normals, moved_next
from duologue.passes.touching import with_contact

Frame = dict[str, NDArray[Any]]
"""The passes of one frame by name: (H, W[, channels]), typed as :data:`.contract.PASSES` says; ``depth`` in 32 bits."""

_SMOOTH: Final = ("beauty", "structure", "ident", "normal")
_FROM_FIRST: Final = {"carried", "relit", "hole"}
"""Of the first picture."""
_ALL: Final = tuple(contract.PASSES)


@dataclass(frozen=True, eq=False)
class Moment:
    """A scene in one frame. ``pose``: keypoints of its people."""

    surface: Surface
    camera: Camera
    pose: Sequence[pose.Keypoints] = field(default_factory=tuple)


class Painter:
    """Draws a clip's frames in any order; flow and what is carried follow from the moments that are handed in.

    Args:
        size: width and height, pixels.
        first: the clip's first moment, and its picture (H, W, 3) where there is one; else a plain lit one is drawn.
        wanted: names of passes; by default all.
        fps: frames a second, for speeds.
        look: how a picture is lit that nobody hands in.

    Raises:
        DuologueError: ``unknown-label``, ``size-unsupported``, ``camera-inside-head``.
    """

    def __init__(
        self, size: Size, first: Moment, picture: Bytes | None = None, wanted: Sequence[str] = _ALL, fps: float = 30.0,
        *, look: Look | None = None,
    ) -> None:  # fmt: skip
        contract.check_names(tuple(wanted))
        contract.check_size(*size)
        self._size, self._wanted, self._fps, self._look = size, set(wanted), fps, look or Look()
        self._drawn: tuple[Moment, Hits] | None = None
        self._views: list[tuple[Moment, View]] = []
        check_outside(first.surface, first.camera)
        self._first, self._carrier, self._relighter = first, None, None
        if self._wanted & _FROM_FIRST:
            given = picture if picture is not None else self._lit(first)
            if self._wanted & {"carried", "hole"}:
                self._carrier = Carrier(given, self._view(first))
            if "relit" in self._wanted:
                self._relighter = Relighter(given, first.surface, self._view(first))

    def draw(self, now: Moment, following: Moment | None = None, picture: Bytes | None = None) -> Frame:
        """Return the passes of a frame; ``following`` is the next one, None for a clip's last, where nothing flows.

        Raises:
            DuologueError: ``camera-inside-head``.
        """
        check_outside(now.surface, now.camera)
        seen = self._view(now)
        surface = now.surface if following is None else moved_next(now.surface, following.surface)
        if surface.normals is None:  # once, for all passes that are shaded
            surface = replace(surface, normals=corner_normals(surface))
        frame: Frame = {"part": seen.labels, "depth": seen.hits.depth.astype(np.float32)}
        self._colours(frame, surface, now, picture)
        if "track" in self._wanted:
            frame["track"] = shading.as_bytes(shading.track(surface, seen.hits) * 255.0)
        if self._wanted & {"flow", "visible"}:
            ahead = None if following is None else self._view(following)
            frame |= _flow(surface, seen, ahead)
        if "contact" in self._wanted:
            frame["contact"] = self._contact(surface, now)
        if "pose" in self._wanted:
            frame["pose"] = shading.as_bytes(
                pose.draw(now.pose, seen.hits, now.camera, seen.labels // np.uint8(len(PARTS)))
            )
        if self._wanted & _FROM_FIRST:
            frame |= self._carried(surface, now, seen.hits)
        return {name: frame[name] for name in contract.PASSES if name in self._wanted and name in frame}

    def _carried(self, surface: Surface, now: Moment, hits: Hits) -> Frame:
        """Return what the first picture has become."""
        frame: Frame = {}
        first = surface.aligned(self._first.surface)
        if self._carrier is not None:
            frame["carried"], frame["hole"] = self._carrier.carry(surface, hits, now.camera, first)
        if self._relighter is not None:
            frame["relit"] = self._relighter.draw(surface, hits, self._fine(now), now.camera, first)
        return frame

    def _view(self, moment: Moment) -> View:
        """Return what a moment shows at pixels' centres; of this and the next one it is kept."""
        for known, seen in self._views:
            if known is moment:
                return seen
        hits = rasterise(moment.surface.vertices, moment.surface.triangles, moment.camera, self._size)
        self._views = [*self._views[-1:], (moment, view(moment.surface, hits, moment.camera))]
        return self._views[-1][1]

    def _fine(self, moment: Moment) -> Hits:
        """Return what a moment shows at two samples a pixel each way; of the last one it is kept."""
        if self._drawn is None or self._drawn[0] is not moment:
            surface = moment.surface
            self._drawn = moment, self._finely(surface.vertices, surface.triangles, moment.camera)
        return self._drawn[1]

    def _finely(self, vertices: NDArray[Any], triangles: NDArray[np.int32], camera: Camera) -> Hits:
        width, height = self._size
        return rasterise(vertices, triangles, camera, (2 * width, 2 * height))

    def _colours(self, frame: Frame, surface: Surface, now: Moment, picture: Bytes | None) -> None:
        if picture is not None:
            frame["beauty"] = picture
        if not self._wanted & (set(_SMOOTH) - ({"beauty"} if picture is not None else set())):
            return
        hits = self._fine(now)
        normal, turned = shading.normals(surface, hits, now.camera)
        drawn = {
            "beauty": lambda: self._look.draw(surface, hits, normal, now.camera),
            "structure": lambda: shading.structure(surface, hits, turned),
            "ident": lambda: shading.ident(surface, hits, turned),
            "normal": lambda: shading.normal_picture(normal, hits),
        }
        for name in _SMOOTH:
            if name in self._wanted and name not in frame:
                frame[name] = shading.as_bytes(shading.smaller(drawn[name]()))

    def _lit(self, moment: Moment) -> Bytes:
        hits = self._fine(moment)
        normal, _ = shading.normals(moment.surface, hits, moment.camera)
        return shading.as_bytes(shading.smaller(self._look.draw(moment.surface, hits, normal, moment.camera)))

    def _contact(self, surface: Surface, now: Moment) -> Bytes:
        """Return the contact; where a hand hides the skin that it touches, of what is below the hand as well."""
        known = surface if surface.distance is not None else with_contact(surface, self._fps)
        if known.distance is None or not (known.distance < shading.NEAR * 3).any():
            return np.zeros((self._size[1], self._size[0], 3), np.uint8)
        whole = shading.contact(known, self._fine(now))
        bare = np.flatnonzero(known.part != HAND).astype(np.int32)
        below = self._finely(known.vertices, known.triangles[bare], now.camera)
        triangle = np.where(below.found, bare[below.triangle], -1)
        under = shading.contact(known, Hits(triangle, below.weights, below.depth))
        return shading.as_bytes(shading.smaller(np.maximum(whole, under)) * 255.0)


def _flow(surface: Surface, seen: View, ahead: View | None) -> Frame:
    if ahead is None:
        shape = seen.labels.shape
        return {"flow": np.zeros((*shape, 2), np.float16), "visible": np.zeros(shape, np.uint8)}
    moved, visible = flow(surface, seen.hits, seen.camera, ahead)
    return {"flow": np.clip(moved, -60000, 60000).astype(np.float16), "visible": visible.astype(np.uint8)}


def paint(
    moments: Sequence[Moment], size: Size, wanted: Sequence[str] = _ALL, fps: float = 30.0, *, look: Look | None = None
) -> Passes:
    """Draw a whole clip in memory, without Blender: what training and tests ask for.

    Raises:
        DuologueError: what :class:`Painter` raises; ``frames-empty``, ``frames-shape``; ``nothing-in-sight``.
    """
    contract.check_frames(len(moments), field="moments")
    painter = Painter(size, moments[0], None, tuple({*wanted, "part", "depth"}), fps, look=look)
    following = [*moments[1:], None]
    return gather([painter.draw(now, after) for now, after in zip(moments, following, strict=True)], wanted)


def gather(frames: Iterable[Mapping[str, NDArray[Any]]], wanted: Sequence[str]) -> Passes:
    """Join frames, which must have ``part`` and ``depth``, to a clip.

    Raises:
        DuologueError: FAILED_PRECONDITION ``nothing-in-sight``.
    """
    drawn = list(frames)
    stacked = {name: np.stack([frame[name] for frame in drawn]) for name in drawn[0]}
    check_sight(stacked["part"])
    nearest = depth_range(stacked["depth"])
    stacked["depth"] = stacked["depth"].astype(np.float16)
    arrays: dict[str, Any] = {name: stacked[name] for name in wanted if name in stacked}
    return Passes(**arrays, depth_range=nearest)


def depth_range(depth: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return the nearest and the farthest metre of what is there; 0 and 0 where nothing is."""
    there = depth[np.isfinite(depth)]
    return (float(there.min()), float(there.max())) if len(there) else (0.0, 0.0)


def check_sight(parts: Bytes) -> None:
    """Check that somebody is seen in at least one of these pictures (..., H, W) of the pass ``part``.

    Raises:
        DuologueError: FAILED_PRECONDITION ``nothing-in-sight``.
    """
    if not (parts >= len(contract.PARTS)).any():
        raise DuologueError(
            "FAILED_PRECONDITION",
            "nothing-in-sight",
            "the camera sees neither A nor B in these frames; turn it to them, or choose another camera",
            field="--camera",
        )
