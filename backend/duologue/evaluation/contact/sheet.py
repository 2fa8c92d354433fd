"""A sheet of touches: each at its deepest frame, from afar and from near, drawn by our own rasteriser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.evaluation.contact.played import Played
from duologue.files.atomic import replacing
from duologue.interactions.actor import Actor, Array
from duologue.interactions.posed import posed
from duologue.passes import png, shading
from duologue.passes.camera import Camera
from duologue.passes.contract import BODY, EYE, HAIR, HAND, HEAD
from duologue.passes.raster import rasterise
from duologue.passes.surface import Mesh, merge
from duologue.people.person import parts_of

TILE: Final = 160
"""Pixels across one picture."""
_GLANCE: Final = 64
"""Pixels across a picture by which a camera is chosen."""
_VIEWS: Final = ((1.0, 0.75), (0.34, 1.0))
"""Metres across what each view shows, and how far its middle is on the way from the toucher's chest to the place touched."""
_SKIN: Final = ((222, 176, 148), (196, 148, 122))
"""Of who is touched and of who touches somebody else, or of a hand on the own face: their skins can be told apart."""
_COLOURS: Final[Mapping[int, tuple[int, int, int]]] = {HAIR: (84, 62, 48), EYE: (245, 245, 240)}
_CLOTHES: Final = ((112, 128, 150), (150, 120, 104))
_IRIS: Final = (70, 48, 36)
"""Without it nobody sees where somebody looks."""
_IRISES: Final = ("iris", "pupil")
_HAND: Final = (226, 128, 88)

Picture = NDArray[np.uint8]


class Sheet:
    """Tiles in rows by pattern and columns by who touches whom."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[str, str], Picture] = {}

    @property
    def rows(self) -> list[str]:
        """Patterns, from above."""
        return list(dict.fromkeys(row for row, _ in self._tiles))

    @property
    def columns(self) -> list[str]:
        """Who touches whom, from the left; each column has two pictures."""
        return list(dict.fromkeys(column for _, column in self._tiles))

    def add(self, row: str, column: str, played: Played, frame: int) -> None:
        """Draw a touch in a frame of the scene."""
        self._tiles[row, column] = draw(played, frame)

    def picture(self) -> Picture:
        """Return the whole sheet (H, W, 3)."""
        empty = np.full((TILE, TILE * len(_VIEWS), 3), 96, np.uint8)
        lines = [[self._tiles.get((row, column), empty) for column in self.columns] for row in self.rows]
        return np.concatenate([np.concatenate(line, axis=1) for line in lines]) if lines else empty

    def save(self, path: Path) -> None:
        """Write it as PNG.

        Raises:
            DuologueError: what ``replacing`` raises.
        """
        with replacing(path) as temporary:
            png.write(temporary, self.picture())

    def legend(self) -> dict[str, Any]:
        """Return what its rows and columns are."""
        return {"tile": [TILE * len(_VIEWS), TILE], "rows": self.rows, "columns": self.columns}


def draw(played: Played, frame: int) -> Picture:
    """Return a touch from both distances, beside each other (TILE, 2 TILE, 3)."""
    rows = np.array([frame])
    people = [(played.other, played.keys, 1)]
    if played.own is not played.other:
        people.append((played.own, None, 2))
    meshes = [_mesh(actor, rows, keys, number, played) for actor, keys, number in people]
    surface = merge(meshes)
    place, out = _place(played, rows)
    chest = played.own.pose.joint(played.own.character.chest)[frame]
    hand = surface.person == people[-1][2]
    hand &= (surface.colour == np.array(_HAND, np.uint8)).all(axis=1)
    tiles: list[Picture] = []
    for wide, share in _VIEWS:
        middle = chest + share * (place - chest)
        camera = _clearest(surface, hand, [_camera(middle, way, wide) for way in _ways(out)])
        hits = rasterise(surface.vertices, surface.triangles, camera, (2 * TILE, 2 * TILE))
        normal, _ = shading.normals(surface, hits, camera)
        tiles.append(shading.as_bytes(shading.smaller(shading.lit(surface, hits, normal))))
    return np.concatenate(tiles, axis=1)


def _ways(out: Array) -> list[Array]:
    """Return directions to look from: from both sides and from before, a little from above."""
    across = np.cross((0.0, 1.0, 0.0), out)
    turns = np.radians((-95.0, -60.0, -30.0, 30.0, 60.0, 95.0))
    ways = [np.cos(t) * out + np.sin(t) * across + np.array((0.0, 0.15, 0.0)) for t in turns]
    return [way / np.linalg.norm(way) for way in ways]


def _camera(middle: Array, way: Array, wide: float) -> Camera:
    return Camera.looking(middle + 2.4 * way, middle, lens=2.4 * 36.0 / wide)


def _clearest(surface: Mesh, hand: NDArray[np.bool_], cameras: Sequence[Camera]) -> Camera:
    """Return the camera that sees most of some triangles (F,)."""

    def seen(camera: Camera) -> int:
        hits = rasterise(surface.vertices, surface.triangles, camera, (_GLANCE, _GLANCE))
        return int(hand[hits.triangle[hits.found]].sum())

    return max(cameras, key=seen)


def _place(played: Played, rows: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the place that is touched (3,) and the level way out of it (3,)."""
    at = int(np.clip(np.searchsorted(np.round(played.solved.seconds * 30), rows[0]), 0, len(played.solved.seconds) - 1))
    place = np.asarray(played.solved.points[at], np.float64)
    character, pose = played.other.character, played.other.pose
    if played.solved.touching is not None:
        contact = played.solved.touching[0].contact
        turn = pose.turn_of(contact.landmark.carrier(character))[rows[0]]
        out = turn @ contact.landmark.frame[:, 2]
        if contact.pattern.on_face:  # of an ear or a chin a face shows more from ahead
            out = out + 0.6 * (turn @ character.ahead)
    else:
        out = np.cross((0.0, 1.0, 0.0), pose.joint("Hips")[rows[0]] - played.own.pose.joint("Hips")[rows[0]])
    out = out * (1.0, 0.0, 1.0)
    return place, out / max(float(np.linalg.norm(out)), 1e-9)


def _mesh(actor: Actor, rows: NDArray[np.int64], keys: Any, number: int, played: Played) -> Mesh:
    character = actor.character
    mesh = character.mesh
    vertices = posed(actor, np.arange(len(mesh.vertices)), rows, keys)[0]
    part = parts_of(character)
    colour = np.zeros((len(part), 3), np.uint8)
    colour[part == BODY] = _CLOTHES[number - 1]
    for kind in (HEAD, HAND):
        colour[part == kind] = _SKIN[number - 1]
    for kind, shade in _COLOURS.items():
        colour[part == kind] = shade
    if len(mesh.material):
        seeing = [k for k, name in enumerate(mesh.materials) if any(word in name.lower() for word in _IRISES)]
        colour[np.isin(mesh.material, seeing)] = _IRIS
    if actor is played.own:
        hand = character.mesh.weight_of(character.under[played.hands[0].bone])
        colour[(hand[mesh.triangles] > 0.5).all(axis=1)] = _HAND
    triangles = mesh.triangles.astype(np.int32)
    return Mesh(vertices, triangles, part, np.full(len(part), number, np.uint8), colour, name=f"{mesh.name} {number}")
