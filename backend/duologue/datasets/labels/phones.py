"""Phones with their times from files, from a synthesiser and from sound alone; from a transcript: ``speech.sphinx``.

Phones of other languages are folded onto the nearest one of English *as seen on the face*: a French /y/ is rounded and close like
UW, a German /x/ leaves the lips alone like HH.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.errors import invalid
from duologue.speech.phones import INDEX, Phone
from duologue.speech.recognise import recognise
from duologue.speech.sphinx import FRAMES_A_SECOND, align_phones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

UNKNOWN: Final = -1
"""Label of a frame nobody vouches for: losses and metrics leave it out."""


def read_phones_csv(path: Path) -> tuple[Phone, ...]:
    """Read ``start,end,phone[,word]`` rows (seconds, CMU names with or without stress digits).

    Raises:
        DuologueError: INVALID_ARGUMENT ``phones-malformed`` for a row that is not a phone with increasing times.
    """
    phones: list[Phone] = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                name = row["phone"].rstrip("012")
                phone = Phone(float(row["start"]), float(row["end"]), name if name in INDEX else "SIL")
            except (KeyError, TypeError, ValueError) as error:
                raise invalid(
                    "phones-malformed", f"row {len(phones) + 2} is not start,end,phone", field=str(path)
                ) from error
            if phone.end < phone.start:
                raise invalid("phones-malformed", f"row {len(phones) + 2} ends before it starts", field=str(path))
            phones.append(phone)
    return tuple(phones)


def cached_phones(path: Path, find: Callable[[], Sequence[Phone]]) -> tuple[Phone, ...]:
    """Return phones as ``path`` has them, as JSON; where it is not there yet, ``find`` them and write it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([[phone.start, phone.end, phone.name] for phone in find()]))
    return tuple(Phone(*row) for row in json.loads(path.read_text()))


def frame_labels(phones: Sequence[Phone], frames: int, rate: float, *, offset: float = 0.0) -> NDArray[np.int64]:
    """Return the phone of each frame as (frames,) indices into ``PHONES``; gaps are silence, ``"?"`` is ``UNKNOWN``.

    Frame k is looked up at ``(k + offset) / rate`` seconds; the last phone that began by then and has not ended wins.
    """
    if not phones:
        return np.zeros(frames, np.int64)
    times = (np.arange(frames) + offset) / rate
    starts = np.array([phone.start for phone in phones])
    ends = np.array([phone.end for phone in phones])
    names = np.array([INDEX.get(phone.name, UNKNOWN) for phone in phones])
    at = np.searchsorted(starts, times, side="right") - 1
    inside = (at >= 0) & (times < ends[at])
    return np.where(inside, names[at], 0)


# espeak-ng's mnemonics (phsource/ph_english and its neighbours), after stress, length and variant marks are stripped.
_ESPEAK_NAMES: Final = {
    "SIL": "?", "AA": "A A: a: A@ 0 Q A~", "AE": "a aa E~ &", "AH": "V @ W~ a~ a#", "AO": "O O: O@ o@ O~", "AW": "aU aU@ au",
    "AY": "aI aI@ aI3 ai", "EH": "E e E: E@ e@ W", "ER": "3 3: @r IR VR UR", "EY": "e: eI ei", "IH": "I I@ i@ i@3",
    "IY": "i i:", "OW": "o o: oU", "OY": "OI oI OY", "UH": "U U@ u@ Y ø ø:", "UW": "u u: y y: Y:", "B": "b", "CH": "tS",
    "D": "d *", "DH": "D", "F": "f pf", "G": "g Q^", "HH": "C x h H X", "JH": "dZ", "K": "k c", "L": "@L l l^ l-", "M": "m m-",
    "N": "n n^ n-", "NG": "N", "P": "p", "R": "r R R2 r-", "S": "s ts", "SH": "S", "T": "t", "TH": "T", "V": "v B", "W": "w u-",
    "Y": "J j ;", "Z": "z dz", "ZH": "Z",
}  # fmt: skip
_ESPEAK: Final = {name: phone for phone, names in _ESPEAK_NAMES.items() for name in names.split()}


def from_espeak(name: str) -> str:
    """Return the CMU phone nearest on the face to an espeak-ng phone mnemonic; pauses and the unknown are ``SIL``."""
    bare = re.sub(r"[',%=;|!_#\"]", "", name)
    for candidate in (name, bare, re.sub(r"\d+$", "", bare), re.sub(r"[:~\d^-]", "", bare), bare[:2], bare[:1]):
        if candidate in _ESPEAK:
            return _ESPEAK[candidate]
    return "SIL"


def recognise_phones(samples_16k: NDArray[np.float32], *, trust: float = 0.4) -> tuple[Phone, ...]:
    """Return phones of speech that has no transcript: pocketsphinx writes its own, then aligns it.

    Words it believes in with a posterior below ``trust`` come back as ``"?"``. Noisy (about one word in three is wrong), but of
    many voices.
    """
    recognition = recognise(samples_16k)
    doubted = [
        (segment.first / FRAMES_A_SECOND, segment.last / FRAMES_A_SECOND)
        for segment in recognition.segments
        if segment.posterior < trust and not segment.name.startswith("<")
    ]

    def doubtful(phone: Phone) -> bool:
        return phone.name != "SIL" and any(start <= phone.middle <= end for start, end in doubted)

    phones = align_phones(samples_16k, recognition.text)
    return tuple(Phone(phone.start, phone.end, "?") if doubtful(phone) else phone for phone in phones)
