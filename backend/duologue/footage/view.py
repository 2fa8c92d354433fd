"""From where touches are filmed: the direction that shows most of the touching hands and of the place that they touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.footage.played import Played, frames_of
from duologue.interactions.actor import Array
from duologue.labels import FACE_INTERACTIONS, PERFORMERS
from duologue.passes.camera import Camera, Size
from duologue.passes.contract import HAIR, HAND, HEAD
from duologue.passes.options import Span
from duologue.passes.raster import rasterise
from duologue.passes.surface import Surface

_LENS: Final = 60.0
_SENSOR: Final = 36.0
_NARROW, _WIDEST, _ELSE = 0.40, 0.80, 1.25  # m
"""Metres that the picture is wide at a face that is touched: what the network was trained on; and where anything else is."""
_ROOM: Final = 1.12
"""How much larger than head and hand the picture is."""
_REACH: Final = 0.22
"""Metres from the touch within which a hand is looked at."""
_GLANCE: Final = 96
_TURNS: Final = tuple(np.radians((-110, -80, -55, -30, 0, 30, 55, 80, 110)))
_RISES: Final = tuple(np.radians((0, 14)))
_LOOKED_AT: Final = 3
"""Moments of each touch by which a camera is chosen."""


def choose_camera(played: Played, span: Span, size: Size) -> Camera:
    """Return a camera that stands still all the time and sees the touches best.

    Where nobody touches anybody, it shows both from the side.
    """
    shown = frames_of(span)
    aspect = size[0] / size[1]
    if not played.touches:
        return _of_both(played, int(shown[len(shown) // 2]), aspect)
    moments = _moments(played, shown)
    surfaces = {frame: played.surface(frame) for _, frame in moments}
    outward = _outward(played, moments)
    base = float(np.arctan2(outward[0], outward[2]))
    ways = [_way(base + turn, rise) for turn in _TURNS for rise in _RISES]
    if all(touch.pattern in FACE_INTERACTIONS for touch in played.touches):
        points = np.concatenate([_looked_at(played, surfaces[frame], touch, frame) for touch, frame in moments])
        cameras = [_filled(points, way, aspect) for way in ways]
    else:
        target = np.mean([_middle(played, touch, frame) for touch, frame in moments], axis=0)
        cameras = [_camera(target, way, _ELSE, aspect) for way in ways]
    seen = [sum(_seen(played, surfaces[frame], touch, frame, camera) for touch, frame in moments) for camera in cameras]
    return cameras[int(np.argmax(seen))]


def _moments(played: Played, shown: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (touch, frame) of what is looked at: each touch's contact as far as it is shown, else the middle."""
    found: list[tuple[int, int]] = []
    for number, touch in enumerate(played.touches):
        inside = shown[(shown >= touch.touches * played.fps) & (shown <= touch.releases * played.fps)]
        for k in np.unique(np.linspace(0, len(inside) - 1, _LOOKED_AT).astype(int)) if len(inside) else ():
            found.append((number, int(inside[k])))
    return found or [(0, int(shown[len(shown) // 2]))]


def _middle(played: Played, number: int, frame: int) -> Array:
    """Return what a picture's middle is where not faces alone are touched: between the place, a head and the hand."""
    touch, row = played.touches[number], frame - played.begin
    place = played.point(number, frame)
    own, other = (played.actors[PERFORMERS.index(name)].pose for name in (touch.performer, touch.touched))
    if touch.pattern not in FACE_INTERACTIONS:
        return 0.5 * place + 0.25 * (own.joint("Head")[row] + other.joint("Head")[row])
    face = other.joint("Head")[row] + (0.0, 0.08, 0.0)
    hand = own.joint(touch.hand.title() + "Hand")[row]
    return 0.45 * face + 0.3 * place + 0.25 * (place + np.clip(hand - place, -0.2, 0.2))


def _outward(played: Played, moments: Sequence[tuple[int, int]]) -> Array:
    """Return the level direction out of the place that is touched, as the mean of the moments (3,)."""
    ways: list[Array] = []
    for number, frame in moments:
        touch, row = played.touches[number], frame - played.begin
        actor = played.actors[PERFORMERS.index(touch.touched)]
        way = (played.point(number, frame) - actor.pose.joint("Head")[row]) * (1.0, 0.0, 1.0)
        ahead = actor.pose.turn_of("Head")[row] @ actor.character.ahead
        ways.append(way / max(float(np.linalg.norm(way)), 1e-9) + ahead * (1.0, 0.0, 1.0))
    return np.mean(ways, axis=0)


def _looked_at(played: Played, surface: Surface, number: int, frame: int) -> Array:
    """Return the points (n, 3) of the head that is touched, and of the hand near the touch."""
    touch = played.touches[number]
    own, other = (PERFORMERS.index(name) + 1 for name in (touch.performer, touch.touched))
    corners = surface.vertices[surface.triangles[:, 0]]
    near = np.linalg.norm(corners - played.point(number, frame), axis=1) < _REACH
    head = (surface.person == other) & np.isin(surface.part, (HEAD, HAIR))
    return corners[head | (surface.person == own) & (surface.part == HAND) & near]


def _filled(points: Array, way: Array, aspect: float) -> Camera:
    """Return the camera, looking against ``way``, whose picture points (n, 3) fill as far as it may be so narrow or wide."""
    right = np.cross((0.0, 1.0, 0.0), way)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(way, right)])
    flat = points @ axes.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    target = points.mean(axis=0)
    target = target + (0.5 * (low + high) - axes @ target) @ axes
    across, tall = high - low
    wide = _ROOM * max(across / max(aspect, 1.0), tall * min(aspect, 1.0))
    return _camera(target, way, float(np.clip(wide, _NARROW, _WIDEST)), aspect)


def _way(azimuth: float, rise: float) -> Array:
    return np.array((np.sin(azimuth) * np.cos(rise), np.sin(rise), np.cos(azimuth) * np.cos(rise)))


def _camera(target: Array, way: Array, wide: float, aspect: float) -> Camera:
    across = wide * max(aspect, 1.0)
    return Camera.looking(target + across * _LENS / _SENSOR * way, target, lens=_LENS, sensor=_SENSOR, aspect=aspect)


def _seen(played: Played, surface: Surface, number: int, frame: int, camera: Camera) -> float:
    """Return how good a camera is: pixels of the touching hand near its place, and of the face that is touched."""
    touch = played.touches[number]
    own, other = (PERFORMERS.index(name) + 1 for name in (touch.performer, touch.touched))
    hits = rasterise(surface.vertices, surface.triangles, camera, (_GLANCE, _GLANCE))
    triangle = hits.triangle[hits.found]
    near = np.linalg.norm(surface.vertices[surface.triangles[triangle, 0]] - played.point(number, frame), axis=1)
    hand = (surface.person[triangle] == own) & (surface.part[triangle] == HAND) & (near < _REACH)
    face = (surface.person[triangle] == other) & (surface.part[triangle] == HEAD)
    return float(hand.sum() + 0.35 * face.sum() + 2.0 * (face & (near < 0.03)).sum())


def _of_both(played: Played, frame: int, aspect: float) -> Camera:
    row = frame - played.begin
    a, b = (actor.pose.joint("Head")[row] for actor in played.actors)
    across = (b - a) * (1.0, 0.0, 1.0)
    apart = max(float(np.linalg.norm(across)), 0.1)
    side = np.cross((0.0, 1.0, 0.0), across / apart)
    return _camera(0.5 * (a + b), side, apart + 0.7, aspect)
