"""What one performer says where nobody wrote it down: recognised a piece at a time, ahead of who needs it.

A thread of its own hears the pieces of both performers in the order of time while bodies and faces are sampled; who needs a
piece's words waits for that piece alone. What is asked for by time alone decides what comes back, never how far it has come, so
that the same sound gives the same take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.brief.transcript import Word
from duologue.brief.unspoken import is_said
from duologue.speech.aligners import Aligners
from duologue.speech.alignment import AlignedWord, Aligner, Pronounce, believed
from duologue.speech.lip_phones import NOT_INSTALLED, LipPhones, audible, near_sound
from duologue.speech.phones import SILENCE, Phone
from duologue.speech.prominence import ProminenceTrack
from duologue.speech.spoken import Piece, pieces
from duologue.speech.text import WIDTH, TextEncoder
from duologue.speech.whisper import LONGEST, HeardSound, HeardWord, Whisper, WhisperFolder
from duologue.speech.word_cache import WordCache
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNHEARD: Final = 150
"""Frames at a take's beginning for which the body is told no words: a body's first window must not wait for an ear."""
_FIRST: Final = 8.0
"""Seconds of a track's first piece at most: a take's first window waits for it."""
SURE: Final = 0.2
"""Probability of a word from which its lips are believed. Measured on recordings and synthetic voices: of p, b, m that are found
in words over it one in a hundred is nowhere near a real one (docs/guide/face.md)."""
_HEARD: Final = 0.08
"""A less probable word is none, and with it the sentence that it begins (see ``likely``)."""
_ANOTHER_LANGUAGE: Final = 0.45
"""Mean probability of a piece's words under which all of them are doubtful: English read into another language has 0.1 to 0.4."""
_BELIEVED: Final = 0.5
"""Share of a piece's words that must sound as they are written for any of them to move lips."""
_POLL: Final = 0.1


@dataclass(frozen=True)
class PieceWords:
    """What was heard in a piece: its words, which of them are sure, and the p, b, m, f and v of those."""

    words: tuple[Word, ...] = ()
    sure: tuple[bool, ...] = ()
    phones: tuple[Phone, ...] = ()


class Ear:
    """A recogniser and its cache: loaded when it is first needed, and one piece is heard at a time."""

    def __init__(
        self,
        model: WhisperFolder,
        cache: WordCache,
        pronouncer: Callable[[str], Pronounce | None] = lambda _: None,
        aligners: Aligners | None = None,
    ) -> None:
        """``pronouncer(language)``: how words of a language (ISO 639-1) are said that the dictionary of US English lacks;
        ``aligners``: who sets them on the sound, by default pocketsphinx.
        """
        self.model, self._cache, self._pronouncer = model, cache, pronouncer
        self._aligners = aligners or Aligners()
        self._busy = Lock()

    @cached_property
    def _whisper(self) -> Whisper:
        return Whisper(self.model)

    @cached_property
    def aligns(self) -> bool:
        """Whether words can be set on the sound here."""
        return self._aligner("en") is not None

    def _aligner(self, language: str) -> Aligner | None:
        english, pronounce = language == "en", self._pronouncer(language)
        if not english and pronounce is None:
            return None
        try:
            return self._aligners.make(pronounce, dictionary=english)
        except ImportError:
            return None

    def hear(self, piece: Piece, samples_16k: NDArray[np.float32], language: str) -> PieceWords:
        """Return what is said in a piece of a track's samples (n,)."""
        with self._busy:  # a take that was stopped may still have one
            return self._hear(piece, samples_16k, language)

    def _hear(self, piece: Piece, samples_16k: NDArray[np.float32], language: str) -> PieceWords:
        sound = piece.cut(samples_16k)
        key = self._cache.key(sound, self.model.sha256, language)
        if (found := self._cache.get(key)) is None:
            found = self._whisper.words(sound, language)
            self._cache.put(key, found)
        heard = likely(found.words)
        if not heard:
            return PieceWords()
        doubtful = np.mean([word.probability for word in heard]) < _ANOTHER_LANGUAGE
        return self._set(
            piece, sound, found._replace(words=heard), [not doubtful and word.probability >= SURE for word in heard]
        )

    def _set(self, piece: Piece, sound: NDArray[np.float32], found: HeardSound, sure: Sequence[bool]) -> PieceWords:
        """Set words on the sound: all that the aligner knows where it finds them, the others where they were heard."""
        heard, aligner = found.words, self._aligner(found.language)
        aligned = [None] * len(heard) if aligner is None else _aligned(aligner, piece, sound, heard)
        words: list[Word] = []
        phones: list[Phone] = []
        believable: list[bool] = []
        for word, likely, at in zip(heard, sure, aligned, strict=True):
            known = at is not None and likely
            span = (at.start, at.end) if at is not None else (word.start, word.end)
            start = piece.at(span[0])[0]
            words.append(Word(start, start + max(span[1] - span[0], 0.02), word.text))
            believable.append(known)
            if known and at is not None:
                phones += [phone.moved(piece.at(phone.start)[0] - phone.start) for phone in at.on_lips]
        order = sorted(range(len(words)), key=lambda index: words[index].start)
        return PieceWords(
            tuple(words[index] for index in order),
            tuple(believable[index] for index in order),
            tuple(sorted(phones, key=lambda phone: phone.start)),
        )


def lips_heard(
    ear: Ear, samples_16k: NDArray[np.float32], active: NDArray[np.bool_], language: str = ""
) -> tuple[Phone, ...]:
    """Return the ``phones.ON_LIPS`` of what is said in a whole track, samples (n,), ``active`` (T,) as features have it."""
    heard = [ear.hear(piece, samples_16k, language) for piece in _pieces(samples_16k, active)]
    return near_sound([phone for piece in heard for phone in piece.phones], audible(samples_16k))


def _pieces(samples_16k: NDArray[np.float32], active: NDArray[np.bool_]) -> tuple[Piece, ...]:
    return tuple(pieces(active, LONGEST, _FIRST)) if samples_16k.any() else ()


def likely(words: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the words of a piece that may be there: those that are probable, in sentences that begin so.

    What Whisper writes over silence begins with a word that it hardly heard, and goes on surely ("Thanks for watching."): each
    word is guessed from those before it.
    """
    kept: list[HeardWord] = []
    begins = heard = True
    for word in words:
        heard = word.probability >= _HEARD if begins else heard
        if heard and word.probability >= _HEARD and is_said(word.text):
            kept.append(word)
        begins = word.text.endswith((".", "?", "!"))
    return kept


def _aligned(
    aligner: Aligner, piece: Piece, sound: NDArray[np.float32], heard: Sequence[HeardWord]
) -> list[AlignedWord | None]:
    """Return each word's place in the piece's sound (m,), None of those that the aligner lacks or that don't sound as written.

    Where the piece has no path through it (something was heard that nobody said), its stretches are tried one by one.
    """
    whole = _found(aligner, sound, heard)
    if any(whole):
        return whole
    found: list[AlignedWord | None] = []
    for stretch, words in groupby(heard, key=lambda word: piece.at((word.start + word.end) / 2)[1]):
        before = Piece(piece.stretches[:stretch]).seconds
        after = Piece(piece.stretches[: stretch + 1]).seconds
        cut = sound[int(before * SPEECH_RATE) : int(after * SPEECH_RATE)]
        found += [at and at.moved(before) for at in _found(aligner, cut, list(words))]
    return found


def _found(aligner: Aligner, sound: NDArray[np.float32], heard: Sequence[HeardWord]) -> list[AlignedWord | None]:
    placed = aligner.align(sound, [word.text for word in heard]) or [None] * len(heard)
    trusted = iter(believed([at for at in placed if at is not None]))
    kept = [at if at is not None and next(trusted) else None for at in placed]
    count = sum(at is not None for at in placed)
    return kept if sum(at is not None for at in kept) >= _BELIEVED * count else [None] * len(heard)


class Hearing:
    """One performer's words as they are heard. ``begin`` it, then ask."""

    def __init__(  # noqa: PLR0917
        self,
        ear: Ear,
        samples_16k: NDArray[np.float32],
        active: NDArray[np.bool_],
        text: TextEncoder,
        language: str,
        should_stop: Callable[[], bool],
    ) -> None:
        """``samples_16k`` (n,), ``active`` (T,) as features have them; ``should_stop`` is asked while a piece is waited for."""
        self._ear, self._samples, self._text = ear, samples_16k, text
        self._language, self._should_stop = language, should_stop
        self.pieces = _pieces(samples_16k, active)
        self._heard: list[Future[PieceWords]] = []
        self.go_on: Callable[[], None] = lambda: None
        """Begins the pieces that have not been; called when one of them is needed."""
        self._vectors: dict[int, NDArray[np.float32]] = {}
        self._leant_on: dict[int, ProminenceTrack] = {}
        self._told = 0

    def begin(self, pool: Executor, index: int) -> None:
        """Have a piece heard by ``pool``, which does one at a time in the order in which they were begun."""
        assert index == len(self._heard), "pieces are begun in the order of time"
        self._heard.append(pool.submit(self._ear.hear, self.pieces[index], self._samples, self._language))

    @property
    def done(self) -> int:
        """How many pieces have been heard."""
        return sum(heard.done() for heard in self._heard)

    def words(self, index: int) -> PieceWords:
        """Return what was heard in a piece, when it has been; nothing once the take is to stop."""
        if index >= len(self._heard):
            self.go_on()
        while not self._should_stop():
            try:
                return self._heard[index].result(timeout=_POLL)
            except NotYetError:
                continue
        return PieceWords()

    def vectors(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return (stop - start, 384): the vector of the word said at each frame, zeros where none is and before ``UNHEARD``."""
        found = np.zeros((stop - start, WIDTH), np.float32)
        for index, piece in enumerate(self.pieces):
            first, last = piece.stretches[0][0], piece.stretches[-1][1]
            low, high = max(first, start, UNHEARD), min(last, stop)
            if low < high:
                found[low - start : high - start] = self._of_piece(index)[low - first : high - first]
        return found

    def prominence(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return (stop - start,): how far the speaker leans on the word said at each frame, likewise."""
        found = np.zeros(stop - start, np.float32)
        for index, piece in enumerate(self.pieces):
            low, high = max(piece.stretches[0][0], start, UNHEARD), min(piece.stretches[-1][1], stop)
            if low < high:
                if index not in self._leant_on:
                    self._leant_on[index] = ProminenceTrack(self._samples, self.words(index).words)
                found[low - start : high - start] = self._leant_on[index].frames(low, high)
        return found

    def _of_piece(self, index: int) -> NDArray[np.float32]:
        if index not in self._vectors:
            piece = self.pieces[index]
            first = piece.stretches[0][0]
            moved = [
                replace(word, start=word.start - first / FPS, end=word.end - first / FPS)
                for word in self.words(index).words
            ]
            self._vectors[index] = self._text.frames(moved, piece.stretches[-1][1] - first)
        return self._vectors[index]

    @cached_property
    def _audible(self) -> NDArray[np.bool_]:
        return audible(self._samples)

    @property
    def phones(self) -> LipPhones:
        """The p, b, m, f and v of what was heard. Silences among them say up to where there are no others."""
        return LipPhones(self._phones())

    def _phones(self) -> Iterator[tuple[Phone, ...]]:
        for index, piece in enumerate(self.pieces):
            yield (Phone(piece.start, piece.start, SILENCE),)
            yield (*near_sound(self.words(index).phones, self._audible), Phone(piece.end, piece.end, SILENCE))

    def news(self) -> Iterator[PieceWords]:
        """Yield what has been heard since the last time, without waiting."""
        while self._told < len(self._heard) and self._heard[self._told].done():
            yield self.words(self._told)
            self._told += 1

    def note(self) -> str:
        """Say how many words were heard and how many of them lips don't follow; waits for all of them."""
        heard = [self.words(index) for index in range(len(self.pieces))]
        count = sum(len(piece.words) for piece in heard)
        if not count:
            return "no words were recognised; lips follow the voice alone"
        doubtful = count - sum(sum(piece.sure) for piece in heard)
        if not self._ear.aligns:
            return f"{count} words were recognised; {NOT_INSTALLED}, so lips follow the voice alone"
        left = f"{doubtful} of them are unsure, and lips follow the voice there" if doubtful else "lips follow them"
        return f"{count} words were recognised; {left}"
