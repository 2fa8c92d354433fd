"""Two people on one track: the words that both performers' tracks have at the same moment are somebody's of the other track."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from duologue.brief.transcript import Word

_TOGETHER: Final = 0.2
"""Seconds by which two recognisers' times of one sound differ at most, and a voice reaches the other microphone late."""
_RUN: Final = 3
"""Shared words in a row that are no coincidence: two people do say "yes" and "I know" at once."""
_GAP: Final = 2.0
"""Seconds without a shared word that part two stretches."""


def shared_stretches(a: Sequence[Word], b: Sequence[Word]) -> list[tuple[float, float]]:
    """Return the stretches (seconds) in which three words and more are heard on both tracks at once, in the order of time."""
    runs: list[list[Word]] = []
    others = sorted((word.start, _bare(word)) for word in b)
    for word in a:
        bare = _bare(word)
        near = (bisect_left(others, (word.start + shift, "")) for shift in (-_TOGETHER, _TOGETHER))
        if not bare or bare not in (other for _, other in others[slice(*near)]):
            continue
        if runs and word.start - runs[-1][-1].end < _GAP:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [(run[0].start, run[-1].end) for run in runs if len(run) >= _RUN]


def note_of(stretches: Sequence[tuple[float, float]]) -> str:
    """Say what is to be done about stretches that both tracks share."""
    shown = ", ".join(f"{start:.0f} to {end:.0f} s" for start, end in stretches[:6]) + (
        ", …" if len(stretches) > 6 else ""
    )
    return (
        f"the same words are heard on both tracks ({shown}): two people are on one track there, and its face speaks both parts; "
        "separate the voices, or give each performer their own channel"
    )


def _bare(word: Word) -> str:
    return "".join(character for character in word.text.lower() if character.isalnum())
