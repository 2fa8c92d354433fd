"""Which ear hears a performer whose words nobody wrote down, and both performers' words as a take's windows need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from duologue.brief import Transcript
from duologue.checkpoints.whisper import HEAR, ImportedWhisper, find_whisper, list_whispers
from duologue.errors import DuologueError, invalid
from duologue.labels import PERFORMERS
from duologue.speech.aligners import Aligners
from duologue.speech.alignment import Pronounce
from duologue.speech.crosstalk import note_of, shared_stretches
from duologue.speech.features import SpeechFeatures
from duologue.speech.hearing import Ear, Hearing, PieceWords
from duologue.speech.text import TextEncoder
from duologue.speech.whisper import WhisperFolder, bundled, verified
from duologue.speech.word_cache import WordCache
from duologue.take import Notice, Progress
from duologue.take.heard import HeardWord, HeardWords, to_notices
from duologue.voices.pronouncing import pronouncer

_SOON: Final = 2.5
"""Seconds of a take whose words its first window needs."""


class Ears:
    """The recognisers of a server: each is found and verified when a brief first needs it, and loaded once."""

    def __init__(self, cache: WordCache | None = None, aligners: Aligners | None = None) -> None:
        """``aligners``: who sets words on the sound, by default pocketsphinx."""
        self._cache = cache or WordCache()
        self.aligners = aligners or Aligners()
        self._ears: dict[str, Ear] = {}

    def ear(self, transcript: Transcript | None, field: str) -> Ear | None:
        """Return who hears a performer with this transcript; None where somebody wrote it, or nobody can.

        Raises:
            DuologueError: NOT_FOUND ``whisper-not-found`` for a model that the brief names; INVALID_ARGUMENT
                ``whisper-language``; DATA_LOSS ``whisper-hash``.
        """
        if transcript is not None and transcript.format != "recognise":
            return None
        model, language = (transcript.model, transcript.language) if transcript else ("", "")
        ear = self._named(model, field)
        if ear is not None and ear.model.english_only and language not in {"", "en"}:
            message = f"{ear.model.name} knows English alone, not {language!r}; import one that does: `duologue models import`"
            raise invalid("whisper-language", message, field=f"{field}.language")
        return ear

    def _named(self, model: str, field: str) -> Ear | None:
        """Return the ear of an imported model, by default of ``HEAR``, else of the extra's."""
        imported = find_whisper(model or HEAR)
        if imported is None and model:
            known = ", ".join(list_whispers()) or "none"
            message = (
                f"no Whisper {model!r} is imported (there is: {known}): `duologue models import FOLDER --name {model}`"
            )
            raise DuologueError("NOT_FOUND", "whisper-not-found", message, field=f"{field}.model")
        key = imported.sha256["model.bin"] if imported else ""
        if key not in self._ears:  # else its files were checked before it was opened
            found = _verified(imported) if imported else bundled()
            if found is None:
                return None
            self._ears[key] = Ear(found, self._cache, pronouncer, self.aligners)
        return self._ears[key]


def _verified(imported: ImportedWhisper) -> WhisperFolder:
    return verified(imported.folder, imported.sha256, imported.name, english_only=imported.english_only)


def how_said(transcript: Transcript | None, field: str) -> Pronounce | None:
    """Return how the words of a written transcript are said where it names another language than English.

    Raises:
        DuologueError: FAILED_PRECONDITION ``language-unknown`` where espeak-ng isn't installed or doesn't speak it.
    """
    if transcript is None or transcript.language in {"", "en"} or transcript.format in {"recognise", "none"}:
        return None
    if (known := pronouncer(transcript.language)) is None:
        message = (
            f"words in {transcript.language!r} need espeak-ng, which isn't installed here or doesn't speak it "
            "(pip install 'duologue[speak]'); leave the language out to have them laid by their length"
        )
        raise DuologueError("FAILED_PRECONDITION", "language-unknown", message, field=f"{field}.language")
    return known


class Words:
    """The words of those of a take's two performers that are recognised, while it is made."""

    def __init__(self, hearings: Sequence[Hearing | None]) -> None:
        self.hearings = tuple(hearings)
        self._pool: ThreadPoolExecutor | None = None
        self._later: list[tuple[int, int]] = []

    @classmethod
    def of(
        cls,
        ears: Sequence[Ear | None],
        features: Sequence[SpeechFeatures],
        transcripts: Sequence[Transcript | None],
        text: TextEncoder,
        should_stop: Callable[[], bool],
    ) -> Words:
        """Prepare to hear those who have an ear."""
        return cls(
            [
                Hearing(
                    ear, one.sound.samples, one.activity, text, transcript.language if transcript else "", should_stop
                )
                if ear is not None
                else None
                for ear, one, transcript in zip(ears, features, transcripts, strict=True)
            ]
        )

    def begin(self) -> None:
        """Have what the first window needs heard in a thread. The rest waits: it would take that window's time."""
        order = sorted(
            (piece.start, who, index)
            for who, hearing in enumerate(self.hearings)
            if hearing is not None
            for index, piece in enumerate(hearing.pieces)
        )
        self._later = [(who, index) for _, who, index in order]
        soon = sum(start < _SOON for start, _, _ in order)
        for hearing in self.hearings:
            if hearing is not None:
                hearing.go_on = self.go_on
        if order:
            self._pool = ThreadPoolExecutor(1, "hearing")
            self.go_on(soon)

    def go_on(self, count: int | None = None) -> None:
        """Have all that is left heard as well, in the order of time; or so many pieces of it."""
        now, self._later = self._later[:count], self._later[len(self._later[:count]) :]
        for who, index in now:
            hearing = self.hearings[who]
            assert hearing is not None
            assert self._pool is not None
            hearing.begin(self._pool, index)

    def news(self) -> Iterator[Progress | Notice]:
        """Yield what has been heard since the last time, without waiting."""
        told = False
        for name, hearing in zip(PERFORMERS, self.hearings, strict=True):
            for piece in hearing.news() if hearing is not None else ():
                told = True
                yield from to_notices(_heard(name, piece))
        if told:
            known = [hearing for hearing in self.hearings if hearing is not None]
            yield Progress("words", sum(h.done for h in known), sum(len(h.pieces) for h in known))

    def rest(self) -> Iterator[Progress | Notice]:
        """Yield what is still to be told, when all has been heard."""
        for name, hearing in zip(PERFORMERS, self.hearings, strict=True):
            if hearing is not None and hearing.pieces:
                yield Notice("speech", f"{name}: {hearing.note()}")
        if all(self.hearings):
            a, b = (
                [word for index in range(len(hearing.pieces)) for word in hearing.words(index).words]
                for hearing in self.hearings
                if hearing is not None
            )
            if shared := shared_stretches(a, b):
                yield Notice("speech", note_of(shared))
        yield from self.news()

    def end(self) -> None:
        """Hear no more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _heard(name: str, piece: PieceWords) -> HeardWords:
    rows = zip(piece.words, piece.sure, strict=True)
    return HeardWords(name, tuple(HeardWord(word.start, word.end, word.text, sure) for word, sure in rows))
