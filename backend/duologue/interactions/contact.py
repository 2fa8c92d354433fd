"""Where on the skin the hand belongs in each frame, and which point of the hand belongs there: a fingertip, two, or the palm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.event import Phases
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape, hand_shapes
from duologue.interactions.key_grip import pinch_across
from duologue.interactions.landmarks import Landmark, Spots, find_landmark, spots_on
from duologue.interactions.patterns import PALM, Pattern, finger_of
from duologue.interactions.rest_skin import RestSkin
from duologue.motion.rotations import einsum

TISSUE: Final = {
    "cheek": 0.008,
    "lips": 0.006,
    "chin": 0.004,
    "nose": 0.003,
    "ear": 0.003,
    "forehead": 0.002,
    "shoulder": 0.004,
    "arm": 0.004,
    "back": 0.004,
}
"""Metres that skin gives way before bone: InterAnimate leaves it open; of the order of soft tissue depths in forensic tables."""

_SAMPLES: Final = 9
"""Points that a path is laid onto the skin with."""
_OPEN: Final = 0.008
"""Metres that a pinch is opened wider before it is on the skin."""
_BENDABLE: Final = (0.010, 0.020, 0.030)
"""Metres by which a finger's three bones can be lifted off what a palm lies on: about 25 degrees at the knuckle."""
_BESIDE: Final = 0.008
"""Metres that what lies along with a touching bone may be nearer to the skin than else: it may touch."""
_MEETS: Final = 0.024
"""Metres between two fingertips that can't pinch: their thumb rests too far aside."""
_GRIPS: Final = 9
"""Shapes between an open and a closed pinch."""
_TURNS: Final = 0.4
"""Of what the skin turns along a path, how much the hand turns with it."""
_SAME_WAY: Final = 0.7
"""Cosine up to which the way from thumb to finger is that of the open hand."""


@dataclass(frozen=True, eq=False)
class Goal:
    """Over T frames: landmark ``frames`` (T, 3, 3), the places ``centres`` (T, 3) that the hand's ``points`` (T, 3) go to, and
    ``skin`` (T, 3), the touched point itself. ``grip`` (T,): how far the hand is on the way over the contact's ``shapes``, in
    [0, 1]; ``axis`` (T, 3): in the world from the thumb to the other finger, zero for all that isn't a pinch."""

    frames: Array
    centres: Array
    skin: Array
    grip: Array
    axis: Array


@dataclass(frozen=True)
class Where:
    """Where on a landmark: its ``side``, ``Left``, ``Right`` or none; ``flip`` -1 mirrors its outward direction, for what lies in
    the middle is mirrored to the touching hand's side; ``offset`` in metres on the skin. Of a pinch, ``swapped``: thumb and
    finger change places; ``turned``: radians by which their axis is, on the skin."""

    side: str = ""
    flip: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    swapped: bool = False
    turned: float = 0.0


class Contact:
    """One pattern on one landmark with one hand. Everything that stays the same over the frames is worked out once.

    ``shapes``: those that the hand goes through, of a pinch from open to closed, else at the ``shares`` (G,) of the contact: a
    finger beside the one that is led over a face bends with the face.

    ``seat``: shares (K,) of the contact, and how far (P, K) each of the touching parts has to be moved out of the skin there, in
    metres, for its own mesh to be as deep as is asked (:mod:`.seating`): a finger is no capsule.
    """

    def __init__(self, character: Character, hand: Hand, pattern: Pattern, where: Where) -> None:
        """Lay the path onto the skin of ``character``, who is touched by ``hand``.

        Raises:
            DuologueError: ``face-without-landmarks``.
        """
        self.character, self.hand, self.pattern = character, hand, pattern
        found = find_landmark(character, pattern.landmark, where.side)
        self.landmark = Landmark(found.name, found.side, found.centre, found.frame * np.array([where.flip, 1.0, 1.0]))
        offset = np.asarray(where.offset)
        # A hand that lacks a finger touches with those it has.
        self.touch = tuple(part for part in pattern.touch if part == PALM or finger_of(part) in hand.fingers)
        self.shape = hand_shapes()[pattern.shape]
        self.closed = hand_shapes().get(pattern.shape + "-closed", self.shape)
        self.seat = np.zeros(1), np.zeros((len(self.touch), 1))
        self.tissue = TISSUE[pattern.landmark]
        self.pinches = pattern.family == "pinch"
        # Between a thumb and the side of a finger.
        self.key_grip = self.touch[0] in hand.names and "Thumb" in self.touch
        # A child's face is smaller, and so are the ways over it.
        self.size = RestSkin.of(character, pattern.landmark).size if pattern.on_face else 1.0
        cosine, sine = np.cos(where.turned), np.sin(where.turned)
        axis = np.array([[cosine, -sine], [sine, cosine]]) @ pattern.axis
        self.axis = -axis if where.swapped else axis
        self.spots = self._pinch_spots(offset) if self.pinches else self._path_spots(offset)
        self.covers = self.spots.covers
        self.shares = np.zeros(1)
        self.shapes: list[HandShape] = [self.shape]
        self.point, self.radius = self._touching(self.shape)
        self.grips = self._grips() if self.pinches else None
        if pattern.across and not self._meets(_MEETS):
            self.with_shape(*pinch_across(hand, pattern.shape))
        # What is pinched across the hand is thick itself: a nose keeps the tips apart.
        if not self._meets(pattern.width[1] + 2 * self.radius if pattern.across else _MEETS):
            self.with_shape(*(hand_shapes()[f"{pattern.shape}-wide{end}"] for end in ("", "-closed")))

    def _meets(self, within: float) -> bool:
        """Whether the tips of a pinch come together, to ``within`` so many metres; what is no pinch need not."""
        return self.grips is None or float(np.linalg.norm(self.grips[1][-1] - self.grips[0][-1])) <= within

    def _path_spots(self, offset: Array) -> Spots:
        path = self.size * self.pattern.path
        steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        at = np.linspace(0.0, steps[-1], _SAMPLES if len(path) > 1 else 1)
        laid = np.stack([np.interp(at, steps, path[:, k]) for k in (0, 1)], axis=-1) + offset
        return spots_on(self.character, self.landmark, laid)

    def _pinch_spots(self, offset: Array) -> Spots:
        """Thumb's and finger's places, from open to closed."""
        half = 0.5 * self.size * np.linspace(self.pattern.width[0], self.pattern.width[1], _SAMPLES)[:, None]
        return spots_on(self.character, self.landmark, np.concatenate([-half * self.axis, half * self.axis]) + offset)

    def _touching(self, shape: HandShape) -> tuple[Array, float]:
        """Return the point of the hand that goes to the skin, in the hand's frame from the wrist, and its radius."""
        _, ends = self.hand.shaped(shape)
        if self.touch[0] == PALM:
            return self.hand.palm_middle(ends), 0.0
        part = self.hand.touching(self.touch[0])
        # The middle of a tip, or of the bone whose side it is.
        point = ends[part].mean(axis=0) if self.touch[0] in self.hand.names else ends[part, 1]
        return self.hand.frame.T @ point, float(self.hand.radius[part])

    def _grips(self) -> tuple[Array, Array]:
        """Go from open to as closed as thumb and finger come; return the places of the two tips (G, 3) in the hand's frame."""
        shapes = [self.shape.towards(self.closed, share) for share in np.linspace(-0.3, 1.0, _GRIPS)]
        ends = [self.hand.shaped(shape)[1] for shape in shapes]
        thumb, finger = (np.array([self.hand.frame.T @ e[self.hand.tip(name), 1] for e in ends]) for name in self.touch)
        # Tips that go past each other, as they do in a closed hand, come apart again, and the other way round.
        span = finger - thumb
        apart = np.linalg.norm(span, axis=-1)
        past = (np.diff(apart, append=np.inf) >= 0) | (span @ span[0] < _SAME_WAY * apart * apart[0])
        count = max(int(past.argmax()), 2)
        self.shapes = shapes[:count]
        return thumb[:count], finger[:count]

    def goal(self, pose: Pose, weights: Mapping[str, Array], phases: Phases, seconds: Array) -> Goal:
        """Return what the hand has to do with in each frame, for the touched character as it stands in ``pose``."""
        follow = self.spots.follow(self.character, pose, weights)
        turn = pose.turn_of(self.landmark.carrier(self.character))
        normals = einsum("tij,sj->tsi", turn, self.spots.normals)
        depth, clearance = phases.depth(seconds, self.tissue), phases.clearance(seconds) + phases.lift(seconds)
        base = turn @ self.landmark.frame
        if self.pinches:
            return self._pinch(phases, seconds, (follow, normals, base))
        along = phases.along(seconds)
        skin, normal = _on_path(follow, along), _on_path(normals, along)
        normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
        out = self.radius - depth + clearance + self._seated(phases, seconds)[0]
        centres = skin + out[:, None] * normal
        grip = np.interp(phases.share(seconds), self.shares, np.linspace(0.0, 1.0, len(self.shares)))
        # A fingertip rolls over a nose or a chin: the hand turns with the skin by a part of what the skin turns.
        middle = normals.mean(axis=1)
        middle = middle / np.linalg.norm(middle, axis=-1, keepdims=True)
        faced = middle + _TURNS * (normal - middle)
        faced = faced / np.linalg.norm(faced, axis=-1, keepdims=True)
        return Goal(_facing(base, faced), centres, skin, grip, np.zeros_like(centres))

    def _pinch(self, phases: Phases, seconds: Array, placed: tuple[Array, Array, Array]) -> Goal:
        follow, normals, base = placed
        depth, clearance = phases.depth(seconds, self.tissue), phases.clearance(seconds)
        share = np.interp(phases.share(seconds), self.pattern.press[:, 0], self.pattern.press[:, 1])
        closing = share * phases.contact(seconds)
        seated = self._seated(phases, seconds)
        tips: list[Array] = []
        for k, finger in enumerate(self.touch):
            rows = slice(k * _SAMPLES, (k + 1) * _SAMPLES)
            skin, normal = _on_path(follow[:, rows], closing), _on_path(normals[:, rows], closing)
            normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
            radius = float(self.hand.radius[self.hand.tip(finger)])
            tips.append(skin + (radius - depth + seated[k])[:, None] * normal)
        axis = tips[1] - tips[0]
        width = np.linalg.norm(axis, axis=-1, keepdims=True)
        # Open fingers lie on skin that faces elsewhere, of an ear far elsewhere: the hand turns with it by a part.
        closed = einsum("tij,j->ti", base, self._closed_axis)
        axis = closed + _TURNS * (axis / np.maximum(width, 1e-9) - closed)
        axis = axis / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
        wider = width + 2 * _OPEN * np.minimum(clearance / 0.01, 1.0)[:, None]
        middle = (tips[0] + tips[1]) / 2 + clearance[:, None] * base[..., 2]
        thumb, finger = self.grips or (np.zeros((1, 3)), np.zeros((1, 3)))
        apart = np.linalg.norm(finger - thumb, axis=-1)
        grip = np.interp(-wider[:, 0], -apart, np.linspace(0.0, 1.0, len(apart)))
        skin = (_on_path(follow[:, :_SAMPLES], closing) + _on_path(follow[:, _SAMPLES:], closing)) / 2
        return Goal(base, middle, skin, grip, axis)

    @cached_property
    def _closed_axis(self) -> Array:
        """(3,): unit, in the landmark's frame, from thumb to finger as they are when the pinch is closed."""
        last = np.array([_SAMPLES - 1, 2 * _SAMPLES - 1])
        radius = self.hand.radius[[self.hand.tip(finger) for finger in self.touch]]
        tips = self.spots.at_rest(self.character)[last] + radius[:, None] * self.spots.normals[last]
        way = (tips[1] - tips[0]) @ self.landmark.frame
        return way / max(float(np.linalg.norm(way)), 1e-9)

    def _seated(self, phases: Phases, seconds: Array) -> Array:
        share = phases.share(seconds)
        return np.array([np.interp(share, self.seat[0], row) for row in self.seat[1]])

    def points(self, goal: Goal) -> Array:
        """Return the point of the hand (T, 3) that goes to each frame's centre, in the hand's frame."""
        if self.grips is None:
            return np.broadcast_to(self.point, goal.centres.shape)
        thumb, finger = self.grips
        return _at_share((thumb + finger) / 2, goal.grip)

    def spans(self, goal: Goal) -> Array:
        """Return the unit way (T, 3) from thumb to finger in the hand's frame, for pinches."""
        thumb, finger = self.grips or (np.zeros((1, 3)), np.ones((1, 3)))
        span = _at_share(finger - thumb, goal.grip)
        return span / np.linalg.norm(span, axis=-1, keepdims=True)

    def kept_out(self, shape: HandShape) -> tuple[Array, Array]:
        """Return the capsules that are not to touch: ends (C, 2, 3) in the hand's frame from the wrist, and radii (C,).

        The fingers of a palm are among them, thinner by what they can be bent out of the way; the ball of the thumb is palm.
        """
        _, ends = self.hand.shaped(shape)
        names = self.hand.names
        touching = {names[k] for k in self.touching()}
        if self.touch[0] == PALM:
            touching |= {name for name in names if name.startswith(PALM)} | {"Thumb1"}
            # Beside a palm on a back or an arm a thumb lies on it too: it is turned off it and closed onto it.
            touching |= set() if self.pattern.on_face or "Thumb" not in self.touch else {"Thumb2"}
        kept = [k for k, name in enumerate(names) if name not in touching]
        lifted = [self.touch[0] == PALM and not names[k].startswith("Thumb") for k in kept]
        bendable = np.array(
            [_BENDABLE[int(names[k][-1]) - 1] if lift else 0.0 for k, lift in zip(kept, lifted, strict=True)]
        )
        beside = np.array([_BESIDE if names[k] in self._beside() else 0.0 for k in kept])
        return ends[kept] @ self.hand.frame, self.hand.radius[kept] - bendable - beside

    def whole(self) -> tuple[Array, Array]:
        """Return all capsules likewise: (K, 2, 3) and (K,)."""
        return self.hand.shaped(self.shape)[1] @ self.hand.frame, self.hand.radius

    def touching(self) -> list[int]:
        """Return which capsules are to touch: the fingers' last, or of a palm all but the thumb's."""
        if self.touch[0] == PALM:
            return [k for k, name in enumerate(self.hand.names) if not name.startswith("Thumb")]
        return [self.hand.touching(part) for part in self.touch]

    def _beside(self) -> set[str]:
        """The capsules that lie along with the side of a bone that touches: of its finger, and the palm's to it."""
        fingers = {finger_of(part) for part in self.touch if part in self.hand.names}
        rays = {f"{PALM}{self.hand.fingers.index(finger)}" for finger in fingers}
        return rays | {f"{finger}{i}" for finger in fingers for i in (1, 2, 3)}

    def touching_ends(self, goal: Goal) -> Array:
        """Return the ends (T, K, 2, 3) of the capsules that are to touch, in the hand's frame from the wrist."""
        ends = np.array([self.hand.shaped(shape)[1][self.touching()] @ self.hand.frame for shape in self.shapes])
        flat = _at_share(ends.reshape(len(self.shapes), -1), goal.grip)
        return flat.reshape(len(goal.grip), *ends.shape[1:])

    def with_shape(self, shape: HandShape, closed: HandShape | None = None) -> None:
        """Take another shape of the hand from here on; of a pinch the open and the ``closed`` one."""
        self.shape, self.closed = shape, closed or shape
        self.shares, self.shapes = np.zeros(1), [shape]
        self.point, self.radius = self._touching(shape)
        self.grips = self._grips() if self.pinches else None

    def with_shapes(self, shares: Array, shapes: Sequence[HandShape]) -> None:
        """Take a shape for each of some ``shares`` (G,) of the contact, rising; the finger that touches first is bent alike in
        all of them."""
        self.with_shape(shapes[0])
        self.shares, self.shapes = shares, list(shapes)

    def surfaces(self, goal: Goal) -> Array:
        """Return where the hand's vertices are (T, n, 3), in the hand's frame from the wrist."""
        rows = np.array([self.hand.surface(shape) for shape in self.shapes])
        return _at_share(rows.reshape(len(rows), -1), goal.grip).reshape(len(goal.grip), -1, 3)


def _on_path(values: Array, along: Array) -> Array:
    """Return (T, n) of values (T, S, n) at shares ``along`` (T,) of the way over the S."""
    last = values.shape[1] - 1
    place = np.clip(along, 0.0, 1.0) * last
    low = np.minimum(place.astype(np.int64), max(last - 1, 0))
    share = (place - low)[:, None]
    rows = np.arange(len(values))
    return (1 - share) * values[rows, low] + share * values[rows, np.minimum(low + 1, last)]


def _at_share(rows: Array, share: Array) -> Array:
    """Return (T, n) of rows (G, n) at shares (T,) of the way over them."""
    return _on_path(np.broadcast_to(rows, (len(share), *rows.shape)), share)


def _facing(frames: Array, normal: Array) -> Array:
    """Return the frames (T, 3, 3) with their third axis turned to ``normal`` (T, 3), the others as near as can be."""
    out = frames[..., 0] - einsum("ti,ti->t", frames[..., 0], normal)[:, None] * normal
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    up = np.cross(normal, out)
    up *= np.where(einsum("ti,ti->t", up, frames[..., 1]) < 0, -1.0, 1.0)[:, None]
    return np.stack([out, up, normal], axis=-1)


def shifted(goal: Goal, by: Array) -> Goal:
    """Return a goal whose centres are shifted (T, 3)."""
    return replace(goal, centres=goal.centres + by)
