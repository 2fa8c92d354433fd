"""Keeps feet where they stand: the points of the sole that bear weight stop, and let go again, without a jump."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.contact import ContactRule

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FootLockOptions:
    """How feet are held.

    ``rule``: what counts as bearing weight; a little wider than for measuring, as a generated foot that stands may hover or
    slide. ``largest``: metres a foot may be held away from where the motion has it before it is let go. ``rise``: metres a point
    may come up from the lowest since it took hold. ``stop`` and ``release``: frames in which the error falls to 1/e when a
    point takes hold and when it lets go.
    """

    lock: bool = True
    floor: bool = True
    rule: ContactRule = field(default_factory=lambda: ContactRule(0.035, 0.30, 0.06, 0.40))
    largest: float = 0.15
    rise: float = 0.015
    stop: float = 1.5
    release: float = 3.5


AT_REST: Final = FootLockOptions(rule=ContactRule(0.03, 0.12, 0.05, 0.30))
"""For motion whose standing soles are at rest already (``motion.stance``): what creeps is the beginning or the end of a step."""


class FootLock:
    """The state of both performers' soles along a stream. Points are (2 performers, 2 feet, heel and ball, 3), metres.

    Each point follows a critically damped recursion, e[t] = 2 r e[t-1] - r² e[t-2] with r = exp(-1 / frames): towards the place
    where it holds, or towards the motion it left. Both start from the last two places that were put out, hence no jump in
    place or speed; the frame in which a point takes hold is still the motion's, so that what comes to rest by itself is not
    delayed. A free point beside a held one follows that one, so that the foot moves as a whole.
    """

    def __init__(self, options: FootLockOptions, fps: float) -> None:
        self._options, self._fps = options, fps
        self._points: list[Array] = []  # where the points were put, the last two frames
        self._offsets: list[Array] = []  # by how much that differed from the motion
        self._before: Array | None = None  # the motion's own last frame
        self._held = np.zeros((2, 2, 2), np.bool_)
        self._blocked = np.zeros((2, 2, 2), np.bool_)
        self._rolls = np.zeros((2, 2, 2), np.bool_)  # come up by themselves, over the foot's other point
        self._targets = np.zeros((2, 2, 2, 3))
        self._lowest = np.zeros((2, 2, 2))  # the motion's own height of each point since it took hold
        self.given_up = 0
        """How often a point was let go because the motion went too far from it."""

    def push(self, points: Array) -> tuple[Array, Flags]:
        """Take the motion's points (n, 2, 2, 2, 3); return by how much to move each, and which are held."""
        rule = self._options.rule
        first = points[:1] if self._before is None else self._before[None]
        step = np.diff(points[..., [0, 2]], axis=0, prepend=first[..., [0, 2]])
        speed = np.sqrt((step * step).sum(axis=-1)) * self._fps
        height = points[..., 1]
        grips, releases = np.asarray(rule.grips(height, speed)), np.asarray(rule.releases(height, speed))
        if not self._options.lock:
            grips = np.zeros_like(grips)
        offsets, held = np.empty_like(points), np.empty(points.shape[:-1], np.bool_)
        for t, point in enumerate(points):  # a recursion: what is held depends on where it was put the frame before
            offsets[t] = self._step(point, grips[t], releases[t])
            held[t] = self._held
        if len(points):
            self._before = points[-1]
        return offsets, held

    def _step(self, point: Array, grips: Flags, releases: Flags) -> Array:
        if not self._points:
            self._points, self._offsets = [point, point], [np.zeros_like(point), np.zeros_like(point)]
        (p2, p1), (d2, d1) = self._points, self._offsets
        stop, release = np.exp(-1.0 / self._options.stop), np.exp(-1.0 / self._options.release)

        away = self._targets - point
        far = self._held & ((away * away).sum(axis=-1) > self._options.largest**2)
        self.given_up += int(far.sum())
        self._blocked = (self._blocked | far) & ((d1 * d1).sum(axis=-1) > 0.03**2)
        # A heel that comes up to push off must be free to, whatever height it was found standing at, until it is down again.
        up = point[..., 1] - self._lowest
        rises = self._held & (up > self._options.rise)
        self._rolls = (self._rolls | rises) & ~releases & (up > 0.5 * self._options.rise)
        grown = ~self._held & grips & ~self._blocked & ~self._rolls
        self._lowest = np.where(grown, point[..., 1], np.minimum(self._lowest, point[..., 1]))
        held = (self._held & ~releases & ~far & ~rises) | grown
        hold = (held & ~grown)[..., None]
        pull = self._targets + 2.0 * stop * (p1 - self._targets) - stop * stop * (p2 - self._targets) - point
        # What hovers or sinks is put on the floor as a whole; what rises and falls while standing still does.
        pull[..., 1] = -((1.0 - stop) ** 2) * self._lowest + 2.0 * stop * d1[..., 1] - stop * stop * d2[..., 1]
        # The other point of the same foot, where that one is held: free points go with it.
        follow = hold[..., ::-1, :]
        ref = np.where(follow, pull[..., ::-1, :], 0.0)
        ref1, ref2 = np.where(follow, d1[..., ::-1, :], 0.0), np.where(follow, d2[..., ::-1, :], 0.0)
        loose = ref + 2.0 * release * (d1 - ref1) - release * release * (d2 - ref2)
        offset = np.where(hold, pull, loose)
        if self._options.floor:
            offset[..., 1] = np.maximum(offset[..., 1], -point[..., 1])
        offset = np.where(np.abs(offset) < 1e-6, 0.0, offset)
        if grown.any():
            # Where the point comes to rest if its speed dies away at the rate `stop`.
            rest = point + offset + (point + offset - p1) * (stop / (1.0 - stop))
            self._targets = np.where(grown[..., None], rest, self._targets)
        self._held = held
        self._points, self._offsets = [p1, point + offset], [d1, offset]
        return offset
