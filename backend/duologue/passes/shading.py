"""Colours of what was hit: clay, tints, normals, depth, places at rest, contact, and a plain lit picture.

Each takes the surface and the :class:`.raster.Hits` of a picture, and gives values (H, W, ...) for it. :func:`smaller` brings
down what has two samples a pixel each way.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.motion.rotations import einsum
from duologue.passes.camera import Camera
from duologue.passes.contract import BODY, EYE, HAIR, HAND, HEAD, PROP, SCENE
from duologue.passes.raster import Hits
from duologue.passes.surface import Mesh, corner_normals

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

CLAY: Final = (204.0, 186.0, 166.0)
"""The beige of the structure pictures that CoInteract (arXiv 2604.19636, section 3.3) trains on."""
_AMBIENT: Final = 0.22

_TINTS: Final = {
    # by person and part: head, hand, hair, eye, body, prop; warm is A, cool is B, and no hand looks like a head
    1: {
        HEAD: (236, 178, 120), HAND: (232, 84, 60), HAIR: (150, 92, 52), EYE: (250, 232, 190), BODY: (206, 140, 96),
        PROP: (196, 164, 40),
    },
    2: {
        HEAD: (124, 190, 236), HAND: (60, 104, 226), HAIR: (52, 92, 150), EYE: (200, 232, 250), BODY: (96, 158, 178),
        PROP: (60, 176, 120),
    },
}  # fmt: skip

NEAR: Final = 0.005
"""Metres: what touches, after DICE (arXiv 2409.17988) and Decaf (arXiv 2309.16670)."""
DEEPEST: Final = 0.020
FASTEST: Final = 0.5
"""Where the pass ``contact`` ends: metres of depth, and metres a second."""


def interpolate(values: Floats, mesh: Mesh, hits: Hits) -> Floats:
    """Return values of vertices (V, k) or of triangles' corners (F, 3, k) at what was hit (N, k), N pixels in reading order."""
    found = hits.found
    triangle, weights = hits.triangle[found], hits.weights[found]
    corners = values[triangle] if values.ndim == 3 else values[mesh.triangles[triangle]]
    return einsum("nk,nkc->nc", weights, corners)


def spread(values: NDArray[Any], hits: Hits, background: ArrayLike = 0.0) -> Floats:
    """Return values (N, ...) of what was hit as a picture (H, W, ...)."""
    picture = np.empty((*hits.triangle.shape, *values.shape[1:]), values.dtype)
    picture[:] = background
    picture[hits.found] = values
    return picture


def smaller(picture: Floats) -> Floats:
    """Return the means of 2 x 2 samples: (2H, 2W, ...) becomes (H, W, ...)."""
    rows = picture[0::2] + picture[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * 0.25


def as_bytes(values: Floats) -> Bytes:
    """Return 0..255 as bytes."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def normals(mesh: Mesh, hits: Hits, camera: Camera) -> tuple[Floats, Floats]:
    """Return the unit normals (N, 3) of what was hit, on the side that is seen, and how far they are turned to the camera (N,).

    Normals are in camera space (right, up, towards it); the other is n.v, 0..1.
    """
    corners = corner_normals(mesh) if mesh.normals is None else mesh.normals
    seen = interpolate(corners, mesh, hits) @ camera.axes
    seen /= np.maximum(np.sqrt(einsum("nk,nk->n", seen, seen)), 1e-9)[:, None]
    towards = to_viewer(hits, camera)
    away = einsum("nk,nk->n", seen, towards)
    # Which side is seen is a matter of the triangle: near a silhouette a smooth normal may point away on its own.
    flat = mesh.vertices[mesh.triangles[hits.triangle[hits.found]]]
    across = np.cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]) @ camera.axes
    back = (einsum("nk,nk->n", across, towards) < 0) & (away < 0)
    return np.where(back[:, None], -seen, seen), np.clip(np.where(back, -away, away), 0.0, 1.0)


def to_viewer(hits: Hits, camera: Camera) -> Floats:
    """Return the unit directions (N, 3) from what was hit to the camera, in camera space."""
    rows, columns = np.nonzero(hits.found)
    _, leads = camera.rays(np.stack([columns + 0.5, rows + 0.5], axis=1), hits.size)
    back = leads * (-1.0, -1.0, 1.0)  # rays count depth forwards, camera space backwards
    return back / np.sqrt(einsum("nk,nk->n", back, back))[:, None]


def structure(mesh: Mesh, hits: Hits, turned: Floats) -> Floats:
    """Return the clay (H, W, 3): shaded by n.v, black where there is nothing or only the scene; props keep their colour."""
    triangle = hits.triangle[hits.found]
    light = _AMBIENT + (1.0 - _AMBIENT) * turned
    colour = np.where((mesh.part[triangle] == PROP)[:, None], mesh.colour[triangle], np.array(CLAY))
    colour = np.where((mesh.part[triangle] == SCENE)[:, None], 0.0, colour)
    return spread(colour * light[:, None], hits)


def ident(mesh: Mesh, hits: Hits, turned: Floats) -> Floats:
    """Return the clay (H, W, 3) tinted by person and part; props of nobody keep their colour."""
    triangle = hits.triangle[hits.found]
    table = np.zeros((max(3, int(mesh.person.max(initial=0)) + 1), 8, 3))
    for person in range(1, len(table)):
        for part, tint in _TINTS[1 + (person - 1) % len(_TINTS)].items():
            table[person, part] = tint
    tint = table[mesh.person[triangle], mesh.part[triangle]]
    tint = np.where(
        ((mesh.part[triangle] == PROP) & (mesh.person[triangle] == 0))[:, None], mesh.colour[triangle], tint
    )
    return spread(tint * (0.35 + 0.65 * turned)[:, None], hits)


def normal_picture(normal: Floats, hits: Hits) -> Floats:
    """Return normals (N, 3) as colours (H, W, 3); where there is nothing, it faces the camera."""
    return spread((normal * 0.5 + 0.5) * 255.0, hits, (127.5, 127.5, 255.0))


def track(mesh: Mesh, hits: Hits) -> Floats:
    """Return where the points that were hit are at rest (H, W, 3), 0..1 in their person's own box; 0 for the scene.

    Colour by place, constant over time, is how Diffusion as Shader (arXiv 2501.03847, section 3.2) tells a video model what moves
    where. Its places are those of the first frame; at rest they are the same in every clip of a person.
    """
    rest = mesh.vertices if mesh.rest is None else mesh.rest
    places = np.zeros((len(rest), 3))
    for person in np.unique(mesh.person[mesh.person > 0]):
        mine = np.zeros(len(rest), bool)
        mine[mesh.triangles[mesh.person == person]] = True
        low, high = np.nanmin(rest[mine], axis=0), np.nanmax(rest[mine], axis=0)
        places[mine] = np.nan_to_num((rest[mine] - low) / np.maximum(high - low, 1e-9))
    return spread(np.clip(interpolate(places, mesh, hits), 0.0, 1.0), hits)


def contact(mesh: Mesh, hits: Hits) -> Floats:
    """Return nearness, depth and sliding speed (H, W, 3), each 0..1, of people's skin.

    Nearness is exp(-(d / 5 mm)^2); depth how far inside it is, 20 mm being 1; speed counts where it is near, 0.5 m/s being 1.
    """
    if mesh.distance is None:
        return np.zeros((*hits.triangle.shape, 3))
    nearness = np.exp(-((np.maximum(mesh.distance, 0.0) / NEAR) ** 2))
    depth = np.clip(-np.where(np.isfinite(mesh.distance), mesh.distance, 0.0) / DEEPEST, 0.0, 1.0)
    speed = np.zeros_like(depth) if mesh.sliding is None else np.clip(mesh.sliding / FASTEST, 0.0, 1.0) * nearness
    return spread(interpolate(np.stack([nearness, depth, speed], axis=1), mesh, hits), hits)


LAMPS: Final = ((-0.45, 0.55, 0.70, 0.78), (0.75, 0.1, 0.55, 0.22))
"""A key and a fill, in the camera's axes, and how strong they are."""
AMBIENT: Final = 0.08
"""Light from everywhere."""


def lit(
    mesh: Mesh, hits: Hits, normal: Floats, lamps: ArrayLike = LAMPS, background: ArrayLike = (96.0, 100.0, 108.0)
) -> Floats:
    """Return a plain lit picture (H, W, 3), sRGB 0..255, for where there is no Blender.

    ``lamps`` (L, 4): direction in the camera's axes (right, up, towards it) and strength.
    """
    given = np.asarray(lamps, np.float64)
    light = falloff(normal, given[:, :3]) @ given[:, 3]
    return under_light(mesh, hits, (light + AMBIENT)[:, None], background)


def falloff(normal: Floats, lamps: Floats) -> Floats:
    """Return how much (N, L) of each lamp's light there is at a normal, its direction (L, 3) in the normals' axes.

    It falls off as half of Lambert's cosine, squared (Valve 2006), so that no side is black.
    """
    towards = lamps / np.linalg.norm(lamps, axis=1, keepdims=True)
    return (normal @ towards.T * 0.5 + 0.5) ** 2


def under_light(mesh: Mesh, hits: Hits, light: Floats, background: ArrayLike) -> Floats:
    """Return a picture (H, W, 3), sRGB 0..255, of what was hit in light (N, 1 or 3), linear."""
    linear = to_linear(mesh.colour[hits.triangle[hits.found]]) * light
    return spread(from_linear(linear), hits, background)


def to_linear(srgb: Floats | Bytes) -> Floats:
    """Return sRGB 0..255 (IEC 61966-2-1) as linear light, 1 for white."""
    values = srgb / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_linear(linear: Floats) -> Floats:
    """Return linear light as sRGB 0..255; what is brighter than white is white."""
    shown = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.clip(shown, 0.0, 1.0) * 255.0


def inverse_depth(depth: Floats, near: float, far: float) -> Floats:
    """Return (..., ) 1 at ``near``, 0 at ``far`` and where there is nothing: inverse depth, as video models are shown it.

    One ``near`` and ``far`` for a whole clip: a range a frame makes it flicker.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (1.0 / depth - 1.0 / far) / max(1.0 / near - 1.0 / far, 1e-9)
    return np.clip(np.nan_to_num(share), 0.0, 1.0)
