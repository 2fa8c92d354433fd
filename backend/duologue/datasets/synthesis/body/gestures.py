"""Captured strokes set on stressed syllables, one running into the next, and the bearing that emotion and role give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.readers.kit_motion import Marks
from duologue.datasets.synthesis.body.library import Library, LibraryClip, hand_joints
from duologue.datasets.synthesis.body.manner import Manner
from duologue.datasets.synthesis.body.pieces import Array, Motion, add, envelope, overlay
from duologue.motion.rotations import exp_to_quat, quat_multiply
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

_PACE = 0.9
"""Seconds between the emphases of a speaker whose rate is 1, on average; at least ``_SOONEST``."""
_SOONEST = 0.65
_PATIENCE = 0.6
"""Seconds that a stroke may be late for a word that is leant on more."""
_HASTE = 0.3
"""By how much more a word must be leant on to be worth a second's wait."""
_HOLD = 36
"""Frames that arms stay where a stroke ended if another follows; beyond that they go back to rest."""


_SEATED = 0.7
"""Metres of hip height below which somebody sits."""


@dataclass(frozen=True)
class Stroke:
    """A gesture as it will be played: ``rotations`` (n, J, 4) from frame ``start``, in the time of the dialogue."""

    rotations: Array
    start: int
    marks: Marks
    hands: str


class Gestures:
    """Chooses strokes for somebody's stressed syllables and sets them on a posture."""

    def __init__(self, library: Library, skeleton: Skeleton, rng: np.random.Generator) -> None:
        self._clips = [clip for clip in library["gesture"] if clip.marks]
        self._skeleton, self._rng = skeleton, rng
        self._trunk = skeleton.indices("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head")
        self._arms = {
            side[0]: (
                skeleton.indices(f"{side}Shoulder", f"{side}Arm"),
                skeleton.indices(f"{side}ForeArm"),
                [*skeleton.indices(f"{side}Hand"), *hand_joints(skeleton, side)],
            )
            for side in ("Left", "Right")
        }

    def set(  # noqa: PLR0917
        self,
        motion: Motion,
        speaking: NDArray[np.bool_],
        stress: NDArray[np.intp],
        prominence: NDArray[np.floating],
        manner: Manner,
        gender: str,
    ) -> Motion:
        """Return the motion with strokes whose emphasis falls on stressed frames, those of prominent words before others.

        ``speaking`` (T,), ``stress`` frames, ``prominence`` (T,) of the words, 0 where none is known.

        In a turn, strokes follow each other about every ``_PACE`` / rate seconds. Arms hold where a stroke ended while another is
        near (McNeill's post-stroke hold), and go back to rest when the turn ends.
        """
        for begin, end in _spans(speaking):
            own = stress[(stress >= begin) & (stress < end)]
            # A word or two of agreement seldom has a gesture.
            if not len(own) or (end - begin < 25 and self._rng.random() < 0.5):
                continue
            strokes = list(self._choose(own, prominence, begin, manner, gender))
            for stroke, after in zip_longest(strokes, strokes[1:]):
                motion = self._play(motion, stroke, after, end, manner)
        return motion

    def _choose(
        self, stress: NDArray[np.intp], prominence: NDArray[np.floating], begin: int, manner: Manner, gender: str
    ) -> Iterator[Stroke]:
        clips = [clip for clip in self._clips if clip.gender in ("", gender)] or self._clips
        # Someone subdued may let the first syllables pass.
        at = begin + FPS * max(0.0, float(self._rng.exponential(0.8 / manner.rate)) - 0.5)
        while len(soon := stress[stress >= at]):
            soon = soon[soon <= soon[0] + _PATIENCE * FPS]
            frame = int(soon[np.argmax(prominence[soon] - _HASTE / FPS * (soon - soon[0]))])
            yield self._stroke(clips[int(self._rng.integers(len(clips)))], frame, manner)
            wait = _PACE / manner.rate - _SOONEST
            at = frame + FPS * (_SOONEST + float(self._rng.gamma(2.0, max(0.1, wait) / 2)))

    def _stroke(self, clip: LibraryClip, emphasis: int, manner: Manner) -> Stroke:
        marks = clip.marks
        assert marks is not None
        mirrored = self._rng.random() < 0.5
        motion = clip.motion.mirrored(self._skeleton) if mirrored else clip.motion
        hands = clip.hands.translate({76: "R", 82: "L"}) if mirrored else clip.hands
        factor = float(self._rng.uniform(0.94, 1.06)) / manner.tempo
        motion = motion.stretched(factor)
        frames = [round(f * factor) for f in (marks.ready, marks.start, marks.emphasis, marks.end, marks.relax)]
        return Stroke(motion.rotations, emphasis - frames[2], Marks(*frames), hands)

    def _play(self, motion: Motion, stroke: Stroke, after: Stroke | None, turn_end: int, manner: Manner) -> Motion:
        marks, over = stroke.marks, stroke.rotations
        slowest = max(8, round(12 / manner.tempo))
        # Until when the arms are needed: the next preparation if it is near, else the end of the stroke or of the turn.
        following = after.start + after.marks.start - stroke.start if after else 0
        hold = following - marks.end if after and 0 < following - marks.end <= _HOLD else 0
        back = np.arange(marks.end, len(over))
        if motion.height[min(max(0, stroke.start + marks.end), len(motion) - 1)] < _SEATED:
            back = np.full(
                len(back), marks.end
            )  # captured hands go back to hang beside a standing body; a lap is elsewhere
        index = np.concatenate([np.arange(marks.end), np.full(hold, marks.end), back])
        over = over[np.minimum(index, len(over) - 1)]
        late = max(marks.emphasis + 8, turn_end + int(self._rng.integers(0, 12)) - stroke.start)
        leave = min(marks.end + hold, late)
        # A stroke's own rise and fall, with at least a quarter of a second each way so that arms are not flung.
        rise = (marks.ready, max(marks.start, marks.ready + slowest))
        fall = (leave, max(leave + slowest + 6, min(marks.relax + hold, leave + 30)))
        n = max(len(over), fall[1] + 1)
        over = over[np.minimum(np.arange(n), len(over) - 1)]
        weight = envelope(n, rise, fall)
        skip = max(0, -stroke.start)
        over, weight, start = over[skip:], weight[skip:], stroke.start + skip
        if start >= len(motion):
            return motion
        for hand in stroke.hands:
            upper, elbow, fingers = self._arms[hand]
            motion = overlay(motion, over, upper, start, manner.size * weight)
            motion = overlay(motion, over, elbow, start, min(1.0, 0.4 + 0.6 * manner.size) * weight)
            motion = overlay(motion, over, fingers, start, weight)
        return add(motion, over, self._trunk, start, 0.8 * manner.size * weight)


def bear(motion: Motion, manner: Manner, skeleton: Skeleton) -> Motion:
    """Lean the trunk, open or close the chest, lift the shoulders: ``manner``'s degrees, over the whole motion.

    Eyes stay level: what the trunk pitches, the neck takes back. The head's own pitch is ``head.look``'s.
    """
    rotations = motion.rotations.copy()

    def turn(name: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        joint = skeleton.index(name)
        rotations[:, joint] = quat_multiply(exp_to_quat(np.radians([x, y, z])), rotations[:, joint])

    chest = -0.6 * manner.open
    for name, share in (("Spine", 0.35), ("Spine1", 0.25), ("Spine2", 0.2), ("Spine3", 0.2)):
        turn(name, x=share * manner.lean + (0.5 * chest if name in ("Spine2", "Spine3") else 0.0))
    for name, share in (("Neck", 0.4), ("Neck1", 0.3), ("Head", 0.3)):
        turn(name, x=-share * (manner.lean + chest))
    # Arms brought to the trunk would soon be in it.
    aside = 1.6 * manner.open if manner.open > 0 else 0.5 * manner.open
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        turn(f"{side}Shoulder", y=sign * 0.8 * manner.open, z=sign * 1.5 * manner.lift)
        turn(f"{side}Arm", z=sign * (aside - 1.5 * manner.lift))
    return replace(motion, rotations=rotations)


def _spans(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, one past the last) frame of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
