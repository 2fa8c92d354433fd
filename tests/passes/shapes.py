"""Things to look at: quads, balls, and the two sample characters at rest."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
from duologue.files import safetensors as tensors
from duologue.files.folders import rigs_folder
from duologue.passes import Camera, Mesh
from duologue.passes.contract import BODY, HAIR, HAND, HEAD

FRONT = Camera.looking((0.0, 0.0, 2.0), (0.0, 0.0, 0.0))
"""Two metres in front of the origin; a 50 mm lens sees 72 cm to each side there."""


def mesh(vertices, triangles, *, part: int = BODY, person: int = 1, colour=(200, 120, 80), **more) -> Mesh:
    faces = np.asarray(triangles, np.int32)
    filled = [np.full(len(faces), value, np.uint8) for value in (part, person)]
    return Mesh(np.asarray(vertices, float), faces, *filled, np.tile(np.uint8(colour), (len(faces), 1)), **more)


def quad(centre=(0.0, 0.0, 0.0), half: float = 0.2, **more) -> Mesh:
    """A square that faces +Z."""
    corners = np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]) + centre
    return mesh(corners, [(0, 1, 2), (0, 2, 3)], **more)


def sheet(half: float = 0.3, steps: int = 12, **more) -> Mesh:
    """The same of many squares."""
    side = np.linspace(-half, half, steps + 1)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    i = (np.arange(steps)[:, None] * (steps + 1) + np.arange(steps)).ravel()
    up = steps + 2
    faces = np.concatenate([np.stack([i, i + 1, i + up], 1), np.stack([i, i + up, i + up - 1], 1)])
    return mesh(np.concatenate([grid, np.zeros((len(grid), 1))], axis=1), faces, **more)


def ball(centre=(0.0, 0.0, 0.0), radius: float = 0.1, rings: int = 48, **more) -> Mesh:
    up, around = np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    u, a = np.meshgrid(up, around, indexing="ij")
    points = np.stack([np.sin(u) * np.cos(a), np.cos(u), -np.sin(u) * np.sin(a)], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rings), np.arange(2 * rings), indexing="ij")
    k = (j + 1) % (2 * rings)
    a, b, c, d = (x * 2 * rings + y for x, y in ((i, j), (i + 1, j), (i + 1, k), (i, k)))
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return mesh(points * radius + centre, faces, **more)


@cache
def character(name: str, person: int, x: float, yaw: float) -> Mesh:
    """A sample character in its rest pose."""
    arrays, metadata = tensors.load(rigs_folder() / "characters" / f"{name}.safetensors")
    about = json.loads(metadata["character"])
    faces, material = arrays["faces"], arrays["face_material"]
    fourth = faces[:, 3] >= 0
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[fourth][:, [0, 2, 3]]]).astype(np.int32)
    slot = np.concatenate([material, material[fourth]])
    bones = [HAND if "Hand" in bone["name"] else HEAD if bone["name"] == "Head" else BODY for bone in about["bones"]]
    rows = np.arange(len(arrays["joints"]))
    part = np.array(bones, np.uint8)[arrays["joints"][rows, arrays["joint_weights"].argmax(axis=1)]][triangles[:, 0]]
    hair = np.array([one["name"] in {"hair", "brow", "lash"} for one in about["materials"]])
    part[hair[slot]] = HAIR
    colours = np.array([np.array(one["color"]) ** (1 / 2.2) * 255 for one in about["materials"]]).astype(np.uint8)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    rest = arrays["positions"].astype(float)
    placed = rest @ turn.T + (x, 0.0, 0.0)
    return Mesh(placed, triangles, part, np.full(len(triangles), person, np.uint8), colours[slot], rest=rest, name=name)
