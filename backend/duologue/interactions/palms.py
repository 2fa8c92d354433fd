"""How two palms lie on each other: parallel by their own meshes, as much of them in touch as can be, no deeper than is asked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import UP, Array
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape, hand_shapes
from duologue.interactions.mesh_depth import depths
from duologue.interactions.patterns import Pattern
from duologue.interactions.reach import frame_between
from duologue.motion.rotations import exp_to_matrix
from duologue.rigs.joints import METACARPALS
from duologue.rigs.skinned import vertex_normals

_PRESSED: Final = {True: 0.004, False: 0.0045}
"""Metres that two palms are pressed into each other, where fingers close round the other hand and where they don't: both are
soft, and nothing of it is drawn."""
_FARTHEST: Final = 0.06
"""Metres that palms which lie on each other are moved at most until their meshes touch and no more."""
_APART: Final = 0.004
"""Metres by which hands of which nothing is near are brought nearer."""
_ROUNDS: Final = 6
_FACING: Final = 0.5
"""Cosine to the palm's direction from which on skin is the palm's own and not its edge's."""
_CELL: Final = 0.005
_CELLS: Final = 30
"""Metres a cell of the plane between two palms, and how many there are either way from its middle."""
_CLOSE: Final = 0.005
"""Metres between palms within which they count as lying on each other: skin is soft."""
_TILTED: Final = 12.0
"""Degrees by which two palms are tilted against each other at most."""


class Palms:
    """Two hands, the performer's first, on each other in the axes of their meeting: left, up, ahead as the performer sees it.

    ``frames`` (2, 3, 3) and ``wrists`` (2, 3) from where they meet; ``out`` (2, 3): where their palms are to face; ``shapes``.
    """

    def __init__(self, hands: tuple[Hand, Hand], pattern: Pattern) -> None:
        """Lay them as a pattern has it, open."""
        self.hands, self.pattern = hands, pattern
        shape = hand_shapes()[pattern.shape]
        self.shapes = [shape, shape]
        planes = [palm_plane(hand, shape) for hand in hands]
        wanted = [_wanted(pattern, hand, hands[0].sign, first=k == 0) for k, hand in enumerate(hands)]
        if not pattern.clasps:
            wanted = [frame @ _straightened(hand, shape) for frame, hand in zip(wanted, hands, strict=True)]
        facing = [(frame @ normal, frame) for frame, (_, normal) in zip(wanted, planes, strict=True)]
        self.frames = np.array([frame_between(normal, frame[:, 1]) @ frame for normal, frame in facing])
        anchors = [self._anchor(hand, plane) for hand, plane in zip(hands, planes, strict=True)]
        self.wrists = np.array([-frame @ anchor for frame, anchor in zip(self.frames, anchors, strict=True)])
        self.out = np.array([frame[:, 1] for frame in wanted])
        self._lay()
        self._tilt()
        self._lay()

    def points(self, k: int, rows: NDArray[np.int64] | None = None, shape: HandShape | None = None) -> Array:
        """Return where the vertices of hand ``k``, or ``rows`` (n,) of them, are (n, 3), in its shape or another."""
        return self.wrists[k] + self.hands[k].surface(shape or self.shapes[k], rows) @ self.frames[k].T

    def skin(self, k: int) -> tuple[Array, Array]:
        """Return the points (n, 3) of hand ``k``'s skin in its shape, however large its triangles are, and their normals."""
        return self.hands[k].skin.posed(self.points(k))

    def _anchor(self, hand: Hand, plane: tuple[Array, Array]) -> Array:
        """Return the point (3,) of a hand, in its frame, that lies on the other one's: in the palm's own plane."""
        centre, normal = plane
        knuckles = {finger: hand.frame.T @ (points[0] - hand.wrist) for finger, (_, points) in hand.segments.items()}
        if self.pattern.web and {"Thumb", "Index"} <= set(knuckles):
            thumb = hand.frame.T @ (hand.segments["Thumb"][1][1] - hand.wrist)
            at = 0.5 * (thumb + knuckles["Index"])
        else:
            at = self.pattern.along_palm * np.mean([p for f, p in knuckles.items() if f != "Thumb"] or [centre], axis=0)
        # Straight out of the hand, as its joints have it, to its own palm.
        return at + np.array([0.0, float((centre - at) @ normal) / normal[1], 0.0])

    def _lay(self) -> None:
        """Move both hands along their palms' direction until their meshes are as deep in each other as is asked."""
        points, normals = list[Array](), list[Array]()
        for k in (0, 1):
            all_, facing = self.skin(k)
            before = facing @ self.out[k] > 0
            points.append(all_[before])
            normals.append(facing[before])
        moved = 0.0
        for _ in range(_ROUNDS):
            deep = max(
                float(
                    depths(
                        points[k] - moved * self.out[k], points[1 - k] - moved * self.out[1 - k], normals[1 - k]
                    ).max()
                )
                for k in (0, 1)
            )
            # Hands that are far apart say nothing of how far.
            more = 0.5 * (deep - _PRESSED[self.pattern.clasps]) if np.isfinite(deep) else -_APART
            moved = float(np.clip(moved + more, -_FARTHEST, _FARTHEST))
        self.wrists = self.wrists - moved * self.out

    def _tilt(self) -> None:
        """Turn both hands by equal and opposite small angles so that as much of the two palms as can be lies on the other hand.

        Both are looked at as heights over the plane between them: a small turn adds what is linear in the place.
        """
        normal = self.out[0]
        first = np.cross(normal, (0.3, 0.5, 0.8))
        first /= np.linalg.norm(first)
        axes = np.stack([first, np.cross(normal, first)])
        maps = [self._heights(k, axes, normal if k == 0 else -normal) for k in (0, 1)]
        both = np.isfinite(maps[0][0]) & np.isfinite(maps[1][0])
        gap = -(maps[0][0] + maps[1][0])[both]
        palm = (maps[0][1].astype(np.float64) + maps[1][1])[both]
        if palm.sum() < 20:
            return
        place = (np.argwhere(both) - _CELLS) * _CELL
        angles = np.radians(np.arange(-_TILTED, _TILTED + 0.5, 1.0))
        ways = np.stack(np.meshgrid(angles, angles, indexing="ij"), axis=-1).reshape(-1, 2)
        tilted = gap - ways @ place.T
        near = tilted - tilted.min(axis=1, keepdims=True) < _PRESSED[self.pattern.clasps] + _CLOSE
        # Of equally good ones the least turned.
        best = ways[int(((near * palm).sum(axis=1) / palm.sum() - 0.1 * (ways**2).sum(axis=1)).argmax())]
        for k, sign in enumerate((0.5, -0.5)):
            turn = np.asarray(
                exp_to_matrix(sign * (best[0] * np.cross(axes[0], normal) + best[1] * np.cross(axes[1], normal)))
            )
            self.frames[k], self.wrists[k] = turn @ self.frames[k], turn @ self.wrists[k]

    def _heights(self, k: int, axes: Array, normal: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return how high a hand is over each cell of the plane between both, -inf where it is not, and which its palm has."""
        hand = self.hands[k]
        points = self.points(k)
        corners = points[hand.triangles]
        held = palm_of(hand)
        spread = np.concatenate(
            [points, corners.mean(axis=1), *(0.5 * (corners + np.roll(corners, 1, axis=1))).swapaxes(0, 1)]
        )
        of_palm = np.concatenate([held, *[held[hand.triangles].all(axis=1)] * 4])
        cell = np.round(spread @ axes.T / _CELL).astype(np.int64) + _CELLS
        inside = ((cell >= 0) & (cell <= 2 * _CELLS)).all(axis=1)
        heights = np.full((2 * _CELLS + 1,) * 2, -np.inf)
        np.maximum.at(heights, tuple(cell[inside].T), spread[inside] @ normal)
        palm = np.zeros(heights.shape, np.bool_)
        palm[tuple(cell[inside & of_palm].T)] = True
        return heights, palm


def palm_plane(hand: Hand, shape: HandShape) -> tuple[Array, Array]:
    """Return a palm's middle (3,) and unit normal (3,) in the hand's frame: the plane through its own skin, least squares."""
    points = hand.surface(shape)
    normals = vertex_normals(points, hand.triangles)
    palm = palm_of(hand) & (normals[:, 1] > _FACING)
    if palm.sum() < 8:
        return np.zeros(3), np.array([0.0, 1.0, 0.0])
    skin = points[palm]
    design = np.column_stack([skin[:, 0], skin[:, 2], np.ones(len(skin))])
    (a, b, _), *_ = np.linalg.lstsq(design, skin[:, 1], rcond=None)
    normal = np.array([-a, 1.0, -b])
    return skin.mean(axis=0), normal / np.linalg.norm(normal)


def palm_of(hand: Hand) -> NDArray[np.bool_]:
    """Return which of a hand's vertices are of neither finger nor thumb."""
    joint = hand.character.joint
    held = [joint[hand.side + name] for name in ("Hand", *METACARPALS) if hand.side + name in joint]
    return hand.character.mesh.weight_of(np.array(held))[hand.vertices] > 0.5


def _wanted(pattern: Pattern, hand: Hand, sign: float, *, first: bool) -> Array:
    """Return a hand's frame (3, 3): along, out of the palm, thumbwards; palms that meet are parallel.

    ``sign``: of the performer's hand; hands that cross point inwards from there.
    """
    ahead = np.array([0.0, 0.0, 1.0 if first else -1.0])
    if pattern.name == "high-five":
        along, palm = UP, ahead
    else:
        inwards = np.array([-sign, 0.0, 0.0])
        along = ahead + pattern.rise * UP + np.tan(pattern.cross) * inwards
        along = along / np.linalg.norm(along)
        # Held hands lie on each other, the performer's above; shaken ones stand beside each other.
        palm = (-UP if first else UP) if pattern.name == "hold-hands" else -hand.sign * np.cross(UP, ahead)
    palm = palm - (palm @ along) * along
    palm = palm / np.linalg.norm(palm)
    return np.stack([along, palm, -hand.sign * np.cross(along, palm)], axis=-1)


def _straightened(hand: Hand, shape: HandShape) -> Array:
    """Return the turn (3, 3) in the palm's plane that lays the mean way of the four fingers along the hand."""
    _, ends = hand.shaped(shape)
    ways = [ends[hand.tip(f), 1] - ends[hand.index(f"{f}1"), 0] for f in hand.fingers if f != "Thumb"]
    if not ways:
        return np.eye(3)
    along, _, thumbwards = hand.frame.T @ np.mean(ways, axis=0)
    angle = np.arctan2(thumbwards, along)
    return np.array([[np.cos(angle), 0.0, np.sin(angle)], [0.0, 1.0, 0.0], [-np.sin(angle), 0.0, np.cos(angle)]])
