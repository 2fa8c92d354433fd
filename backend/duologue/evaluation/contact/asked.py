"""What a pattern asks to be in contact: the hand's own touching parts, put where the pattern wants them on the skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.parts import Part, meeting_point, palmar, part_of
from duologue.evaluation.contact.played import Played
from duologue.evaluation.contact.surfaces import Points, moved_by, spread_over
from duologue.interactions.actor import Array, Pose
from duologue.interactions.contact import Contact
from duologue.interactions.patterns import PALM
from duologue.interactions.posed import part_of_pose
from duologue.motion.rotations import einsum
from duologue.units import FPS

Indices = NDArray[np.int64]

_NEAR: Final = 0.005
_FLOATING: Final = 0.03
"""Metres of gap that a part is let down by, to see what it would have touched."""
_OVER: Final = 0.0025
"""Metres beside a point of a hand within which it still lies over skin: its points are as far from each other."""
_LOWEST: Final = 24
"""Vertices of a part nearest to the skin's, among which the lowest is."""


@dataclass(frozen=True, eq=False)
class Met:
    """Of hands that meet, the one that is touched: the triangles of its ``palm`` side and those that ``may`` be touched; what the
    other hand's palm and fingers (T, S, 3) would lie ``over`` where the pattern wants them, and which way (T, 3) palms face."""

    palm: set[tuple[int, ...]]
    may: set[tuple[int, ...]]
    over: Array
    facing: Array

    def under(self, k: int, points: Array) -> NDArray[np.bool_]:
        """Return over which points (S,) of the skin the other hand would lie, seen along the palm."""
        normal = self.facing[k]
        across = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(normal, across)], axis=-1)
        away = KDTree(self.over[k] @ axes).query(points @ axes, distance_upper_bound=_OVER)[0]
        return np.isfinite(away)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked for over T held frames.

    ``offsets`` (T, P, 2): where the touching points are on the skin, seen from where the pattern wants them (metres, outwards and
    up); ``placed``: whether it says where. ``parts``: each part's posed mesh (T, v, 3) with triangles into it, how far (T, 3)
    it would have to be moved aside, and the normal (T, 3) out of the skin there. ``met``: of hands that meet,
    instead of parts.
    """

    offsets: Array
    placed: bool
    parts: tuple[tuple[Array, Indices, Array, Array], ...] = ()
    met: Met | None = None

    def least_area(self) -> float:
        """Return an area (square metres) that is asked for where no skin is near at all: that of fingertips."""
        return 1e-4 * max(len(self.parts), 1)

    def at(self, k: int, points: Array, skin: Surface, of: Points) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which points (S,) of the skin are asked for in held frame k, and where contact is as it should be."""
        if self.met is not None:
            corners = [tuple(row) for row in np.sort(of.corners, axis=1).tolist()]
            palm, may = (np.array([row in rows for row in corners]) for rows in (self.met.palm, self.met.may))
            return palm & self.met.under(k, points), may
        wanted = np.zeros(len(points), np.bool_)
        for vertices, triangles, aside, normals in self.parts:
            placed = vertices[k] - aside[k]
            lowered = placed - np.clip(_gap(placed, skin), 0.0, _FLOATING) * normals[k]
            wanted |= Surface(lowered, triangles).within(points, _NEAR)
        return wanted, wanted


def _gap(points: Array, skin: Surface) -> float:
    """Return how far the lowest of some points is above skin, metres; negative below."""
    away = KDTree(np.concatenate([skin.mesh.vertices, skin.mesh.triangles_center])).query(points)[0]
    return float(skin.signed(points[np.argsort(away)[:_LOWEST]])[0].min())


def asked_of(played: Played, rows: Indices) -> Asked:
    """Return what a touch asks for in the frames in which it is held."""
    hand, met = played.hands
    own, side = played.own.character, hand.side
    pose = part_of_pose(played.own.pose, rows)
    if met is not None:
        return _meeting(played, pose, rows)
    assert played.solved.touching is not None
    contact = played.solved.touching[0].contact
    places, normals = _places(contact, played, rows)
    names = contact.pattern.touch
    parts = [part_of(own, side, name) for name in names]
    told = len(places)
    aside = [_aside(part.follow(pose), *place) for part, *place in zip(parts, places, normals, strict=False)]
    meshes = tuple(
        (*_mesh(played, part, rows), aside[min(k, told - 1)], normals[min(k, told - 1)]) for k, part in enumerate(parts)
    )
    frame = part_of_pose(played.other.pose, rows).turn_of(contact.landmark.carrier(contact.character))
    out_up = frame @ contact.landmark.frame[:, :2]
    offsets = np.stack([einsum("tij,ti->tj", out_up, aside[k]) for k in range(told)], axis=1)
    return Asked(np.asarray(offsets), True, meshes)


def _mesh(played: Played, part: Part, rows: Indices) -> tuple[Array, Indices]:
    vertices, local = np.unique(part.triangles, return_inverse=True)
    return played.hand(vertices, rows), local.reshape(part.triangles.shape)


def _aside(point: Array, place: Array, normal: Array) -> Array:
    away = point - place
    return away - einsum("ti,ti->t", away, normal)[:, None] * normal


def _places(contact: Contact, played: Played, rows: Indices) -> tuple[list[Array], list[Array]]:
    """Return where on the skin the pattern wants its parts, (T, 3) each, and the normals there, (T, 3) each: thumb and finger of
    a pinch lie on skin that faces either way."""
    phases, seconds = played.solved.phases, rows / FPS
    pose = part_of_pose(played.other.pose, rows)
    weights = {name: values[rows] for name, values in played.other.weights.items()}
    follow = contact.spots.follow(contact.character, pose, weights)
    turn = pose.turn_of(contact.landmark.carrier(contact.character))
    normals = einsum("tij,sj->tsi", turn, contact.spots.normals)
    count = 2 if contact.pinches else 1
    along = phases.along(seconds)
    if contact.pinches:
        along = np.interp(phases.share(seconds), contact.pattern.press[:, 0], contact.pattern.press[:, 1])
    places = [_at(part, along) for part in np.split(follow, count, axis=1)]
    facing = [_at(part, along) for part in np.split(normals, count, axis=1)]
    return places, [one / np.linalg.norm(one, axis=-1, keepdims=True) for one in facing]


def _at(values: Array, share: Array) -> Array:
    """Return (T, 3) of values (T, S, 3) at shares (T,) of the way over the S."""
    place = np.clip(share, 0.0, 1.0) * (values.shape[1] - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, values.shape[1] - 1)
    rows, part = np.arange(len(values)), (place - low)[:, None]
    return (1 - part) * values[rows, low] + part * values[rows, high]


def _meeting(played: Played, pose: Pose, rows: Indices) -> Asked:
    """Two hands: asked for is what of the palm's side the other palm and fingers would lie over where the pattern wants them.

    Where fingers close round a hand its back, but not its fingers', may be touched as well. The palm is to stay where it is.
    """
    hand, met = played.hands
    assert met is not None
    own, other = played.own.character, played.other.character
    pattern = played.solved.phases.pattern
    turned = part_of_pose(played.other.pose, rows)
    frame = turned.turn_of(met.side + "Hand") @ met.frame
    # Palms need not be quite parallel: between both.
    facing = frame[..., 1] - (pose.turn_of(hand.side + "Hand") @ hand.frame)[..., 1]
    facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
    anchors = [
        meeting_point(character, side, pattern).follow(of)
        for character, side, of in ((own, hand.side, pose), (other, met.side, turned))
    ]
    aside = _aside(anchors[0], anchors[1], facing)
    touching = part_of(own, hand.side, PALM).triangles
    spread = spread_over(
        own.mesh.vertices[np.unique(touching)], np.unique(touching, return_inverse=True)[1].reshape(-1, 3)
    )
    over = np.array([spread.at(vertices) for vertices in played.hand(np.unique(touching), rows)]) - aside[:, None]
    palm, may = palmar(other, met.side, met.frame[:, 1], back=pattern.clasps)
    used = np.unique(_surface_of_hand(played))
    place = np.full(len(other.mesh.vertices), -1)
    place[used] = np.arange(len(used))
    sets = [{tuple(sorted(row)) for row in place[triangles].tolist()} for triangles in (palm, may)]
    offsets = einsum("tij,ti->tj", frame, aside)[:, None, ::2]
    return Asked(np.asarray(offsets), True, met=Met(sets[0], sets[1], over, facing))


def _surface_of_hand(played: Played) -> Indices:
    met = played.hands[1]
    assert met is not None
    return moved_by(played.other.character.mesh, played.other.character.under[met.bone])
