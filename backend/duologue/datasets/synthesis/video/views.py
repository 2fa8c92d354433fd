"""From where a clip is seen: a camera that is drawn until it shows the hand, and what is behind everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.video import FRAMES, SIZE
from duologue.datasets.synthesis.video.scenes import Staged
from duologue.interactions.actor import Array
from duologue.passes.camera import Camera
from duologue.passes.contract import HAND, HEAD
from duologue.passes.lighting import Look
from duologue.passes.raster import rasterise
from duologue.passes.surface import Mesh
from duologue.people.person import drawn_lamps

CAMERAS: Final = 12
"""Cameras that are drawn at most; then the one that shows most of the hand is taken."""
SEEN, FACE = 0.3, 0.5
"""Of the touching hand, and of the face that it touches, how much is to be seen meanwhile."""
_GLANCE: Final = 64
"""Pixels across the picture by which cameras are judged."""
_WIDE: Final = (0.40, 0.80)
"""Metres that a picture is wide, where the hand is."""
_LENSES: Final = (35.0, 85.0)
_SENSOR: Final = 36.0
_MIDDLE, _CLEAR = 0.08, 0.28
"""Metres from the joint at a skull's base up to the middle of the head, and how near to that no camera comes."""
_BEYOND: Final = 1.6
"""How much wider than the first picture the background is drawn."""
_MOVING: Final = 0.2
"""Of the clips, how many have a camera that moves."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A camera a frame. ``seen``, ``face``: how much of the hand and of the face is seen, 0 to 1; ``about``: what was drawn."""

    cameras: tuple[Camera, ...]
    seen: float
    face: float
    about: dict[str, float | bool]


def draw_shot(rng: np.random.Generator, staged: Staged, meshes: Sequence[Mesh], frames: Sequence[int]) -> Shot:
    """Draw cameras until one shows enough of A's busy hand and of the face; ``meshes``: the scene in ``frames``, to judge by."""
    best: tuple[float, Shot] | None = None
    for _ in range(CAMERAS):
        shot = _drawn(rng, staged)
        seen = np.array([_judged(staged, mesh, shot.cameras[at], at) for mesh, at in zip(meshes, frames, strict=True)])
        hand, face = seen.mean(axis=0)
        shot = replace(shot, seen=float(hand), face=float(face))
        enough = min(hand / SEEN, face / FACE) if _outside(staged, shot) else -1.0
        if best is None or enough > best[0]:
            best = enough, shot
        if enough >= 1.0:
            break
    assert best is not None
    return best[1]


def _outside(staged: Staged, shot: Shot) -> bool:
    """Return whether a camera is in nobody's head, hair included, in any frame."""
    places = np.array([camera.position for camera in shot.cameras])
    up = np.array((0.0, _MIDDLE, 0.0))
    middles = [heads + up for heads in staged.heads]
    return bool(min(np.linalg.norm(places - middle, axis=1).min() for middle in middles) > _CLEAR)


def _judged(staged: Staged, mesh: Mesh, camera: Camera, frame: int) -> tuple[float, float]:
    """Return how much of the hand and of the face a camera shows, 0 to 1 each."""
    near = np.linalg.norm(mesh.vertices[mesh.triangles[:, 0]] - staged.wrist[frame], axis=1) < 0.3
    hand = (mesh.part == HAND) & (mesh.person == 1) & near
    face = (mesh.part == HEAD) & (mesh.person == staged.touched + 1)
    return _seen(mesh, camera, hand), _seen(mesh, camera, face) if staged.touch.any() else 1.0


def _drawn(rng: np.random.Generator, staged: Staged) -> Shot:
    """Draw a camera that looks at a place between the touch and the heads."""
    middle = FRAMES // 2
    touched = staged.heads[staged.touched][middle] + (0.0, 0.05, 0.0)
    pointed = (
        staged.points[middle] if np.isfinite(staged.points).all() else 0.5 * (staged.heads[0] + staged.heads[1])[middle]
    )
    hand = np.clip(staged.wrist[middle] - pointed, -0.25, 0.25) + pointed
    target = touched + rng.uniform(0.2, 0.8) * (pointed - touched) + rng.uniform(0.0, 0.45) * (hand - touched)
    target = target + rng.normal(0.0, 0.02, 3)
    flat = staged.outward * (1.0, 0.0, 1.0)
    base = float(np.arctan2(flat[0], flat[2]))
    azimuth, rise = base + np.radians(rng.uniform(-110.0, 110.0)), np.radians(rng.uniform(-15.0, 30.0))
    lens, wide = rng.uniform(*_LENSES), rng.uniform(*_WIDE)
    distance = wide * lens / _SENSOR
    moving = bool(rng.random() < _MOVING)
    cameras = (_camera(target, azimuth, rise, distance, lens),) * FRAMES
    if moving:
        turn, dolly = np.radians(rng.uniform(-14, 14)), rng.uniform(0.88, 1.12)
        share = np.linspace(0.0, 1.0, FRAMES)
        cameras = tuple(
            _camera(target, azimuth + turn * t, rise, distance * (1.0 + (dolly - 1.0) * t), lens) for t in share
        )
    about = {
        "azimuth": round(float(np.degrees(azimuth - base)), 2),
        "rise": round(float(np.degrees(rise)), 2),
        "lens": round(float(lens), 2),
        "wide": round(float(wide), 4),
        "moving": moving,
    }
    return Shot(cameras, 0.0, 0.0, about)


def _camera(target: Array, azimuth: float, rise: float, distance: float, lens: float) -> Camera:
    way = np.array((np.sin(azimuth) * np.cos(rise), np.sin(rise), np.cos(azimuth) * np.cos(rise)))
    return Camera.looking(target + distance * way, target, lens=lens, sensor=_SENSOR)


def _seen(mesh: Mesh, camera: Camera, chosen: NDArray[np.bool_]) -> float:
    """Return how much of some triangles (F,) a camera shows: of its pixels, were they alone on a larger canvas."""
    some = mesh.triangles[chosen]
    if not len(some) or camera.view(mesh.vertices[some].reshape(-1, 3))[:, 2].min() < 0.1:
        return 0.0
    whole = rasterise(mesh.vertices, mesh.triangles, camera, (_GLANCE, _GLANCE))
    shown = chosen[whole.triangle[whole.found]].sum()
    # The same camera with half the focal length shows what is beyond the picture as well.
    wider = replace(camera, focal=(0.5 * camera.focal[0], 0.5 * camera.focal[1]))
    alone = rasterise(mesh.vertices, some, wider, (_GLANCE, _GLANCE)).found.sum() * 4.0
    return min(float(shown / alone), 1.0) if alone else 0.0


def draw_look(rng: np.random.Generator, camera: Camera) -> tuple[Look, dict[str, object]]:
    """Draw lamps and a far background that stand in the world: it is of one colour, a gradient or soft blotches."""
    lamps, colours = drawn_lamps(rng)
    lamps[:, :3] = lamps[:, :3] @ camera.axes.T
    kind = str(rng.choice(("plain", "gradient", "blotches"), p=(0.3, 0.4, 0.3)))
    ambient = float(rng.uniform(0.06, 0.18))
    about: dict[str, object] = {
        "background": kind,
        "lamps": len(lamps),
        "key": round(float(lamps[0, 3]), 3),
        "ambient": round(ambient, 3),
    }
    # What is behind everybody is drawn wider than the picture: a camera that turns sees more of it.
    wider = replace(camera, focal=(camera.focal[0] / _BEYOND, camera.focal[1] / _BEYOND))
    return Look(lamps, colours, _background(rng, kind), wider, ambient, standing=True, shadows=True), about


def _background(rng: np.random.Generator, kind: str) -> NDArray[np.float64]:
    """Return sRGB (2 SIZE, 2 SIZE, 3)."""
    side = 2 * SIZE
    first = _muted(rng)
    if kind == "plain":
        return np.broadcast_to(first, (side, side, 3)).copy()
    second = np.clip(first + rng.normal(0, 34, 3), 0, 255)
    if kind == "gradient":
        y, x = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
        turn = rng.uniform(0, 2 * np.pi)
        share = np.clip(0.5 + 0.5 * (np.cos(turn) * x + np.sin(turn) * y), 0, 1)
    else:
        coarse = rng.random((6, 6))
        share = _grown(coarse, side)
    return first + share[..., None] * (second - first)


def _muted(rng: np.random.Generator) -> NDArray[np.float64]:
    grey = rng.uniform(30, 225)
    return np.clip(grey + rng.normal(0, 22, 3), 0, 255)


def _grown(coarse: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return values between those of a coarse grid, smooth."""
    places = np.linspace(0, len(coarse) - 1, side)
    low = np.minimum(places.astype(np.int64), len(coarse) - 2)
    share = places - low
    share = share * share * (3 - 2 * share)
    rows = coarse[low] * (1 - share)[:, None] + coarse[low + 1] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, low + 1] * share
