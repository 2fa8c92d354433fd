"""From shots to cameras: one for each picture and place, as a crew sets them up, used by every shot that shows the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.staging import camera, framing
from duologue.staging.camera import Float, Placement, Sight, axes_of, choose_azimuth, line_normal
from duologue.staging.cut import Shot, Size
from duologue.staging.turns import runs, smoothed
from duologue.units import FPS

_SEATED: Final = 0.75
"""Metres of the hips' height, under which somebody sits and the picture of both goes down to the chairs."""
_SLACK: Final = (0.16, 0.07)
"""Of the picture's width and height: as far as a head may stray from the middle of its way before the camera follows it."""
_EVERY: Final = FPS // 2
"""Frames between two keys of a camera that follows."""
_CALM: Final = 5
"""Keys that its way is smoothed over."""


@dataclass(frozen=True)
class Setup:
    """A camera and the shots that are taken with it. It stands at the only place of ``places``, or moves: then ``frames`` has the
    frame of each, counted from the take's first."""

    size: Size
    subject: int
    shots: tuple[Shot, ...]
    places: tuple[Placement, ...]
    frames: tuple[int, ...] = (0,)


def plan(sight: Sight, shots: Sequence[Shot], moving: NDArray[np.bool_], aspect: float) -> list[Setup]:
    """Return the cameras of a take's shots, in the order of their first shots, all on one side of the line.

    ``moving`` (2, n), as :func:`.cut.cut` got it: nobody moves from one place to another within a setup but in a wide shot.
    """
    crew = _Crew(sight, choose_azimuth(sight), aspect, moving)
    moves = [end for _, end in runs(moving.any(axis=0))]
    groups: dict[tuple[Size, int, int], list[Shot]] = {}
    for number, shot in enumerate(shots):
        place = number if shot.size == "wide" else sum(end <= shot.start for end in moves)
        groups.setdefault((shot.size, shot.subject, place), []).append(shot)
    return [_setup(crew, size, subject, taken) for (size, subject, _), taken in groups.items()]


def faces(sight: Sight, frames: int, aspect: float) -> list[Setup]:
    """Return a camera a face, which follows it through the whole take wherever it goes."""
    crew = _Crew(sight, choose_azimuth(sight), aspect, np.zeros((2, frames), bool))
    return [_following(crew, who, Shot(0, frames, "close", who)) for who in (0, 1)]


@dataclass(frozen=True)
class _Crew:
    """What all cameras of a take share: what is seen, the side of the line, and the picture's width by its height."""

    sight: Sight
    side: float
    aspect: float
    moving: NDArray[np.bool_]


def _setup(crew: _Crew, size: Size, subject: int, shots: list[Shot]) -> Setup:
    sight, side, aspect = crew.sight, crew.side, crew.aspect
    seen = sight.only(np.any([(sight.frames >= shot.start) & (sight.frames < shot.stop) for shot in shots], axis=0))
    if not len(seen.frames):
        seen = sight.between(shots[0].start, shots[0].stop)
    seated = bool(np.median(seen.hips[:, :, 1], axis=1).min() < _SEATED)
    if size == "wide":
        place = camera.place(seen, aspect, side, floor=seated or _anybody_moves(crew, shots))
    elif size == "two":
        azimuth = choose_azimuth(seen, line_normal(seen, side))
        place = camera.place(seen, aspect, azimuth, floor=seated)
    else:
        frame: Callable[[Sight, int, float, float], Placement] = framing.close if size == "close" else framing.over
        place = frame(seen, subject, side, aspect)
        if _strays(seen.heads[subject], place, sight.sizes[subject], aspect):
            first, last = shots[0].start, shots[-1].stop
            return _carried(size, subject, shots, sight.between(first, last), place)
    return Setup(size, subject, tuple(shots), (place,))


def _anybody_moves(crew: _Crew, shots: list[Shot]) -> bool:
    return any(crew.moving[:, shot.start : shot.stop].any() for shot in shots)


def _strays(heads: Float, place: Placement, size: float, aspect: float) -> bool:
    """Return whether a head leaves its part of the picture in more than a few frames."""
    middle = np.median(heads, axis=0)
    seen = np.abs((heads - middle) @ axes_of(place.azimuth))
    distance = float(np.linalg.norm((place.position - middle) * (1.0, 0.0, 1.0)))
    width = camera.SENSOR * distance / place.lens
    limits = np.array([_SLACK[0] * width, _SLACK[1] * width / aspect])
    return bool((np.percentile(seen[:, :2], 97, axis=0) > limits).any())


def _carried(size: Size, subject: int, shots: list[Shot], seen: Sight, place: Placement) -> Setup:
    """Let a camera go along with a head, calmly, from where it was placed."""
    frames = _keys(shots[0].start, shots[-1].stop)
    path = _calm(_at(frames, seen.frames, seen.heads[subject]))
    offset = place.position - np.median(seen.heads[subject], axis=0)
    places = tuple(replace(place, position=at + offset) for at in path)
    return Setup(size, subject, tuple(shots), places, tuple(int(frame) for frame in frames))


def _following(crew: _Crew, who: int, shot: Shot) -> Setup:
    sight = crew.sight
    frames = _keys(shot.start, shot.stop)
    heads = [_calm(_at(frames, sight.frames, one)) for one in sight.heads]
    places: list[Placement] = []
    for i in range(len(frames)):
        now = Sight(np.stack([heads[0][None, i], heads[1][None, i]]), sight.forward[:, :1], sight.hands[:, :1],
                    sight.hips[:, :1], sight.frames[:1], sight.sizes)  # fmt: skip
        places.append(framing.close(now, who, crew.side, crew.aspect))
    azimuths = _calm(np.unwrap([place.azimuth for place in places])[:, None])[:, 0]
    moved = tuple(
        replace(place, position=_turned_about(place, head[who], float(azimuth)), azimuth=float(azimuth))
        for place, azimuth, head in zip(places, azimuths, zip(*heads, strict=True), strict=True)
    )
    return Setup("close", who, (shot,), moved, tuple(int(frame) for frame in frames))


def _turned_about(place: Placement, head: Float, azimuth: float) -> Float:
    """Return where a camera is that sees the same of a head from another side."""
    return head + axes_of(azimuth) @ (axes_of(place.azimuth).T @ (place.position - head))


def _keys(start: int, stop: int) -> NDArray[np.int_]:
    return np.unique([*range(start, stop, _EVERY), stop - 1])


def _at(frames: NDArray[np.int_], sampled: NDArray[np.int_], values: Float) -> Float:
    """Return values (n, k), known at the sampled frames, at others."""
    return np.stack([np.interp(frames, sampled, column) for column in values.T], axis=-1)


def _calm(path: Float) -> Float:
    """Return a way (n, k) without its haste."""
    window = min(_CALM, len(path) - 1 + len(path) % 2)
    return np.stack([smoothed(column, window) for column in path.T], axis=-1)
