"""What every voice is: something that speaks a line of text, and knows when it says each word and phone of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from duologue.brief.transcript import Word
from duologue.units import Sound


@dataclass(frozen=True)
class Spoken:
    """Synthetic speech and its words, each with its phones: seconds from the first sample on."""

    sound: Sound
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sound.samples) / self.sound.rate


class Voice(Protocol):
    """A voice. May be used from one thread at a time."""

    def check(self, text: str) -> None:
        """Raise the error of a text that this voice can't say, before anything is said."""
        ...

    def speak(self, text: str, pace: float = 1.0) -> Spoken:
        """Say a line; ``pace`` 1 is the voice's own, 1.2 a fifth faster.

        Raises:
            DuologueError: what :meth:`check` raises.
        """
        ...


def moved(word: Word, seconds: float) -> Word:
    """Return a word later by ``seconds``, its phones with it."""
    phones = tuple((start + seconds, end + seconds, name) for start, end, name in word.phones)
    return replace(word, start=word.start + seconds, end=word.end + seconds, phones=phones)
