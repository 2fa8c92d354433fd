"""A pair's dialogue composed from single people's clips: what the starter checkpoint learns from, and no more than that.

Nobody in it really talked to anybody. Postures are captured, and so is every stroke; that a stroke falls on a stressed syllable,
that the other listens meanwhile, where the eyes go and when the head nods is put together here, by rules that this file states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from duologue.body import poses
from duologue.datasets.kit_motions import KitClip, Library, hand_joints
from duologue.datasets.motions import Array, Motion, add, envelope, join, overlay
from duologue.motion.rotations import exp_to_quat, quat_multiply, quat_rotate
from duologue.motion.skeleton import Skeleton
from duologue.take import FPS

LIVELY: Final = frozenset(
    {"surprise", "excitement", "horror", "anger", "joy", "amusement", "pain", "fear", "adoration"}
)
SUBDUED: Final = frozenset(
    {"sadness", "boredom", "nostalgia", "relief", "entrancement", "awkwardness", "aesthetic appreciation"}
)
_FITTING: Final = {
    "happy": {"joy", "amusement", "excitement", "adoration"},
    "nervous": {"anxiety", "fear", "awkwardness"},
    "angry": {"anger"},
    "tired": {"boredom", "relief"},
    "thoughtful": {"interest", "confusion", "nostalgia", "calmness"},
    "unsure": {"confusion", "awkwardness", "surprise", "calmness"},
}
"""Rocketbox's own emotion words: a clip that has one is used only under these of ours."""

POSTURES: Final = {"stand": 0.50, "sit": 0.20, "sit-down": 0.07, "stand-up": 0.07, "walk": 0.08, "walk-in": 0.08}

_FIDGETS: Final = (
    "scratch", "shake", "yawn", "stretch", "dust", "cough", "finger_nail", "touch", "roll_head", "look_around", "move", "shrug",
)  # fmt: skip
"""Words in the names of clips that belong in pauses: whoever speaks or listens has better things to do nine times in ten."""

ARRIVING: Final = frozenset({"sit-down", "walk-in"})


@dataclass(frozen=True)
class Part:
    """What one performer does in a dialogue, frame by frame, before it is played: T frames."""

    speaking: NDArray[np.bool_]
    """Has the floor."""
    stress: NDArray[np.intp]
    """Frames of stressed syllables."""
    partner_speaking: NDArray[np.bool_]
    posture: str
    """One of ``POSTURES``."""
    emotion: str
    gender: str
    """"m" or "f": whose clips."""


def stressed_frames(energy: NDArray[np.floating], speaking: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the frames where a speaker's energy (T,), log scale, peaks above its surroundings: the stressed syllables."""
    smooth = gaussian_filter1d(energy.astype(np.float64), 1.5)
    spread = smooth[speaking].std() if speaking.any() else 0.0
    peaks, _ = find_peaks(smooth, prominence=max(0.5 * spread, 1e-3), distance=9)
    return peaks[speaking[peaks]]


class Composer:
    """Puts clips of a ``Library`` together. One random generator drives every choice."""

    def __init__(self, library: Library, skeleton: Skeleton, rng: np.random.Generator) -> None:
        self.library, self.skeleton, self.rng = library, skeleton, rng
        self._head = skeleton.indices("Spine3", "Neck", "Neck1", "Head")
        self._trunk = skeleton.indices("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head")
        arm = ("Shoulder", "Arm", "ForeArm", "Hand")
        self._arms = {
            side[0]: [*skeleton.indices(*(side + joint for joint in arm)), *hand_joints(skeleton, side)]
            for side in ("Left", "Right")
        }

    def perform(self, part: Part) -> Motion:
        """Return one performer's motion: a posture, gestures on it where they speak, nods where they listen."""
        frames = len(part.speaking)
        motion = self._base(part, frames)
        motion = self._gesture(motion, part)
        return self._nod(motion, part)

    def look(self, motion: Motion, path: Array, partner_path: Array, part: Part) -> Motion:
        """Turn the head to the partner for stretches of time: 85 % of listening and 55 % of speaking, at most 70 degrees."""
        frames = len(motion)
        wanted = np.zeros(frames)
        at = 0
        while at < frames:
            length = int(FPS * self.rng.uniform(0.8, 4.0))
            share = 0.55 if part.speaking[at : at + length].mean() > 0.5 else 0.85
            wanted[at : at + length] = float(self.rng.random() < share)
            at += length
        wanted = gaussian_filter1d(wanted, 4.0, mode="nearest")
        away = partner_path[:, :2] - path[:, :2]
        bearing = np.arctan2(away[:, 0], away[:, 1]) - path[:, 2]
        bearing = (bearing + np.pi) % (2 * np.pi) - np.pi
        forward = _head_forward(motion, self.skeleton)
        turn = np.clip(bearing - np.arctan2(forward[:, 0], forward[:, 2]), -1.22, 1.22)
        # Someone behind is not looked at over the shoulder for long: the wish fades beyond what a neck allows.
        turn = gaussian_filter1d(turn * wanted * np.clip(2.6 - np.abs(bearing), 0, 1), 3.0, mode="nearest")
        rotations = motion.rotations.copy()
        for joint, portion in zip(self._head, (0.15, 0.2, 0.25, 0.4), strict=True):
            yaw = exp_to_quat(np.stack([np.zeros(frames), portion * turn, np.zeros(frames)], axis=-1))
            rotations[:, joint] = quat_multiply(yaw, rotations[:, joint])
        return replace(motion, rotations=rotations)

    def _pick(
        self, kind: str, part: Part, where: Callable[[KitClip], bool] = lambda _: True, *, engaged: bool = False
    ) -> Motion:
        """Draw a clip of a kind that fits the performer's gender and emotion; half are mirrored, all stretched by up to 10 %."""
        calm = engaged and self.rng.random() < 0.9
        clips = [
            clip
            for clip in self.library[kind]
            if where(clip)
            and clip.gender in ("", part.gender)
            and not (calm and any(word in clip.name for word in _FIDGETS))
        ]
        fitting = [c for c in clips if not c.emotion or part.emotion in _FITTING.get(c.emotion, {part.emotion})]
        clips = fitting or clips or self.library[kind]
        motion = clips[int(self.rng.integers(len(clips)))].motion
        if self.rng.random() < 0.5:
            motion = motion.mirrored(self.skeleton)
        return motion.stretched(float(self.rng.uniform(0.92, 1.1)))

    def _base(self, part: Part, frames: int) -> Motion:
        change = int(frames * self.rng.uniform(0.25, 0.65))
        pieces: list[Motion] = []
        match part.posture:
            case "sit-down":
                pieces = [*self._standing(part, 0, change), self._pick("sit-down", part)]
                pieces += self._seated(part, _length(pieces), frames)
            case "stand-up":
                pieces = [*self._seated(part, 0, change), self._pick("stand-up", part)]
                pieces += self._standing(part, _length(pieces), frames)
            case "sit":
                pieces = self._seated(part, 0, frames)
            case "walk":
                pieces = self._walking(part, frames)
            case "walk-in":
                pieces = self._walking(part, min(frames, int(FPS * self.rng.uniform(1.5, 4.0))))
                pieces.append(self._pick("walk-stop", part))
                pieces += self._standing(part, _length(pieces), frames)
            case _:
                pieces = self._standing(part, 0, frames)
        return join(pieces).cut(0, frames)

    def _standing(self, part: Part, start: int, stop: int) -> list[Motion]:
        """Either one long take of waiting (ReactIdle), or captured idles and listening that follow who speaks (Rocketbox)."""
        pieces: list[Motion] = []
        at = start
        if self.rng.random() < 0.45:
            while at < stop:
                piece = self._pick("idle", part, lambda clip: clip.name.startswith("reactidle"))
                pieces.append(piece.cut(int(self.rng.integers(0, len(piece) // 3)), len(piece)))
                at += len(pieces[-1])
            return pieces
        while at < stop:
            here = min(at, len(part.speaking) - 1)
            listens = part.partner_speaking[here] and not part.speaking[here]
            kind = "listen" if listens and self.rng.random() < 0.75 else "idle"
            if part.speaking[here] and self.rng.random() < 0.15:
                kind = "present"
            if part.emotion in ("amusement", "joy") and self.rng.random() < 0.15:
                kind = "laugh"
            engaged = part.speaking[here] or part.partner_speaking[here]
            piece = self._pick(kind, part, lambda clip: clip.name.startswith("rocketbox"), engaged=engaged)
            # A listener who gets the turn does not finish listening first.
            changes = np.flatnonzero(part.speaking[here + 1 :] != part.speaking[here])
            if kind == "listen" and len(changes):
                piece = piece.cut(0, max(20, int(changes[0]) + int(self.rng.integers(0, 20))))
            pieces.append(piece)
            at += len(piece)
        return pieces

    def _seated(self, part: Part, start: int, stop: int) -> list[Motion]:
        pieces: list[Motion] = []
        at = start
        while at < stop or not pieces:
            here = min(at, len(part.speaking) - 1)
            engaged = part.speaking[here] or part.partner_speaking[here]
            pieces.append(self._pick("sit-gesture" if self.rng.random() < 0.1 else "sit", part, engaged=engaged))
            at += len(pieces[-1])
        return pieces

    def _walking(self, part: Part, frames: int) -> list[Motion]:
        """A captured walk of several seconds, or one captured cycle again and again."""
        cycle = self._pick("walk", part)
        return [cycle] * max(1, -(-frames // len(cycle)))

    def _gesture(self, motion: Motion, part: Part) -> Motion:
        """Set captured gestures so that their emphasis falls on stressed syllables; lively emotions gesture more."""
        liveliness = 1.0 if part.emotion in LIVELY else 0.45 if part.emotion in SUBDUED else 0.75
        arms_free = 0
        for frame in part.stress:
            if self.rng.random() < 0.3:
                motion = self._beat_of_head(motion, int(frame))
            if frame < arms_free or self.rng.random() > 0.8 * liveliness:
                continue
            clips = [clip for clip in self.library["gesture"] if clip.gender in ("", part.gender) and clip.marks]
            clip = clips[int(self.rng.integers(len(clips)))]
            marks = clip.marks
            start = int(frame) - marks.emphasis if marks else -1
            if not marks or start + marks.ready < max(0, arms_free - 10):
                continue
            mirrored = self.rng.random() < 0.5
            gesture = clip.motion.mirrored(self.skeleton) if mirrored else clip.motion
            hands = clip.hands.translate({76: "R", 82: "L"}) if mirrored else clip.hands
            joints = [joint for hand in hands for joint in self._arms[hand]]
            # A stroke's own rise and fall, with at least a quarter of a second each way so that arms are not flung.
            rise = (marks.ready, max(marks.start, marks.ready + 8))
            fall = (min(marks.end, marks.relax - 10), marks.relax + 4)
            weight = envelope(len(gesture), rise, fall)
            skip = max(0, -start)
            motion = overlay(motion, gesture.rotations[skip:], joints, start + skip, weight[skip:])
            motion = add(motion, gesture.rotations[skip:], self._trunk, start + skip, 0.7 * weight[skip:])
            arms_free = start + marks.end
        return motion

    def _beat_of_head(self, motion: Motion, frame: int) -> Motion:
        """A nod of 2 to 6 degrees that is lowest on the stressed frame: posed, not captured."""
        return self._dip(motion, frame, float(self.rng.uniform(0.035, 0.1)), 9)

    def _nod(self, motion: Motion, part: Part) -> Motion:
        """Nods of two or three dips (posed) where the partner pauses or stresses and this performer listens."""
        listening = part.partner_speaking & ~part.speaking
        ends = np.flatnonzero(np.diff(part.partner_speaking.astype(int)) == -1)
        within = np.flatnonzero(listening)
        asked = [*ends, *self.rng.choice(within, size=len(within) // 150)] if len(within) else list(ends)
        for frame in asked:
            if self.rng.random() < 0.6:
                size, period = float(self.rng.uniform(0.05, 0.16)), int(self.rng.integers(9, 15))
                for k in range(int(self.rng.integers(1, 4))):
                    motion = self._dip(motion, int(frame) + k * period, size * 0.75**k, period)
        return motion

    def _dip(self, motion: Motion, frame: int, angle: float, width: int) -> Motion:
        """Pitch the head forward by ``angle`` for ``width`` frames around ``frame``."""
        first = frame - width // 2
        low, high = max(0, first), min(len(motion), first + width)
        if high - low < 2:
            return motion
        shape = angle * np.sin(np.pi * (np.arange(low, high) - first + 0.5) / width) ** 2
        rotations = motion.rotations.copy()
        for joint, portion in zip(self._head[1:], (0.25, 0.25, 0.5), strict=True):
            pitch = exp_to_quat(np.stack([portion * shape, 0 * shape, 0 * shape], axis=-1))
            rotations[low:high, joint] = quat_multiply(pitch, rotations[low:high, joint])
        return replace(motion, rotations=rotations)


def place(rng: np.random.Generator, walking: bool = False) -> Array:
    """Draw where the two begin, (2, 3) x, z, heading: face to face (60 %), side by side (20 %), apart (20 %); 0.8 to 3.5 m."""
    kind = rng.random()
    if walking or kind > 0.8:
        distance = rng.uniform(0.7, 1.2) if walking else rng.uniform(0.8, 1.4)
        inward = rng.uniform(0.0, 0.15) if walking else rng.uniform(0.1, 0.7)  # side by side, turned in a little
        headings = np.array([inward, -inward])
    else:
        distance = rng.uniform(0.8, 1.7) if kind < 0.6 else rng.uniform(1.7, 3.5)
        headings = np.array([np.pi / 2, -np.pi / 2]) + rng.normal(0, 0.25 if kind < 0.6 else 0.5, 2)
    starts = np.array([[-distance / 2, 0, headings[0]], [distance / 2, 0, headings[1]]])
    yaw = rng.uniform(-np.pi, np.pi)
    sine, cosine = np.sin(yaw), np.cos(yaw)
    turned = np.stack(
        [cosine * starts[:, 0] + sine * starts[:, 1], cosine * starts[:, 1] - sine * starts[:, 0]], axis=-1
    )
    return np.concatenate([turned, starts[:, 2:] + yaw], axis=-1)


def compose_pair(composer: Composer, parts: Sequence[Part], starts: Array) -> tuple[list[Motion], Array]:
    """Return both motions and their root paths (2, T, 3).

    ``starts`` (2, 3) is where they begin; who walks in or sits down *ends* there, so that they arrive with their partner.
    """
    motions = [composer.perform(part) for part in parts]
    paths = np.stack(
        [
            _arriving(motion, start) if part.posture in ARRIVING else motion.path(start)
            for motion, start, part in zip(motions, starts, parts, strict=True)
        ]
    )
    looked = [composer.look(motions[i], paths[i], paths[1 - i], parts[i]) for i in range(2)]
    return looked, paths


def _arriving(motion: Motion, end: Array) -> Array:
    """Return the path (T, 3) that ends at ``end`` (3,)."""
    path = motion.path((0.0, 0.0, 0.0))
    turn = end[2] - path[-1, 2]
    sine, cosine = np.sin(turn), np.cos(turn)
    away = path[:, :2] - path[-1, :2]
    x, z = cosine * away[:, 0] + sine * away[:, 1], cosine * away[:, 1] - sine * away[:, 0]
    return np.stack([end[0] + x, end[1] + z, path[:, 2] + turn], axis=-1)


def _head_forward(motion: Motion, skeleton: Skeleton) -> Array:
    """Where the head points, (T, 3), in the heading frame."""
    turn = motion.rotations[:, 0]
    for name in ("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head"):
        turn = quat_multiply(turn, motion.rotations[:, skeleton.index(name)])
    return np.asarray(quat_rotate(turn, np.array([0.0, 0.0, 1.0])), np.float64)


def _length(pieces: Sequence[Motion]) -> int:
    return sum(len(piece) for piece in pieces)


def world(motions: Sequence[Motion], paths: Array) -> tuple[Array, Array]:
    """Return world hips (2, T, 3) and exponential maps (2, T, J, 3) of a composed pair."""
    root, rotations = poses.to_world(np.stack([motion.features() for motion in motions]), paths)
    return np.asarray(root, np.float64), np.asarray(rotations, np.float64)
