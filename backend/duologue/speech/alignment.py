"""When a transcript's words are said, and the phones that lips must not miss: by pocketsphinx (``phones``), else by guess.

Where it isn't installed, doesn't know the language, or fails on the recording, words without times are laid over the voiced
stretches of the track by their number of letters: worse, and said so. Phones are never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from duologue.brief import Transcript
from duologue.brief.transcript import Word, parse, spread
from duologue.speech.activity import level
from duologue.speech.phones import Aligner, Heard, Phone, believed, on_lips, recognise
from duologue.units import FPS, SPEECH_RATE

MAX_SECONDS: Final = 300
"""Longer recordings are not searched as one: the cost grows with length times words."""
_SHORTEST: Final = 0.08  # seconds that a word must have to be believed
_MARGIN: Final = 0.1  # seconds of sound around a stretch whose times are given
_GIVEN: Final = (
    0.15  # seconds by which a phone may lie outside its word's given time: recognisers' own times err as much
)
_PAUSE, _STRETCH = 0.25, 6.0  # seconds: pauses part stretches; longer ones are parted anyway
_OVER_QUIET_DB: Final = 6.0
_NEAR_VOICE: Final = 3  # frames
_TRUST: Final = 0.7
"""Share of the words that must be believed for any of them to be. Measured: right transcripts have 0.8 and more."""
_NOT_INSTALLED: Final = "the aligner is not installed (`python3 backend install` in Duologue's folder brings it)"


class LipPhones:
    """The p, b, m, f and v of one performer's words, in the order of time: what lips must not miss.

    Found as they are asked for, a stretch between two pauses at a time, so that a take of any length can begin at once; they may
    be gone through again. ``notes`` says how it went, once all have been asked for.
    """

    def __init__(
        self, stretches: Iterable[tuple[Phone, ...]] = (), notes: Callable[[], tuple[str, ...]] = tuple
    ) -> None:
        self._found: list[Phone] = []
        self._stretches = iter(stretches)
        self._notes = notes

    def __iter__(self) -> Iterator[Phone]:
        at = 0
        while True:
            while at < len(self._found):
                yield self._found[at]
                at += 1
            if (more := next(self._stretches, None)) is None:
                return
            self._found += more

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how they were found."""
        return self._notes()


class Timed(NamedTuple):
    """What is said, and when."""

    words: tuple[Word, ...]
    phones: LipPhones
    notes: tuple[str, ...] = ()
    """How the words' times were found, where that is not as the user would expect."""


def timed_words(
    transcript: Transcript | None,
    samples_16k: NDArray[np.float32],
    active: NDArray[np.bool_],
    field: str = "transcript",
) -> Timed:
    """Return a performer's words with times, the phones of their lips, and notes on how they were found.

    Args:
        transcript: None is no words at all.
        samples_16k: (n,) mono at 16 kHz.
        active: (T,) whether the performer speaks at each frame (see ``activity``).
        field: the place of the transcript, for errors.

    Raises:
        DuologueError: what :func:`duologue.brief.transcript.parse` raises.
    """
    if transcript is not None and transcript.format == "recognise":
        return _recognised(samples_16k, field)
    parsed = parse(transcript, field) if transcript is not None else ""
    if not isinstance(parsed, str):
        return Timed(parsed, _within_given(parsed, samples_16k, field), _late(parsed, len(active) / FPS, field))
    texts = parsed.split()
    if not texts:
        return Timed((), LipPhones())
    try:
        words, heard = align(texts, samples_16k)
    except AlignmentError as error:
        note = f"{field}: {error}; its words were spread over the voiced parts of the track by their length"
        return Timed(spread_over(texts, active), LipPhones(), (note,))
    believe = believed(heard)
    if doubt := _doubt(believe, field):
        return Timed(words, LipPhones(notes=lambda: doubt))
    phones = [phone for word in compress(heard, believe) for phone in on_lips(word)]
    return Timed(words, LipPhones([_near_sound(phones, _audible(samples_16k))]))


class AlignmentError(Exception):
    """Why a transcript could not be aligned; the caller has another way."""


def align(texts: Sequence[str], samples_16k: NDArray[np.float32]) -> tuple[tuple[Word, ...], tuple[Heard, ...]]:
    """Return the words with the times at which pocketsphinx finds them, and those that it knows with their phones.

    Words not in its dictionary lie between their neighbours.

    Raises:
        AlignmentError: pocketsphinx is not installed, knows too few of the words, or finds no path through the sound.
    """
    try:
        aligner = Aligner()
    except ImportError as error:
        raise AlignmentError(f"has no times, and {_NOT_INSTALLED}") from error
    if len(samples_16k) > MAX_SECONDS * SPEECH_RATE:
        raise AlignmentError(
            f"has no times, and over {MAX_SECONDS // 60} minutes are not aligned (give it times, or cut the track)"
        )
    spelled = [aligner.spelled(text) for text in texts]
    known = [index for index, word in enumerate(spelled) if word]
    if 2 * len(known) < len(texts):
        raise AlignmentError("has no times, and the aligner (US English) knows fewer than half of its words")
    heard = aligner.align(samples_16k, [word for word in spelled if word])
    if not heard:
        raise AlignmentError("has no times, and the aligner found no way to fit it to the sound")
    starts, ends = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    starts[known] = [word.start for word in heard]
    ends[known] = [word.end for word in heard]
    return _filled(texts, starts, ends, len(samples_16k) / SPEECH_RATE), heard


def _within_given(words: Sequence[Word], samples_16k: NDArray[np.float32], field: str) -> LipPhones:
    """Return the phones of words whose times are given, each within the time of its word or line.

    Every stretch between two pauses is aligned by itself, so a track may be as long as it likes. A stretch most of whose words
    are not what is heard has none.
    """
    believe: list[bool] = []
    unfit: list[bool] = []
    missing: list[str] = []

    def search() -> Iterator[tuple[Phone, ...]]:
        try:
            aligner = Aligner() if words else None
        except ImportError:
            missing.append(f"{field}: {_NOT_INSTALLED}; lips follow the voice alone")
            return
        audible = _audible(samples_16k)
        for stretch in _stretches(words):
            spelled = [(word, text) for word in stretch if aligner and (text := aligner.spelled(word.text))]
            first = max(stretch[0].start - _MARGIN, 0.0)
            last = max(word.end for word in stretch) + _MARGIN
            cut = samples_16k[int(first * SPEECH_RATE) : int(last * SPEECH_RATE)]
            found = aligner.align(cut, [text for _, text in spelled]) if aligner else ()
            here = believed(found)
            believe.extend(here)
            if spelled:
                unfit.append(not found)
            # What was heard so far counts too: two words alone say little about whose transcript this is.
            if not here or sum(here) < _TRUST * len(here) or sum(believe) < _TRUST * len(believe):
                continue
            phones: list[Phone] = []
            for (word, _), heard in compress(zip(spelled, found, strict=True), here):
                low, high = word.line or (word.start, word.end)
                placed = [Phone(p.start + first, p.end + first, p.name) for p in on_lips(heard)]
                phones += [p for p in placed if low - _GIVEN <= (p.start + p.end) / 2 <= high + _GIVEN]
            yield _near_sound(sorted(phones, key=lambda phone: phone.start), audible)

    def notes() -> tuple[str, ...]:
        if missing:
            return tuple(missing)
        if unfit and all(unfit):
            return (f"{field}: the aligner found no way to fit it to the sound; lips follow the voice alone",)
        return _doubt(believe, field)

    return LipPhones(search(), notes)


def _recognised(samples_16k: NDArray[np.float32], field: str) -> Timed:
    """Return the words that a recogniser hears. They are told to the body, which can bear a wrong one; lips can't."""
    try:
        words = tuple(Word(start, end, text) for start, end, text in recognise(samples_16k))
    except ImportError:
        return Timed(
            (), LipPhones(), (f"{field}: {_NOT_INSTALLED}, and neither is the recogniser; there are no words",)
        )
    note = f"{field}: {len(words)} words were guessed by a recogniser of US English; about one in three is wrong"
    return Timed(words, LipPhones(), (note,))


def _stretches(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield runs of words without a pause between them, or at most ``_STRETCH`` seconds of them, a line always whole."""
    run: list[Word] = []
    for word in words:
        if run and (word.line is None or word.line != run[-1].line):
            end = max(before.end for before in run)
            if word.start - end >= _PAUSE or end - run[0].start >= _STRETCH:
                yield run
                run = []
        run.append(word)
    if run:
        yield run


def _doubt(believe: Sequence[bool], field: str) -> tuple[str, ...]:
    """Return a note if most words are not what is heard."""
    if sum(believe) >= _TRUST * len(believe):
        return ()
    note = f"{field}: {len(believe) - sum(believe)} of its {len(believe)} words don't sound as written"
    return (f"{note}; lips follow the voice alone (is it the transcript of another recording?)",)


def _audible(samples_16k: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (T,) where sound is a tenth of a second away at most: a plosive is silent, but its vowel not far."""
    frames = int(len(samples_16k) / SPEECH_RATE * FPS)
    levels = level(samples_16k, SPEECH_RATE, frames)
    loud = levels > np.percentile(levels, 10) + _OVER_QUIET_DB if frames else np.zeros(1, bool)
    return np.asarray(binary_dilation(loud, np.ones(2 * _NEAR_VOICE + 1)), bool)


def _near_sound(phones: Sequence[Phone], audible: NDArray[np.bool_]) -> tuple[Phone, ...]:
    middles = [int((phone.start + phone.end) / 2 * FPS) for phone in phones]
    return tuple(p for p, at in zip(phones, middles, strict=True) if at < len(audible) and audible[at])


def spread_over(texts: Sequence[str], active: NDArray[np.bool_]) -> tuple[Word, ...]:
    """Lay words over the frames that are active, each as long as its letters; over all frames if none is.

    A word that falls on a pause keeps to the side of it on which it has more.
    """
    frames = np.flatnonzero(active) if active.any() else np.arange(len(active))
    letters = np.cumsum([0, *(len(text) + 1 for text in texts)])
    bounds = letters / letters[-1] * len(frames)
    words: list[Word] = []
    for text, begin, end in zip(texts, bounds[:-1], bounds[1:], strict=True):
        mine = frames[min(int(begin), len(frames) - 1) : max(int(begin) + 1, int(np.ceil(end)))]
        stretch = max(np.split(mine, np.flatnonzero(np.diff(mine) > 1) + 1), key=len)
        words.append(Word(float(stretch[0]) / FPS, float(stretch[-1] + 1) / FPS, text))
    return tuple(words)


def _filled(
    texts: Sequence[str], starts: NDArray[np.float64], ends: NDArray[np.float64], seconds: float
) -> tuple[Word, ...]:
    """Lay the words without times into the gaps between their timed neighbours, by their letters.

    Where there is no gap, the aligner has given their sound to the word before: then they share with that one.
    """
    timed: list[int] = np.flatnonzero(~np.isnan(starts)).tolist()
    words: list[Word] = []
    if timed[0] > 0:
        words += spread(" ".join(texts[: timed[0]]), 0.0, float(starts[timed[0]]))
    for this, following in zip(timed, [*timed[1:], len(texts)], strict=True):
        begin, end = float(starts[this]), float(ends[this])
        until = float(starts[following]) if following < len(texts) else seconds
        between = texts[this + 1 : following]
        if between and until - end < _SHORTEST * len(between):
            words += spread(" ".join(texts[this:following]), begin, until)
        else:
            words += [Word(begin, end, texts[this]), *spread(" ".join(between), end, until)]
    return tuple(words)


def _late(words: tuple[Word, ...], seconds: float, field: str) -> tuple[str, ...]:
    late = sum(word.start >= seconds for word in words)
    return (f"{field}: {late} of {len(words)} words begin after the end of the track and are left out",) if late else ()
