"""What is said where nobody wrote it down: pocketsphinx's own language model of US English. About one word in three is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from duologue.speech.sphinx import DITHER, FRAMES_A_SECOND, listen
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Segment(NamedTuple):
    """A word as pocketsphinx names it, silences ("<sil>") and noises ("[NOISE]") too: its first and last frame, 100 a second, and
    its posterior probability."""

    name: str
    first: int
    last: int
    posterior: float

    @property
    def is_word(self) -> bool:
        """Whether something is said."""
        return self.name[:1] not in "<["

    @property
    def text(self) -> str:
        """The word without the number of its pronunciation."""
        return re.sub(r"\(\d\)$", "", self.name)


class Recognition(NamedTuple):
    """What a recogniser makes of an utterance: the whole text, and its segments in the order of time."""

    text: str
    segments: tuple[Segment, ...]


def recognise(samples_16k: NDArray[np.float32]) -> Recognition:
    """Return what pocketsphinx makes of samples (n,).

    Raises:
        ImportError: pocketsphinx is not installed.
    """
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SPEECH_RATE, loglevel="FATAL", **DITHER)
    listen(decoder, samples_16k)
    hypothesis = decoder.hyp()
    probability = decoder.get_logmath().exp
    segments = tuple(
        Segment(segment.word, segment.start_frame, segment.end_frame, probability(segment.prob))
        for segment in decoder.seg() or ()
    )
    return Recognition("" if hypothesis is None else hypothesis.hypstr, segments)


def recognised_words(samples_16k: NDArray[np.float32]) -> list[tuple[float, float, str]]:
    """Return (start, end, word), seconds, of what pocketsphinx makes of samples (n,).

    Raises:
        ImportError: pocketsphinx is not installed.
    """
    return [
        (segment.first / FRAMES_A_SECOND, (segment.last + 1) / FRAMES_A_SECOND, segment.text)
        for segment in recognise(samples_16k).segments
        if segment.is_word
    ]
