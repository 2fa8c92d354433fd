"""What the face model trains from and is judged on: conversations in memory, composed or captured, a few minutes in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duologue.speech.phones import Phone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Dialogue:
    """One conversation of T frames at 30 fps."""

    samples: NDArray[np.float32]
    """(2, N) at 16 kHz."""
    weights: NDArray[np.float32]
    """(2, T, 52)."""
    emotion: NDArray[np.int64]
    """(2, T) indices into ``labels.EMOTIONS``."""
    style: NDArray[np.int64]
    """(2,): speaker ids; for the starter indices into ``synthesis.face.conversations.STYLES``."""
    facing: NDArray[np.bool_]
    """(2, T)."""
    phones: tuple[tuple[Phone, ...], tuple[Phone, ...]]
    performers: tuple[int, ...] = (0, 1)
    """Those whose weights are known; a single capture has a silent partner of whom nothing is."""
    lip_phones: tuple[tuple[Phone, ...], tuple[Phone, ...]] = ((), ())
    """For evaluation: what performing would know of the phones from a transcript (``speech.lip_phones``)."""
    heard_phones: tuple[tuple[Phone, ...], tuple[Phone, ...]] = ((), ())
    """The same of the words that performing recognises where there is no transcript."""
