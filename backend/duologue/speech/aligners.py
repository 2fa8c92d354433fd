"""Who sets words on the sound here: pocketsphinx those of US English, the face's own speech encoder those of other languages.

Measured: of fast and hoarse English pocketsphinx finds a little more. Of German, French, Italian, Spanish and Polish (espeak-ng's
voices that nothing was trained on, exact times) it finds 46 of 74 p, b and m, 16 ms early at the median, for it has never heard
them; an encoder that has finds all 74, within 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from duologue.speech.alignment import Aligner, Pronounce
from duologue.speech.phone_aligner import PhoneAligner, Posteriors
from duologue.speech.sphinx import SphinxAligner


@dataclass(frozen=True)
class Aligners:
    """Makes aligners. ``posteriors``: the encoder's; None where it has no phone head."""

    posteriors: Posteriors | None = None

    def make(self, pronounce: Pronounce | None = None, *, dictionary: bool = True) -> Aligner:
        """Return a new one; ``pronounce``: how words are said that the dictionary of US English lacks; ``dictionary``: whether it
        is asked first, as it is for English.

        A new one for each take or piece: pocketsphinx adapts to what it hears, and words must not depend on what came before.

        Raises:
            ImportError: pocketsphinx is not installed, and nothing is there in its place.
        """
        english = dictionary and (pronounce is None or find_spec("pocketsphinx") is not None)
        if self.posteriors is None or english:
            return SphinxAligner(pronounce, dictionary=dictionary)
        return PhoneAligner(self.posteriors, pronounce, dictionary=dictionary)
