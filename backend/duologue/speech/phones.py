"""Phones: the CMU pronouncing dictionary's 39 and silence, and when one is spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PHONES: Final[tuple[str, ...]] = (
    "SIL",
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW",
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y",
    "Z", "ZH",
)  # fmt: skip
"""CMU phone set (http://www.speech.cs.cmu.edu/cgi-bin/cmudict) behind silence; the classes of the speech encoder's phone head."""

INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(PHONES)}
SILENCE: Final = PHONES[0]
BILABIALS: Final = ("P", "B", "M")
LABIODENTALS: Final = ("F", "V")
VOWELS: Final = PHONES[1:16]
OPEN_VOWELS: Final = ("AA", "AE", "AO", "EH", "IY")
"""Vowels whose middle never has the lips shut. Rounded and reduced ones may come close."""
ON_LIPS: Final = BILABIALS + LABIODENTALS + OPEN_VOWELS
"""Phones that lips can be seen to get wrong."""


@dataclass(frozen=True)
class Phone:
    """One phone: ``start`` and ``end`` in seconds, ``name`` from ``PHONES`` or ``"?"`` where it is not known."""

    start: float
    end: float
    name: str

    @property
    def middle(self) -> float:
        """Seconds."""
        return (self.start + self.end) / 2

    def moved(self, seconds: float) -> Phone:
        """Return it later by ``seconds``."""
        return Phone(self.start + seconds, self.end + seconds, self.name)
