"""One voice out of a sound's channels: their mean, or one of them where the mean would lose it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid

Floats = NDArray[np.float32]

_PIECE: Final = 8192
"""Frames over which channels are compared: a fifth of a second at 44.1 kHz."""
_DEAD: Final = 1e-4
"""-40 dB: a channel whose loudest piece is this far under another's holds no voice."""
_LOST: Final = 0.5
"""A piece is lost when its mean has less than half of the power that it has of channels with nothing in common."""
_AS_LOUD: Final = 0.95
"""Of the loudest channel's power: of two as loud the first is taken, whatever rounding has made of them."""
_SHARE: Final = 0.1
"""Of the power, that has to be lost before the mean is not taken."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth")


def check_channel(channels: int, channel: int | None, field: str = "") -> None:
    """Refuse a channel, counted from 0, that a sound of so many doesn't have; None is all of them.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-channel``.
    """
    if channel is not None and not 0 <= channel < channels:
        has = f"channels 0 to {channels - 1}" if channels > 1 else "only channel 0"
        raise invalid("audio-channel", f"has no channel {channel}: it has {has}", field=field)


def mono(samples: Floats, channel: int | None) -> Floats:
    """Return (n,) of samples (n, channels): one channel, or the mean of all."""
    if channel is None and samples.shape[1] > 1:
        return samples.mean(axis=1, dtype=np.float32)
    return samples[:, channel or 0].copy()


def downmix(samples: Floats, channel: int | None = None, field: str = "") -> tuple[Floats, tuple[str, ...]]:
    """Return (n,) of samples (n,) or (n, channels), and a note where one channel was taken instead of the mean of all.

    Args:
        samples: of one or more channels.
        channel: the one that was asked for, counted from 0.
        field: the place of the sound, for errors.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-channel``.
    """
    tracks = samples[:, None] if samples.ndim == 1 else samples
    check_channel(tracks.shape[1], channel, field)
    if channel is not None or tracks.shape[1] == 1:
        return mono(tracks, channel), ()
    balance = Balance()
    for begin in range(0, len(tracks), 32 * _PIECE):
        balance.add(tracks[begin : begin + 32 * _PIECE])
    taken, notes = balance.choice()
    return mono(tracks, taken), notes


class Balance:
    """How the channels of a sound stand to each other, gathered block by block."""

    def __init__(self) -> None:
        self._powers: list[NDArray[np.float64]] = []
        self._means: list[float] = []

    def add(self, block: Floats) -> None:
        """Take in the next samples (n, channels)."""
        for piece in _pieces(block):
            self._powers.append(np.square(piece, dtype=np.float64).sum(axis=0))
            self._means.append(float(np.square(piece.mean(axis=1), dtype=np.float64).sum()))

    def choice(self) -> tuple[int | None, tuple[str, ...]]:
        """Return the channel to take, None where it is the mean of all, and a note that says why."""
        if not self._powers or len(self._powers[0]) == 1:
            return None, ()
        powers, means = np.array(self._powers), np.array(self._means)
        count = powers.shape[1]
        total = powers.sum()
        by_channel = powers.sum(axis=0)
        loudest = int(np.argmax(by_channel >= _AS_LOUD * by_channel.max()))
        if not np.isfinite(total) or total <= 0:
            return None, ()
        place = f"{_ORDINALS[loudest] if loudest < len(_ORDINALS) else f'{loudest + 1}th'} of {count}"
        peaks = powers.max(axis=0)
        if (np.delete(peaks, loudest) < _DEAD * peaks[loudest]).all():
            return loudest, (f"only one of its channels has a voice: that one, the {place}, was taken",)
        lost = means < _LOST * powers.sum(axis=1) / count**2
        if powers[lost].sum() > _SHARE * total:
            return loudest, (
                f"its channels cancel each other when they are mixed: the loudest, the {place}, was taken",
            )
        return None, ()


def _pieces(block: Floats) -> Iterator[Floats]:
    for begin in range(0, len(block), _PIECE):
        yield block[begin : begin + _PIECE]
