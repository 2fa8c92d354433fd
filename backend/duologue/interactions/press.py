"""Skin that gives way under a hand: dent, rim, drag and return; none stays inside a capsule that tissue lets it out of.

Not a simulation: hand meets face on a known path, and what people notice are collisions, the limits of anatomy and skin that is
pulled along (arXiv 2410.13503). All of it happens within ``indentation.REACH`` of the hand; other vertices move by exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.interactions.indentation import REACH, WIDTH, Capsules, fading, hertz, ring, through
from duologue.interactions.skin_contacts import CLOSE, Contacts, Near, find_contacts, push_out
from duologue.interactions.surface import Skin
from duologue.motion.rotations import einsum, inverse

Array = NDArray[np.float64]
Turns = Callable[[NDArray[np.bool_]], Array]
"""Gives, for some of the vertices (n,), the linear part (T, k, 3, 3) of what takes each from rest to where it is."""

DRAG: Final = 0.5
"""Of the way that a finger slides over the skin, how much the skin goes along…"""
LARGEST_DRAG: Final = 0.006
"""…in metres at most; then it slips."""
RETURN: Final = 0.080
"""Seconds in which what is left of a dent falls to 1/e."""
RIM: Final = 0.75
"""Of the displaced volume that comes out around a dent…"""
LARGEST_RIM: Final = 0.004
"""…in metres at most."""
ROUNDS: Final = 3
_TURNS: Final = 3
_WIDEST: Final = 0.022
"""Metres over which a dent fades on the coarsest mesh."""
_SMOOTH: Final = 2
"""Laplace rounds between two projections."""
_SETTLED: Final = 1e-5
"""Metres that nobody sees: a return that has come so far is over."""
_CHANGE: Final = 0.0006
"""Metres by which a finger that presses may move between two frames in which its dent is worked out…"""
_SLIGHT: Final = 0.0003
"""…where none comes to press by more, or goes…"""
_ROUND: Final = 0.004
"""…a turn by one radian as so many metres…"""
_LONGEST: Final = 4
"""…and frames, at most."""
_CHUNK: Final = 8
"""Frames worked on at once: bounds the memory."""


@dataclass(frozen=True, eq=False)
class Pressed:
    """What a hand did to skin over T frames."""

    skin: Skin
    """The part of it that the hand came near, n vertices."""
    offsets: Array
    """(T, n, 3): how far each vertex is moved, metres, before the skeleton moves it: of the mesh at rest."""
    left: Array
    """(T,): metres that the deepest vertex is still inside a capsule, because tissue gives no further."""


def press(skin: Skin, posed: Array, turns: Turns, capsules: Capsules, fps: float) -> Pressed:
    """Let skin give way to capsules.

    Args:
        skin: what gives way.
        posed: (T, n, 3): where its vertices are in each frame, shapes and bones applied, metres.
        turns: gives, for some of the vertices (n,), the linear part (T, k, 3, 3) of what takes each from rest to there (its
            bones' matrices, blended).
        capsules: the hand's.
        fps: frames a second.
    """
    near, touching = within_reach(skin, posed, capsules)
    skin, posed, capsules = skin.part(near), posed[:, near], capsules.chosen(touching)
    if not near.any():
        return Pressed(skin, np.zeros(posed.shape), np.zeros(len(posed)))
    forth = turns(near)
    back = inverse(forth)
    nears = [(t, Near(skin, posed[t], capsules.part(t))) for t in _chunks(len(posed))]
    contacts = _joined([find_contacts(one) for _, one in nears])
    drag = dragged(contacts, posed, back, capsules)
    keys = _telling(contacts, drag)
    dents = np.zeros((len(keys), *posed.shape[1:]))
    for part in _chunks(len(keys)):
        t = keys[part]
        if contacts.depth[t].any():
            world = _give_way(Near(skin, posed[t], capsules.part(t)), contacts.part(t), forth[t], drag[t])
            dents[part] = einsum("tnij,tnj->tni", back[t], world)
    offsets = relaxed(_between(dents, keys, len(posed)), fps)
    left = np.zeros(len(posed))
    for t, one in nears:  # what trails behind the hand may have come back into it
        world, left[t] = push_out(one, contacts.part(t), einsum("tnij,tnj->tni", forth[t], offsets[t]))
        offsets[t] = einsum("tnij,tnj->tni", back[t], world)
    return Pressed(skin, offsets, left)


def _telling(contacts: Contacts, drag: Array) -> NDArray[np.int64]:
    """Return the frames (k,) that dents are worked out in; in between they change by less than ``_CHANGE``, and evenly.

    A palm on a cheek, and a finger that presses, stay where they are for most of the time.
    """
    deeper = np.abs(np.diff(contacts.depth, axis=0))
    turned = np.linalg.norm(np.diff(contacts.inward, axis=0), axis=-1) * _ROUND
    moved = np.concatenate([deeper, np.linalg.norm(np.diff(drag, axis=0), axis=-1) / DRAG, turned], axis=1)
    moved = np.append(0.0, moved.max(axis=1, initial=0.0))
    touching = contacts.depth > _SLIGHT
    other = np.append(True, (touching[1:] != touching[:-1]).any(axis=1))
    keys, gone = [0], 0.0
    for t in range(1, len(moved)):  # each frame goes on from the one before
        gone += moved[t]
        if (
            other[t]
            or other[min(t + 1, len(other) - 1)]
            or gone > _CHANGE
            or t - keys[-1] >= _LONGEST
            or t == len(moved) - 1
        ):
            keys.append(t)
            gone = 0.0
    return np.array(keys[: len(moved)])


def _between(dents: Array, keys: NDArray[np.int64], frames: int) -> Array:
    """Return dents (T, n, 3) in all frames, given those (k, n, 3) in some, the first and last among them."""
    if len(keys) == frames:
        return dents
    high = np.clip(np.searchsorted(keys, np.arange(frames)), 1, len(keys) - 1)
    low = high - 1
    share = ((np.arange(frames) - keys[low]) / (keys[high] - keys[low]))[:, None, None]
    return (1.0 - share) * dents[low] + share * dents[high]


def within_reach(skin: Skin, posed: Array, capsules: Capsules) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the vertices (n,) of skin at ``posed`` (T, n, 3) within ``REACH`` of capsules that touch it, and which (K,) do."""
    touched = np.array([_touching(skin, *one, capsules.radius) for one in zip(posed, capsules.ends, strict=True)])
    touching = touched.any(axis=0)
    found = np.zeros(posed.shape[1], np.bool_)
    some = capsules.chosen(touching)
    for t in np.flatnonzero(touched.any(axis=1)):
        rows = np.flatnonzero(_in_box(posed[t], some.ends[t], some.radius + REACH) & ~found)
        found[rows] = (some.part(slice(t, t + 1)).apart(posed[t : t + 1, rows])[0] < REACH).any(axis=1)
    return found, touching


def _touching(skin: Skin, points: Array, ends: Array, radius: Array) -> NDArray[np.bool_]:
    """Return which capsules (K,), with ``ends`` (K, 2, 3), are in skin at ``points`` (n, 3), or nearly."""
    beyond, between = float(skin.probes_aside.max(initial=0.0)), len(skin.rest)
    rows = np.flatnonzero(_in_box(points, ends, radius + CLOSE + beyond))
    found = np.zeros(len(radius), np.bool_)
    if not len(rows):
        return found
    apart = Capsules(ends[None], radius).apart(points[None, rows])[0]
    found = apart.min(axis=0) < CLOSE
    unsure = ~found & (apart.min(axis=0) < CLOSE + beyond)
    if unsure.any() and len(skin.probes[0]) > between:  # a point amid a large triangle may be nearer
        near = np.zeros(len(points), np.bool_)
        near[rows] = (apart[:, unsure] < CLOSE + beyond).any(axis=1)
        amid = between + np.flatnonzero(near[skin.probes[0][between:]].any(axis=1))
        probes = einsum("pc,pci->pi", skin.probes[1][amid], points[skin.probes[0][amid]])
        found[unsure] = (Capsules(ends[None, unsure], radius[unsure]).apart(probes[None])[0] < CLOSE).any(axis=0)
    return found


def _in_box(points: Array, ends: Array, margin: Array) -> NDArray[np.bool_]:
    """Return which points (n, 3) are in the box round capsules, with a margin (K,): most of a head is far from the hand."""
    low, high = ends.min(axis=1) - margin[:, None], ends.max(axis=1) + margin[:, None]
    return ((points > low.min(axis=0)) & (points < high.max(axis=0))).all(axis=1)


def dragged(contacts: Contacts, posed: Array, back: Array, capsules: Capsules) -> Array:
    """Return how far (T, K, 3) each capsule has pulled the skin along since it touched, of the mesh at rest.

    Args:
        contacts: where they touch.
        posed: (T, n, 3): where the skin's vertices are.
        back: (T, n, 3, 3): from the world's directions to those at rest, per vertex.
        capsules: where they are.
    """
    frames = np.arange(len(posed))[:, None]
    vertex = np.maximum(contacts.vertex, 0)
    before, share = np.maximum(frames - 1, 0), contacts.along[..., None]
    middle, then = (
        ends[:, :, 0] + share * (ends[:, :, 1] - ends[:, :, 0]) for ends in (capsules.ends, capsules.ends[before[:, 0]])
    )
    slid = middle - then - (posed[frames, vertex] - posed[before, vertex])
    slid = slid - einsum("tki,tki->tk", slid, contacts.inward)[..., None] * contacts.inward
    slid = einsum("tkij,tkj->tki", back[frames, vertex], slid)
    touching = contacts.depth > 0
    pulled = np.zeros(slid.shape)
    for t in range(1, len(pulled)):  # each frame goes on from the one before
        sum_ = np.where((touching[t] & touching[t - 1])[:, None], pulled[t - 1] + DRAG * slid[t], 0.0)
        length = np.linalg.norm(sum_, axis=-1, keepdims=True)
        pulled[t] = sum_ * np.minimum(1.0, LARGEST_DRAG / np.maximum(length, 1e-12))
    return pulled


def relaxed(offsets: Array, fps: float) -> Array:
    """Let offsets (T, n, 3) come over two frames, the first before the touch, and go by ``RETURN``: never less than they are."""

    def at_least(values: Array, other: Array) -> Array:
        size = np.linalg.norm(other, axis=-1, keepdims=True)
        missing = np.maximum(size - np.linalg.norm(values, axis=-1, keepdims=True), 0.0)
        return values + missing * other / np.maximum(size, 1e-12)

    out = at_least(offsets, 0.5 * np.concatenate((offsets[1:], np.zeros_like(offsets[:1]))))
    fade = np.exp(-1.0 / (fps * RETURN))
    for t in range(1, len(out)):  # each frame goes on from the one before
        out[t] = at_least(out[t], fade * out[t - 1])
    out[np.linalg.norm(out, axis=-1) < _SETTLED] = 0.0
    return out


def _give_way(near: Near, contacts: Contacts, turns: Array, drag: Array) -> Array:
    """Return how far (T, n, 3) skin moves in the world for the contacts of each frame alone."""
    skin, capsules = near.skin, near.capsules
    height, aside = near.beside(contacts.inward)
    contact = np.sqrt(capsules.radius * contacts.depth)[:, None]
    beside = np.maximum(aside - contact, 0.0)
    wide = np.clip(2.5 * skin.edge, WIDTH, _WIDEST)[:, None]
    along = through(height - contacts.height[:, None]) * skin.give[:, None] * (contacts.depth > 0)[:, None]
    fade = fading(beside, wide) * along
    depth = np.minimum(contacts.depth[:, None] * hertz(aside, contact) * fade, skin.tissue[:, None])
    # what fingers side by side press adds up, to no more than the deepest of them; from both sides it cancels out
    most = np.maximum(contacts.depth.max(axis=1), 1e-12)[:, None]
    together = most * (1.0 - np.prod(1.0 - depth / most[..., None], axis=-1))
    dent = depth @ contacts.inward / np.maximum(depth.sum(axis=-1), 1e-12)[..., None]
    dent = dent * np.minimum(together, skin.tissue)[..., None]
    pull = fade @ drag / np.maximum(fade.sum(axis=-1), 1.0)[..., None]
    pull = einsum("tnij,tnj->tni", turns, pull * np.minimum(skin.tissue / LARGEST_DRAG, 1.0)[:, None])
    apart = near.apart.min(axis=-1)
    # Laplace's rounds leave what a finger holds where it is, and reach no farther than the hand.
    kept = np.where(apart < 0, 1.0, 0.5)
    drawn = (1.0 - kept) * (1.0 - smoothstep((apart - 0.7 * REACH) / (0.25 * REACH)))
    for _ in range(ROUNDS):
        dent = skin.smoothed(push_out(near, contacts, dent)[0], (kept, drawn), _SMOOTH)
    rim = _rim(skin, dent, ring(beside, wide) * along * contacts.depth[:, None], contacts)
    return push_out(near, contacts, dent - rim + pull)[0]


def _rim(skin: Skin, dent: Array, weight: Array, contacts: Contacts) -> Array:
    """Return what comes out (T, n, 3) round a dent, subtracted from it: ``RIM`` of its volume; ``weight`` (T, n, K): where.

    Dent and rim overlap: of dents d and a rim h w, what goes in less what comes out is sum(A d) - h sum(A w), and is to be
    1 - RIM of what goes in, sum(A max(d - h w, 0)). Solved for h by going on from the last.
    """
    depth, strongest = np.linalg.norm(dent, axis=-1), weight.max(axis=-1)
    displaced = went_in = (skin.area * depth).sum(axis=-1)
    room = np.maximum((skin.area * strongest).sum(axis=-1), 1e-12)
    height = np.zeros(len(dent))
    for _ in range(_TURNS):
        height = (displaced - (1 - RIM) * went_in) / room
        went_in = (skin.area * np.maximum(depth - height[:, None] * strongest, 0.0)).sum(axis=-1)
    height = np.minimum(height[:, None] * strongest, LARGEST_RIM)
    direction = einsum("tnk,tki->tni", weight, contacts.inward)
    length = np.linalg.norm(direction, axis=-1, keepdims=True)
    return height[..., None] * direction / np.maximum(length, 1e-12)


def _chunks(frames: int) -> list[slice]:
    return [slice(first, min(first + _CHUNK, frames)) for first in range(0, frames, _CHUNK)]


def _joined(parts: list[Contacts]) -> Contacts:
    return Contacts(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Contacts)))
