# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the animator set to a brief: speech, words, timelines out of markers, starts, and objects as places and points."""

from ..cast.casting import cast_both
from .missing import what_is_missing
from .rows import in_the_panel
from .speech import read_speech, read_voices
from .stamp import fingerprint
from .starts import place_at_start, place_of, sample_starts
from .whole import make_brief

__all__ = [
    "cast_both",
    "fingerprint",
    "in_the_panel",
    "make_brief",
    "place_at_start",
    "place_of",
    "read_speech",
    "read_voices",
    "sample_starts",
    "what_is_missing",
]
