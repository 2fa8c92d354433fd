"""One performer's motion in a composed dialogue, put together from single people's clips: what the starter learns from.

Nobody in it really talked to anybody. Postures are captured, and so is every stroke; that a stroke falls on a stressed
syllable, that the other listens meanwhile, how an emotion or a role shows, where the eyes go and when the head nods is put
together, by rules that this file, ``gestures``, ``head``, ``staging`` and ``manner`` state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from duologue.datasets.synthesis.body.gestures import Gestures, bear
from duologue.datasets.synthesis.body.head import nod
from duologue.datasets.synthesis.body.library import Library, LibraryClip
from duologue.datasets.synthesis.body.manner import Manner
from duologue.datasets.synthesis.body.pieces import Motion, join
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

_FITTING: Final = {
    "happy": {"joy", "amusement", "excitement", "adoration"},
    "nervous": {"anxiety", "fear", "awkwardness"},
    "angry": {"anger"},
    "tired": {"boredom", "relief"},
    "thoughtful": {"interest", "confusion", "nostalgia", "calmness"},
    "unsure": {"confusion", "awkwardness", "surprise", "calmness"},
}
"""Rocketbox's own emotion words: a clip that has one is used only under these of ours."""

POSTURES: Final = {
    "stand": 0.36, "sit": 0.19, "sit-down": 0.07, "stand-up": 0.05, "walk": 0.06, "walk-in": 0.09, "turn": 0.08,
    "rise-walk": 0.05, "stroll": 0.05,
}  # fmt: skip
"""What somebody does over a pair's length, and how often it is drawn.

``turn``: begins turned away and turns to the partner in place; ``rise-walk``: stands up, walks, stops; ``stroll``: turns away,
walks, stops and turns back; ``walk``: both, side by side, all the time.
"""

ARRIVING: Final = frozenset({"sit-down", "walk-in", "turn", "rise-walk"})
"""Who does one of these *ends* where they are placed."""

_FIDGETS: Final = (
    "scratch", "shake", "yawn", "stretch", "dust", "cough", "finger_nail", "touch", "roll_head", "look_around", "move", "shrug",
)  # fmt: skip
"""Words in the names of clips that belong in pauses; ``Manner.fidgets`` says how often somebody engaged does them."""


@dataclass(frozen=True)
class Part:
    """What one performer does in a dialogue, frame by frame, before it is played: T frames."""

    speaking: NDArray[np.bool_]
    """Has the floor."""
    stress: NDArray[np.intp]
    """Frames of stressed syllables."""
    prominence: NDArray[np.floating]
    """How far the speaker leans on the word that is said; 0 where none is known."""
    partner_speaking: NDArray[np.bool_]
    posture: str
    """One of ``POSTURES``."""
    emotion: str
    gender: str
    """"m" or "f": whose clips."""
    manner: Manner = field(default_factory=Manner)
    pace: float = 0.0
    """Metres a second of a walk; 0 leaves it as captured."""


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
        self._gestures = Gestures(library, skeleton, rng)

    def perform(self, part: Part) -> Motion:
        """Return one performer's motion: a posture, gestures on it where they speak, and the bearing of emotion and role."""
        motion = self._base(part, len(part.speaking))
        motion = self._gestures.set(motion, part.speaking, part.stress, part.prominence, part.manner, part.gender)
        return bear(motion, part.manner, self.skeleton)

    def nods(self, motion: Motion, part: Part) -> Motion:
        """Set beats of the head on stresses, and nods where the partner pauses or goes on: posed, not captured."""
        rng, dips = self.rng, list[tuple[int, float, int]]()
        dips += [
            (int(f), float(rng.uniform(0.035, 0.1)), 9) for f in part.stress if rng.random() < 0.3 * part.manner.rate
        ]
        within = np.flatnonzero(part.partner_speaking & ~part.speaking)
        ends = np.flatnonzero(np.diff(part.partner_speaking.astype(int)) == -1)
        moments = [*ends, *(rng.choice(within, size=len(within) // 100) if len(within) else [])]
        for frame in moments:
            if rng.random() < 0.5 * part.manner.nods:
                size, period = float(rng.uniform(0.05, 0.16)), int(rng.integers(9, 15))
                dips += [(int(frame) + k * period, size * 0.75**k, period) for k in range(int(rng.integers(1, 4)))]
        return nod(motion, self.skeleton, dips)

    def _pick(
        self,
        kind: str,
        part: Part,
        where: Callable[[LibraryClip], bool] = lambda _: True,
        *,
        engaged: bool = False,
        mirrored: bool | None = None,
    ) -> Motion:
        """Draw a clip of a kind that fits gender and emotion; half are mirrored, all stretched by the tempo and up to 10 %."""
        calm = self.rng.random() >= part.manner.fidgets * (1.0 if engaged else 2.5)
        clips = [clip for clip in self.library[kind] if where(clip) and clip.gender in ("", part.gender)]
        clips = clips or [clip for clip in self.library[kind] if where(clip)] or self.library[kind]
        quiet = [clip for clip in clips if not any(word in clip.name for word in _FIDGETS)]
        clips = quiet if calm and quiet else clips
        fitting = [c for c in clips if not c.emotion or part.emotion in _FITTING.get(c.emotion, {part.emotion})]
        clips = fitting or clips
        motion = clips[int(self.rng.integers(len(clips)))].motion
        if self.rng.random() < 0.5 if mirrored is None else mirrored:
            motion = motion.mirrored(self.skeleton)
        stretch = float(self.rng.uniform(0.94, 1.08)) / part.manner.tempo
        if kind == "walk" and part.pace:
            stretch = float(np.clip(_speed(motion) / part.pace, 0.75, 1.4))
        return motion.stretched(stretch)

    def _base(self, part: Part, frames: int) -> Motion:
        change = int(frames * self.rng.uniform(0.2, 0.55))
        mirrored = bool(self.rng.random() < 0.5)
        pieces: list[Motion] = []

        def one(kind: str, where: Callable[[LibraryClip], bool] = lambda _: True) -> Motion:
            return self._pick(kind, part, where, mirrored=mirrored)

        def stride(low: int, high: int) -> list[Motion]:
            return [one("walk", lambda clip: "rocketbox/" in clip.name)] * int(self.rng.integers(low, high))

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
                pieces = [*stride(2, 6), one("walk-stop")]
                pieces += self._standing(part, _length(pieces), frames)
            case "turn":
                pieces = [*self._standing(part, 0, int(0.7 * change)), one("turn", _in_place)]
                pieces += self._standing(part, _length(pieces), frames)
            case "rise-walk":
                pieces = [*self._seated(part, 0, int(0.7 * change)), one("stand-up"), one("walk-start")]
                pieces += [*stride(1, 4), one("walk-stop")]
                pieces += self._standing(part, _length(pieces), frames)
            case "stroll":
                pieces = [*self._standing(part, 0, int(0.6 * change)), one("turn", lambda clip: not _in_place(clip))]
                pieces += [*stride(1, 4), one("walk-stop"), one("turn", _in_place)]
                pieces += self._standing(part, _length(pieces), frames)
            case _:
                pieces = self._standing(part, 0, frames)
        return join(pieces).cut(0, frames)

    def _standing(self, part: Part, start: int, stop: int) -> list[Motion]:
        """Either one long take of waiting (ReactIdle), or captured idles and listening that follow who speaks (Rocketbox)."""
        pieces: list[Motion] = []
        at = start
        if self.rng.random() < 0.35:
            while at < stop or not pieces:
                piece = self._pick("idle", part, lambda clip: clip.name.startswith("reactidle"))
                pieces.append(piece.cut(int(self.rng.integers(0, len(piece) // 3)), len(piece)))
                at += len(pieces[-1])
            return [*pieces[:-1], pieces[-1].cut(0, max(20, len(pieces[-1]) - max(0, at - stop)))]
        while at < stop or not pieces:
            here = min(at, len(part.speaking) - 1)
            listens = part.partner_speaking[here] and not part.speaking[here]
            kind = "listen" if listens and self.rng.random() < 0.75 else "idle"
            if part.speaking[here] and self.rng.random() < 0.15:
                kind = "present"
            if part.emotion in ("amusement", "joy") and self.rng.random() < 0.15:
                kind = "laugh"
            engaged = bool(part.speaking[here] or part.partner_speaking[here])
            piece = self._pick(kind, part, lambda clip: clip.name.startswith("rocketbox"), engaged=engaged)
            # A listener who gets the turn does not finish listening first, and a speaker who has lost it stops presenting.
            changes = np.flatnonzero(part.speaking[here + 1 :] != part.speaking[here])
            if kind in ("listen", "present") and len(changes):
                piece = piece.cut(0, max(20, int(changes[0]) + int(self.rng.integers(0, 20))))
            pieces.append(piece)
            at += len(piece)
        return pieces

    def _seated(self, part: Part, start: int, stop: int) -> list[Motion]:
        pieces: list[Motion] = []
        at = start
        while at < stop or not pieces:
            here = min(at, len(part.speaking) - 1)
            engaged = bool(part.speaking[here] or part.partner_speaking[here])
            pieces.append(self._pick("sit-gesture" if self.rng.random() < 0.1 else "sit", part, engaged=engaged))
            at += len(pieces[-1])
        return pieces

    def _walking(self, part: Part, frames: int) -> list[Motion]:
        """A captured walk of several seconds, or one captured cycle again and again, kept straight."""
        cycle = self._pick("walk", part)
        drift = np.array([0.0, 0.0, cycle.steps[:, 2].mean()])
        return [replace(cycle, steps=cycle.steps - drift)] * max(1, -(-frames // len(cycle)))


def _in_place(clip: LibraryClip) -> bool:
    return not clip.name.endswith("_to_walk")


def _speed(motion: Motion) -> float:
    """Metres a second over the floor."""
    return float(np.hypot(*motion.steps[:, :2].sum(axis=0))) / len(motion) * FPS


def _length(pieces: Sequence[Motion]) -> int:
    return sum(len(piece) for piece in pieces)
