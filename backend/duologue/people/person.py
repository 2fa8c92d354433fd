"""Somebody ready to be posed: which triangle is of what, its colour, and pictures of the face and the hands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character
from duologue.passes import shading
from duologue.passes.camera import Camera
from duologue.passes.contract import BODY, EYE, HAIR, HAND, HEAD
from duologue.passes.lighting import Look
from duologue.passes.raster import rasterise
from duologue.passes.references import crop, resized
from duologue.passes.surface import Mesh
from duologue.rigs.samples import SAMPLES, load_sample

Bytes = NDArray[np.uint8]

VIEWS: Final = 4
"""Pictures of a face, and of a hand, that there are of each person."""
REFERENCE: Final = 64
"""Pixels that such a picture is wide and high."""
_WORDS: Final = {
    HAIR: ("hair", "brow", "lash", "beard", "trim"),
    EYE: ("eye", "iris", "cornea", "sclera", "pupil", "highlight"),
}
"""What materials of a head are called."""
_WHITE: Final = np.array((255.0, 255.0, 255.0))
_CANVAS: Final = 96


def person_path(folder: Path, name: str) -> Path:
    """Return where a drawn person lies."""
    return folder / "people" / f"{name}.safetensors"


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody, ready to be posed. ``part`` (F,) by the numbers of ``passes.contract``, ``colour`` (F, 3) sRGB."""

    name: str
    character: Character
    part: Bytes
    colour: Bytes
    seed: int = 0

    @classmethod
    def load(cls, folder: Path, name: str, seed: int) -> Person:
        """Read a person who was drawn into a folder, or a sample character.

        Raises:
            DuologueError: what ``load_sample`` raises.
        """
        sample = load_sample(name if name in SAMPLES else person_path(folder, name))
        character = Character.of(sample)
        colour = shading.as_bytes(shading.from_linear(sample.colours))[character.mesh.material]
        return cls(name, character, parts_of(character), colour, seed)

    @cached_property
    def faces(self) -> tuple[Bytes, ...]:
        """Pictures (64, 64, 3) of the face on white, each from elsewhere and in other light."""
        shown = np.isin(self.part, (HEAD, HAIR, EYE))
        ahead, up = self.character.ahead, np.array((0.0, 1.0, 0.0))
        return tuple(self._picture(rng, shown, (ahead, up), 35.0) for rng in self._draws("face"))

    @cached_property
    def hands(self) -> tuple[Bytes, ...]:
        """Pictures (64, 64, 3) of a hand on white: its back, and from elsewhere."""
        pictures: list[Bytes] = []
        for k, rng in enumerate(self._draws("hand")):
            side = ("Left", "Right")[k % 2]
            moved = self.character.mesh.weight_of(self.character.under[self.character.joint[side + "Hand"]]) > 0.5
            shown = (self.part == HAND) & moved[self.character.mesh.triangles].all(axis=1)
            up = np.array((0.0, 1.0 if k < VIEWS - 1 else -1.0, 0.0))  # in a T-pose the back is above
            pictures.append(self._picture(rng, shown, (up, self.character.ahead), 30.0))
        return tuple(pictures)

    def _draws(self, what: str) -> list[np.random.Generator]:
        key = [self.seed, *self.name.encode(), len(what), ord(what[0])]
        return [np.random.default_rng([*key, view]) for view in range(VIEWS)]

    def _picture(
        self, rng: np.random.Generator, shown: NDArray[np.bool_], way: tuple[Array, Array], most: float
    ) -> Bytes:
        """Draw some triangles (F,) from within ``most`` degrees of a direction."""
        mesh = self.character.mesh
        triangles = mesh.triangles[shown].astype(np.int32)
        surface = Mesh(
            mesh.vertices, triangles, self.part[shown], np.ones(len(triangles), np.uint8), self.colour[shown]
        )
        corners = mesh.vertices[np.unique(triangles)]
        middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
        size = float(np.linalg.norm(corners - middle, axis=1).max())
        front, over = way
        turn, rise = np.radians(rng.uniform(-most, most)), np.radians(rng.uniform(-0.4, 0.5) * most)
        across = np.cross(over, front)
        to = np.cos(rise) * (np.cos(turn) * front + np.sin(turn) * across) + np.sin(rise) * over
        camera = Camera.looking(middle + 8.0 * size * to, middle + 1e-4 * over, lens=18.0 * 8.0 / 1.05)
        hits = rasterise(surface.vertices, triangles, camera, (2 * _CANVAS, 2 * _CANVAS))
        normal, _ = shading.normals(surface, hits, camera)
        picture = Look(*drawn_lamps(rng), background=_WHITE).draw(surface, hits, normal, camera)
        found = hits.found[::2, ::2] & hits.found[1::2, 1::2]
        return fitted(crop(shading.as_bytes(shading.smaller(picture)), found))


def fitted(picture: Bytes) -> Bytes:
    """Return a crop on a white square, as large as it fits (64, 64, 3)."""
    side = max(picture.shape[:2])
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return resized(square, (REFERENCE, REFERENCE))


def drawn_lamps(rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw a key, a fill and sometimes a lamp behind: (L, 4) direction and strength, (L, 3) colours; in a camera's axes."""
    side = rng.choice((-1.0, 1.0))
    turn, rise = np.radians(rng.uniform(10, 65)), np.radians(rng.uniform(10, 60))
    key = (side * np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise), rng.uniform(0.75, 1.15))
    fill = (-side * rng.uniform(0.4, 1.0), rng.uniform(-0.2, 0.4), rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.4))
    lamps = [key, fill]
    if rng.random() < 0.4:
        lamps.append((rng.uniform(-1, 1), rng.uniform(0.2, 0.8), -1.0, rng.uniform(0.2, 0.6)))
    warm = rng.uniform(-0.14, 0.14)
    colours = [(1.0 + warm, 1.0, 1.0 - warm), (1.0 - warm, 1.0, 1.0 + warm), (1.0, 1.0, 1.0)]
    return np.array(lamps), np.array(colours[: len(lamps)])


def parts_of(character: Character) -> Bytes:
    """Return what each triangle (F,) is of: by bones, and by what its material is called."""
    mesh = character.mesh
    part = np.full(len(mesh.triangles), BODY, np.uint8)
    head = (character.head_weight[mesh.triangles] > 0.5).all(axis=1)
    part[head] = HEAD
    for side in ("Left", "Right"):
        if side + "Hand" in character.joint:
            weight = mesh.weight_of(character.under[character.joint[side + "Hand"]])
            part[(weight[mesh.triangles] > 0.5).all(axis=1)] = HAND
    material = mesh.material if len(mesh.material) else np.zeros(len(part), np.int64)
    for kind, words in _WORDS.items():
        named = [k for k, name in enumerate(mesh.materials) if any(word in name.lower() for word in words)]
        part[np.isin(material, named) & head] = kind
    return part
