"""A script read aloud by two voices: two tracks as long as each other, and when every word and phone is said.

Who speaks next begins 0.2 s after the other's end: the mean of the gaps between turns over ten languages (Stivers et al., PNAS
106, 2009: 208 ms after questions). The script moves it: a pause, a beat; "/" in the speech before, at which this one begins; "—"
at its end, which this one cuts off; Fountain's dual dialogue, which begins together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.errors import DuologueError, invalid
from duologue.script.directions import Direction, direction_of
from duologue.script.speech import Script, ScriptSpeech
from duologue.speech.resample import resample
from duologue.units import Sound
from duologue.voices.voice import Spoken, Voice, moved

RATE: Final = 24_000
MAX_SECONDS: Final = 1_800.0
_TURN, _OWN, _CUT, _BREATH = 0.2, 0.35, -0.15, 0.1
"""Seconds between two people's turns; between one person's own; from the end of a speech that is cut off; the least between
one person's own when somebody spoke meanwhile."""
_LEAD, _TAIL = 0.5, 0.9
"""Seconds of quiet before the first word and after the last."""
_MARGIN: Final = (0.04, 0.08)
"""Seconds of sound that are kept before a speech's first word and after its last."""
_FADE: Final = 0.02
_LOUDNESS: Final = 0.1
"""Root mean square that every speech is brought to before its direction makes it softer or louder."""
_PEAK: Final = 0.8
_LAUGH: Final = "Ha ha ha ha!"
_CUTS: Final = ("—", "--", "–", "-")


@dataclass(frozen=True)
class Turn:
    """One speech of the script, as it was said."""

    speech: ScriptSpeech
    direction: Direction
    start: float
    spoken: Spoken

    @property
    def end(self) -> float:
        """Seconds."""
        return self.start + self.spoken.seconds


@dataclass(frozen=True)
class Recording:
    """Both tracks, their words, and the turns in the order in which they begin."""

    sounds: tuple[Sound, Sound]
    words: tuple[tuple[Word, ...], tuple[Word, ...]]
    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()


def record(
    script: Script, voices: Mapping[str, Voice], on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Recording:
    """Have a script read aloud; ``voices`` by the names of its cast. ``on_progress``: speeches said, and all of them.

    What a voice can't say is found before the first word is spoken.

    Raises:
        DuologueError: INVALID_ARGUMENT ``voice-cannot-say`` with the script's line, ``script-long``; what the voices raise.
    """
    for speech in script.speeches:
        try:
            voices[speech.speaker].check(speech.text)
        except DuologueError as error:
            raise DuologueError(error.code, error.reason, error.message, field=f"line {speech.where}") from error
    turns: list[Turn] = []
    unknown: list[str] = []
    for index, speech in enumerate(script.speeches):
        on_progress(index, len(script.speeches))
        direction = direction_of(speech.directions)
        unknown += direction.unknown
        spoken = _said(speech, direction, voices[speech.speaker])
        turns.append(Turn(speech, direction, _start(turns, speech, direction), spoken))
        if turns[-1].end > MAX_SECONDS:
            what = (
                f"is longer than {MAX_SECONDS / 60:.0f} minutes from line {speech.where} on; perform it scene by scene"
            )
            raise invalid("script-long", what)
    on_progress(len(script.speeches), len(script.speeches))
    seconds = max(turn.end for turn in turns) + _TAIL
    tracks = [_track([turn for turn in turns if turn.speech.speaker == name], seconds) for name in script.cast]
    words = [
        tuple(moved(word, turn.start) for turn in turns if turn.speech.speaker == name for word in turn.spoken.words)
        for name in script.cast
    ]
    return Recording((tracks[0], tracks[1]), (words[0], words[1]), tuple(turns), _notes(unknown))


def _start(turns: Sequence[Turn], speech: ScriptSpeech, direction: Direction) -> float:
    """Return when a speech begins."""
    if not turns:
        return _LEAD + direction.pause
    before = turns[-1]
    own_end = max((turn.end for turn in turns if turn.speech.speaker == speech.speaker), default=0.0)
    if before.speech.speaker == speech.speaker:
        # What somebody else says meanwhile (a "mm-hm" at a slash) does not hold them up.
        return before.end + (_OWN if not direction.pause else 0.0) + direction.pause
    if speech.dual:
        start = before.start
    elif 0 < (behind := _behind_slash(before.speech.text)) <= len(before.spoken.words):
        start = before.start + before.spoken.words[-behind].start
    elif before.speech.text.endswith(_CUTS):
        start = before.end + _CUT
    else:
        start = max(turn.end for turn in turns) + _TURN
    return max(start + direction.pause, own_end + _BREATH)


def _behind_slash(text: str) -> int:
    """Return how many words stand behind the "/" at which the next speech begins; 0 where there is none.

    Counted from the end, for a laugh's syllables are words before the first; a dash by itself is none.
    """
    words = text.split()
    at = next((i for i, word in enumerate(words) if word.startswith("/") or word.endswith("/")), None)
    if at is None:
        return 0
    behind = words[at:] if words[at].startswith("/") else words[at + 1 :]
    return sum(any(map(str.isalnum, word)) for word in behind)


def _said(speech: ScriptSpeech, direction: Direction, voice: Voice) -> Spoken:
    """Speak a speech (and laugh before it where it says so), at the rate of all, trimmed, as loud as directed."""
    text = " ".join(word.strip("/") for word in speech.text.split() if word.strip("/"))
    parts = [_laugh(voice)] if direction.laughs else []
    parts += [_levelled(voice.speak(text, direction.pace))] if any(map(str.isalnum, text)) else []
    if not parts:
        return Spoken(Sound(np.zeros(0, np.float32), RATE), ())
    samples = np.concatenate([part.sound.samples for part in parts])
    lengths = np.cumsum([0.0, *(part.seconds for part in parts)])
    words = [moved(word, at) for part, at in zip(parts, lengths[:-1].tolist(), strict=True) for word in part.words]
    return Spoken(Sound(samples * np.float32(direction.level), RATE), tuple(words))


def _laugh(voice: Voice) -> Spoken:
    """Laugh: quick syllables, each softer than the last."""
    said = _levelled(voice.speak(_LAUGH, 1.5))
    decay = np.linspace(1.1, 0.5, len(said.sound.samples), dtype=np.float32)
    return replace(said, sound=Sound(said.sound.samples * decay, RATE))


def _levelled(spoken: Spoken) -> Spoken:
    """Return a speech from just before its first word to just after its last, as loud as all."""
    if not spoken.words:
        return Spoken(Sound(np.zeros(0, np.float32), RATE), ())
    samples = resample(spoken.sound.samples, spoken.sound.rate, RATE)
    first = max(0.0, spoken.words[0].start - _MARGIN[0])
    piece = samples[round(first * RATE) : round((spoken.words[-1].end + _MARGIN[1]) * RATE)].copy()
    fade = min(round(_FADE * RATE), len(piece) // 2)
    piece[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    piece[len(piece) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    loudness = float(np.sqrt(np.mean(piece.astype(np.float64) ** 2)))
    words = tuple(moved(word, -first) for word in spoken.words)
    return Spoken(Sound(piece * np.float32(_LOUDNESS / max(loudness, 1e-6)), RATE), words)


def _track(turns: Sequence[Turn], seconds: float) -> Sound:
    track: NDArray[np.float32] = np.zeros(round(seconds * RATE), np.float32)
    for turn in turns:
        at = round(turn.start * RATE)
        track[at : at + len(turn.spoken.sound.samples)] += turn.spoken.sound.samples
    return Sound(track * np.float32(min(1.0, _PEAK / max(float(np.abs(track).max()), 1e-6))), RATE)


def _notes(unknown: Sequence[str]) -> tuple[str, ...]:
    if not unknown:
        return ()
    shown = ", ".join(f"({text:.40})" for text in dict.fromkeys(unknown[:6]))
    return (f"{len(unknown)} directions of the script say nothing that Duologue could do: {shown}",)
