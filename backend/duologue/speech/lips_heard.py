"""The p, b, m, f and v that the ear itself hears: what lips must not miss where nobody knows the words.

A denoiser weighs what it hears against what mouths usually do, and leaves a p that it is only fairly sure of half open. The
phone head of the speech encoder (``SpeechEncoder.phones``) learns nothing but which phone is heard; where it believes in a
closure, lips that stopped short are to close.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.speech.encoder import EncodedSpeech
from duologue.speech.phones import BILABIALS, INDEX, LABIODENTALS, SILENCE, Phone
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS: Final = (("P", BILABIALS, 0.4), ("F", LABIODENTALS, 0.5))
"""The phone that stands for a kind, those of the kind, and the probability of any of them from which it is believed."""
_EDGE: Final = 0.2
"""Probability that frames around the surest one must have to belong to it."""


def told_or_heard(told: Iterable[Phone], speech: EncodedSpeech, who: int, span: slice) -> Iterator[Phone]:
    """Yield the phones of a performer's words, as they are asked for; where the words tell none, those that are heard.

    ``span``: the motion frames that ``speech`` is.
    """
    first = next(words := iter(told), None)
    if first is None:
        yield from (phone.moved(span.start / FPS) for phone in lips_heard(speech, who, span.stop - span.start))
    else:
        yield first
        yield from words


def lips_heard(speech: EncodedSpeech, who: int, frames: int) -> Iterator[Phone]:
    """Yield what performer ``who`` says with the lips in ``frames`` at 30 fps, in the order of time: ``P`` for p, b and m, ``F``
    for f and v. Silences among them say that there are no more before. Nothing where the encoder has no phone head.

    Speech is encoded a chunk at a time, as it is asked for, and what a face has just been given is not encoded again.
    """
    if not speech.names_phones:
        return
    chances = np.zeros((len(_KINDS), frames), np.float32)
    columns = [[INDEX[name] for name in names] for _, names, _ in _KINDS]
    open_from = [0] * len(_KINDS)
    for first in range(0, frames, speech.CHUNK):
        last = min(first + speech.CHUNK, frames)
        heard = speech.phones(who, first, last)
        chances[:, first:last] = [heard[:, own].sum(1) for own in columns]
        found: list[Phone] = []
        for kind, (name, _, sure) in enumerate(_KINDS):
            spans, open_from[kind] = _spans(chances[kind], open_from[kind], last, sure)
            found += [Phone((start - 0.5) / FPS, (stop - 0.5) / FPS, name) for start, stop in spans]
        yield from sorted(found, key=lambda phone: phone.start)
        until = (min(open_from) - 0.5) / FPS
        yield Phone(until, until, SILENCE)


def _spans(chance: NDArray[np.float32], first: int, last: int, sure: float) -> tuple[list[tuple[int, int]], int]:
    """Return the stretches of [first, last) in which a kind is likely and somewhere sure, and from where that isn't decided."""
    likely = np.concatenate([[False], chance[first:last] > _EDGE, [False]])
    starts, stops = (first + np.flatnonzero(edge) for edge in (likely[1:] & ~likely[:-1], likely[:-1] & ~likely[1:]))
    undecided = last
    if last < len(chance) and len(stops) and stops[-1] == last:
        undecided, starts, stops = int(starts[-1]), starts[:-1], stops[:-1]
    spans = zip(starts.tolist(), stops.tolist(), strict=True)
    return [(start, stop) for start, stop in spans if chance[start:stop].max() >= sure], undecided
