"""How a hand that has its place lies on the skin: fingers close onto it or keep off it, and its mesh is as deep as asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Pose
from duologue.interactions.contact import Contact
from duologue.interactions.event import Phases
from duologue.interactions.eyes import in_eyes
from duologue.interactions.field import head_field
from duologue.interactions.hand import Hand
from duologue.interactions.hand_shapes import HandShape
from duologue.interactions.key_grip import thumb_to
from duologue.interactions.landmarks import spots_on
from duologue.interactions.mesh_depth import SkinPatch, depths
from duologue.interactions.patterns import PALM, finger_of
from duologue.interactions.placing import Placement
from duologue.interactions.touching import Reaching, hand_frames, keys_of, wrists
from duologue.motion.rotations import einsum, exp_to_matrix

_KEYS: Final = 5
"""Moments of the contact that are looked at, from first to last…"""
_STILL: Final = 2
"""…and within one in which the hand stays where it is."""
_ROUNDS: Final = 3
"""Of measuring and correcting: what is deepest changes as a hand is moved."""
_LIGHTLY: Final = 0.5
"""Of the depth to which the finger that leads presses, how deep those beside it lie."""
_REFINED: Final = 6
"""Times that the angle at which a finger lies on the skin is narrowed down: from 24 degrees to less than half of one."""
_SPARE: Final = 0.0065
"""Metres that other fingers keep off the skin: 5 mm count as contact, and fingers are no capsules."""
_COARSE: Final = 0.002
"""Metres that the head's field may be off."""
_FARTHEST: Final = 0.025
"""Metres that a hand is moved at most: beyond that it lies wrongly."""
_TURNED: Final = (8.0, 4.0, 2.0)
"""Degrees by which a palm is turned, to lie flat, from coarse to fine…"""
_MOST_TURNED: Final = 16.0
"""…and at most."""
_NEAR: Final = 0.004
"""Metres over which a palm is less and less on the skin."""
_PALM_POINTS: Final = 100
"""Of its vertices, how many tell about how many are."""
_CLOSING: Final = np.arange(-32.0, 65.0, 8.0)
_AWAY: Final = np.array([0.0, 6, -6, 12, -12, 18, -18, 24, -24, 32, 40, 50, 60])
"""Degrees by which fingers are bent more, to close, and to keep off; the first that does is taken."""
_ROUND: Final = {1: 48.0, 2: 32.0}
"""Degrees by which a finger's outer joints are closed further round what a palm lies on, at most."""
_BACK: Final = (0.0, -12.0, -24.0, -36.0, -48.0)
"""Degrees by which a thumb beside a palm is turned back more."""
_OFF_BALL: Final = 4
"""Of the nine balls that a thumb is, from root to tip, how many are in its ball."""
_STRETCHED: Final = -8.0
"""…but a thumb is not stretched away from its hand further than that."""
_THUMB: Final = np.array([[0.0, 0.006]])
"""Metres outwards and up from the landmark, where the thumb of a key grip lies."""
_REACH: Final = {True: 0.14, False: 0.08}
"""Metres round the touched place in which skin is looked at: for a palm, for a fingertip."""


class _Moments:
    """A contact at K moments: where its hand is then, and the skin under it."""

    def __init__(self, reaching: Reaching, touched: Pose, weights: Mapping[str, Array], seconds: Array) -> None:
        still = len(reaching.contact.pattern.path) == 1 and not reaching.contact.pinches
        keys = keys_of(reaching.phases, seconds, _STILL if still else _KEYS, between=still)
        self.reaching, self.seconds = reaching, seconds[keys]
        self.pose = Pose(touched.character, touched.turns[keys], touched.heads[keys])
        self.weights = {name: values[keys] for name, values in weights.items()}
        contact = self.contact
        self.palm = contact.touch[0] == PALM
        places = contact.spots.at_rest(contact.character)
        covered = bool(contact.covers)
        patch = SkinPatch(contact.character, contact.pattern.landmark, places, _REACH[self.palm], covered=covered)
        self.skin, self.normals = patch.posed(self.pose, self.weights)
        self.place()

    @property
    def contact(self) -> Contact:
        return self.reaching.contact

    @property
    def phases(self) -> Phases:
        return self.reaching.phases

    def place(self) -> None:
        """Find where the hand is, its shape and seat as they are now."""
        self.goal = self.contact.goal(self.pose, self.weights, self.phases, self.seconds)
        self.frames = hand_frames(self.contact, self.goal, self.reaching.placement)
        self.wrist = wrists(self.contact, self.goal, self.frames)

    def depth(self, points: Array) -> Array:
        """Return how deep (K, n) points (n, 3) or (K, n, 3) in the hand's frame are in the skin."""
        return np.array([depths(*row) for row in zip(self.placed(points), self.skin, self.normals, strict=True)])

    def placed(self, points: Array) -> Array:
        """Return where points (n, 3) or (K, n, 3) in the hand's frame are in the world (K, n, 3)."""
        points = np.broadcast_to(points, (len(self.wrist), *points.shape[-2:]))
        return self.wrist[:, None] + einsum("kij,knj->kni", self.frames, points)


def settle_hand(reaching: Reaching, touched: Pose, weights: Mapping[str, Array], seconds: Array) -> None:
    """Let the hand of a contact lie on whom it touches: its shape and its seat are changed.

    Args:
        reaching: the contact.
        touched: T frames of who is touched.
        weights: ARKit name -> (T,), their face.
        seconds: (T,).
    """
    moments = _Moments(reaching, touched, weights, seconds)
    names = reaching.contact.touch if reaching.contact.pinches else reaching.contact.touch[:1]
    # Beside a bone whose side it is, others of the finger are not to be deeper.
    hand = reaching.contact.hand
    parts = [hand.part(finger_of(name), whole=name in hand.names) for name in names]
    if moments.palm:
        moments.reaching.placement = _lain_flat(moments)
        moments.place()
    _seat(moments, [hand.part("")] if moments.palm else parts)
    _shape(moments)
    moments.place()
    _seat(moments, parts)


def _lain_flat(moments: _Moments) -> Placement:
    """Return the placement, the hand turned a little about its length and across it, so that most of the palm is on the skin.

    Cheeks are round and palms are hollow: the normal at one point says little about either.
    """
    hand, placement = moments.contact.hand, moments.reaching.placement
    palm = np.flatnonzero(hand.part(""))
    points = moments.contact.surfaces(moments.goal)[:, palm] - moments.contact.points(moments.goal)[:, None]
    # What faces out of the palm: a hand is about as thick as what lies on either side of its bones.
    facing = points[..., 1].mean(axis=0) > np.median(points[..., 1])
    points, start = points[:, facing], moments.goal.centres
    points = points[:, :: max(points.shape[1] // _PALM_POINTS, 1)]
    best, found = np.zeros(2), -np.inf
    for step in _TURNED:
        middle = best
        for more in product((-step, 0.0, step), repeat=2):
            turn = np.clip(middle + more, -_MOST_TURNED, _MOST_TURNED)
            frames = moments.frames @ _turned(turn)
            placed = start[:, None] + einsum("kij,knj->kni", frames, points)
            depth = np.array([depths(*row) for row in zip(placed, moments.skin, moments.normals, strict=True)])
            gap = depth.max(axis=1, keepdims=True) - depth
            near = float(np.exp(-((gap / _NEAR) ** 2)).mean()) - 0.05 * float(
                (turn / _MOST_TURNED) @ (turn / _MOST_TURNED)
            )
            if near > found:
                best, found = turn, near
    return replace(placement, hand=placement.hand @ _turned(best))


def _turned(degrees: Array) -> Array:
    """Return a turn (3, 3) of a hand in its own frame: about its length, then across it; ``degrees`` (2,)."""
    about = np.radians(degrees)
    return np.asarray(exp_to_matrix(np.array([about[0], 0.0, 0.0])) @ exp_to_matrix(np.array([0.0, 0.0, about[1]])))


def _seat(moments: _Moments, parts: Sequence[NDArray[np.bool_]]) -> None:
    """Move the touching ``parts`` out of the skin, or into it, until their own mesh is as deep as is asked."""
    contact, phases = moments.contact, moments.phases
    wanted = phases.depth(moments.seconds, contact.tissue)
    share = phases.share(moments.seconds)
    seat = np.array([np.interp(share, contact.seat[0], row) for row in contact.seat[1][: len(parts)]])
    near = [np.flatnonzero(part) for part in parts]
    for _ in range(_ROUNDS):
        surface = contact.surfaces(moments.goal)
        for row, part in enumerate(near):
            depth = moments.depth(surface[:, part])
            deepest = depth.max(axis=1, initial=-np.inf)
            # What is far above the deepest will not be it after the next step either.
            near[row] = part[(depth > deepest[:, None] - _FARTHEST).any(axis=0)]
            more = np.where(np.isfinite(deepest), deepest - wanted, 0.0)
            seat[row] = np.clip(seat[row] + more, -_FARTHEST, _FARTHEST)
        contact.seat = share, seat
        moments.place()


def _shape(moments: _Moments) -> None:
    """Bend the fingers beside the touching one onto the skin, moment by moment, and all others off it."""
    contact = moments.contact
    touch = [finger_of(part) for part in contact.touch]
    for finger in contact.hand.fingers:
        if finger in touch or (moments.palm and finger != "Thumb"):
            continue
        _keep_off(moments, finger)
    if moments.palm and "Thumb" in touch and not contact.pattern.on_face:
        _turn_back(moments)
    beside = [finger for finger in contact.hand.fingers if finger in touch[1:] or (moments.palm and finger != "Thumb")]
    if contact.pinches or not beside:
        return
    if contact.key_grip:
        _grip(moments)
        return
    shapes = [contact.shape] * len(moments.seconds)
    for finger in beside:
        more = _onto(moments, finger)
        shapes = [shape.bent(finger, float(by)) for shape, by in zip(shapes, more, strict=True)]
        if moments.palm and not contact.pattern.on_face:  # shoulders and arms are round; a face has eyes to go into
            for joint in (1, 2):
                shapes = _round(moments, finger, joint, shapes)
    contact.with_shapes(moments.phases.share(moments.seconds), shapes)


def _grip(moments: _Moments) -> None:
    """Lay the thumb onto the landmark, before the finger whose side is under it."""
    contact = moments.contact
    hand, spot = contact.hand, spots_on(contact.character, contact.landmark, contact.size * _THUMB)
    turn = moments.pose.turn_of("Head" if contact.pattern.on_face else contact.character.chest)
    normal = einsum("kij,j->ki", turn, spot.normals[0])
    skin = spot.follow(contact.character, moments.pose, moments.weights)[:, 0]
    part = np.flatnonzero(hand.part("Thumb"))
    wanted = _LIGHTLY * moments.phases.depth(moments.seconds, contact.tissue)
    out = np.full(len(skin), float(hand.radius[hand.tip("Thumb")]))
    for _ in range(_ROUNDS):
        place = einsum("kij,ki->kj", moments.frames, skin + out[:, None] * normal - moments.wrist).mean(axis=0)
        contact.with_shape(thumb_to(hand, contact.shape, place))
        out += moments.depth(hand.surface(contact.shape, part)).max(axis=1, initial=-_FARTHEST) - wanted


def _keep_off(moments: _Moments, finger: str) -> None:
    """Bend a finger off the skin, as little as can be; a palm's thumb is also turned towards the back of the hand."""
    contact = moments.contact
    ways = sorted(product(_BACK if moments.palm else (0.0,), _AWAY.tolist()), key=lambda way: abs(way[0]) + abs(way[1]))
    shapes = [contact.shape.bent(finger, more) for _, more in ways]
    shapes = [replace(shape, oppose=shape.oppose + back) for shape, (back, _) in zip(shapes, ways, strict=True)]
    off = _distance(moments, shapes, finger).min(axis=1)
    clear = np.flatnonzero(off >= _SPARE)
    chosen = int(clear[0] if len(clear) else off.argmax())
    contact.with_shape(shapes[chosen], contact.closed.bent(finger, ways[chosen][1]) if contact.pinches else None)


def _turn_back(moments: _Moments) -> None:
    """Turn a thumb that is to lie on the skin beside its palm towards the back of the hand, as little as takes it off the skin:
    from there it closes."""
    contact, hand = moments.contact, moments.contact.hand
    part = _moved_from(hand, "Thumb", 1)
    shapes = [replace(contact.shape, oppose=contact.shape.oppose + back) for back in _BACK]
    deepest = [
        moments.depth(hand.surface(shape.bent("Thumb", _STRETCHED), part)).max(initial=-np.inf) for shape in shapes
    ]
    clear = np.flatnonzero(np.array(deepest) < 0)
    contact.with_shape(shapes[int(clear[0]) if len(clear) else int(np.argmin(deepest))])


def _onto(moments: _Moments, finger: str) -> Array:
    """Return how many degrees (K,) more a finger has to be bent in each moment to lie on the skin; 0 where it finds none."""
    hand, shape = moments.contact.hand, moments.contact.shape
    bends = _CLOSING[_CLOSING >= _STRETCHED] if finger == "Thumb" else _CLOSING
    off = _distance(moments, [shape.bent(finger, float(more)) for more in bends], finger)
    first = (off < 0).argmax(axis=0)
    found = (off < 0).any(axis=0)
    low, high = bends[np.maximum(first - 2, 0)], bends[np.minimum(first + 1, len(bends) - 1)]
    # Capsules tell where about; what lies on the skin is the finger's own mesh.
    part = np.flatnonzero(hand.part(finger, whole=True))
    wanted = _LIGHTLY * moments.phases.depth(moments.seconds, moments.contact.tissue)
    for _ in range(_REFINED):
        middle = 0.5 * (low + high)
        points = np.array([hand.surface(shape.bent(finger, float(more)))[part] for more in middle])
        into = moments.depth(points).max(axis=1, initial=-np.inf) > wanted
        if moments.contact.pattern.on_face:
            into |= in_eyes(moments.pose, moments.placed(points), np.zeros(len(part))).max(axis=1) > 0
        low, high = np.where(into, low, middle), np.where(into, middle, high)
    return np.where(found, 0.5 * (low + high), 0.0)


def _round(moments: _Moments, finger: str, joint: int, shapes: list[HandShape]) -> list[HandShape]:
    """Return the shapes of each moment with a finger closed further at one of its joints, until what hangs on it is on the skin,
    as a hand goes round an arm (A. Miller and P. Allen, "GraspIt!", 2004); where it finds none it stays as it was."""
    hand = moments.contact.hand
    part = _moved_from(hand, finger, joint)
    if not len(part):
        return shapes
    wanted = _LIGHTLY * moments.phases.depth(moments.seconds, moments.contact.tissue)
    bends = np.array([shape.bends[finger][joint] for shape in shapes])

    def into(more: Array) -> NDArray[np.bool_]:
        bent = [shape.with_joint(finger, joint, float(by)) for shape, by in zip(shapes, bends + more, strict=True)]
        points = np.array([hand.surface(shape, part) for shape in bent])
        return moments.depth(points).max(axis=1, initial=-np.inf) > wanted

    low, high = np.zeros(len(shapes)), np.full(len(shapes), _ROUND[joint])
    found = into(high)
    for _ in range(_REFINED):
        middle = 0.5 * (low + high)
        over = into(middle)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    closed = bends + np.where(found, low, 0.0)
    return [shape.with_joint(finger, joint, float(bend)) for shape, bend in zip(shapes, closed, strict=True)]


def _moved_from(hand: Hand, finger: str, joint: int) -> NDArray[np.int64]:
    """Return which of a hand's vertices (n,) a finger moves from one of its joints on."""
    bones = hand.character.under[hand.segments[finger][0][joint]]
    return np.flatnonzero(hand.character.mesh.weight_of(bones)[hand.vertices] > 0.5)


def _distance(moments: _Moments, shapes: list[HandShape], finger: str) -> Array:
    """Return how far off the skin (S, K) a finger is at the nearest, in each of some shapes and in each moment."""
    hand = moments.contact.hand
    rows = [hand.index(f"{finger}{i}") for i in (1, 2, 3)]
    ends = np.array([hand.shaped(shape)[1][rows] for shape in shapes]) @ hand.frame  # S, 3, 2, 3
    balls = np.stack([ends[:, :, 0], ends.mean(axis=2), ends[:, :, 1]], axis=2).reshape(len(shapes), -1, 3)
    radius = np.repeat(hand.radius[rows], 3)
    if moments.palm and finger == "Thumb":  # its ball is palm
        balls, radius = balls[:, _OFF_BALL:], radius[_OFF_BALL:]
    depth = moments.depth(balls.reshape(-1, 3)).reshape(len(moments.wrist), *balls.shape[:2])
    outside: NDArray[np.float64] = -depth - radius
    if moments.contact.pattern.on_face:  # the patch ends at the neck, which the field knows, less finely
        placed = moments.placed(balls.reshape(-1, 3))
        away = head_field(moments.pose.character).at(moments.pose, placed)
        outside = np.minimum(outside, away.reshape(outside.shape) - radius + _COARSE)
        eyes = -in_eyes(moments.pose, placed, np.tile(radius, len(shapes)))
        outside = np.minimum(outside, eyes.reshape(outside.shape))
    return outside.min(axis=2).T
