"""Log-mel energies a frame, as the body model hears speech.

After StyleGestures (Alexanderson et al. 2020, its published ``audio_features.py``; LDA's and InterAct's own features are not
published, these are their nearest; docs/reference/papers.md#what-the-networks-are-given): a hop of exactly one frame,
2048-point power spectra, 27 bands from 0 to 8000 Hz, natural logarithm. The bands are Slaney's (Auditory Toolbox, 1998; what
librosa calls ``htk=False, norm="slaney"``).
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.units import FPS

RATE: Final = 24_000
HOP: Final = RATE // FPS
BANDS: Final = 27
WINDOW: Final = 2048
TOP: Final = 8000.0
FLOOR: Final = 1e-5
"""Energy added before the logarithm: digital silence becomes log(1e-5), near a quiet room, and not minus infinity."""


def log_mel(samples: NDArray[np.float32], rate: int = RATE) -> NDArray[np.float32]:
    """Return (T, 27) natural-log mel energies of mono samples (n,) at 24 kHz; frame t is centred at t / 30 s, T = ceil(n / 800).

    Raises:
        ValueError: ``rate`` is not 24,000: resample first.
    """
    if rate != RATE:
        raise ValueError(f"log_mel takes {RATE} samples a second, not {rate}")
    frames = -(-len(samples) // HOP)
    padded = np.pad(samples, (WINDOW // 2, WINDOW // 2 + HOP))
    stretches = sliding_window_view(padded, WINDOW)[: frames * HOP : HOP]
    bands = filters()
    out = np.empty((frames, BANDS), np.float32)
    # In blocks: half an hour at once would be a gigabyte of spectra.
    for start in range(0, frames, 4096):
        spectra = np.fft.rfft(stretches[start : start + 4096] * _hann())
        power = spectra.real**2 + spectra.imag**2
        out[start : start + 4096] = np.log(power @ bands + FLOOR)
    return out


@cache
def filters(rate: int = RATE, window: int = WINDOW, bands: int = BANDS) -> NDArray[np.float64]:
    """Return a mel filter bank (window / 2 + 1, bands): triangles of equal area between points equally far apart on Slaney's
    scale, from 0 to 8000 Hz."""
    points = _hertz(np.linspace(0.0, _mel(TOP), bands + 2))
    bins = np.fft.rfftfreq(window, 1 / rate)[:, None]
    low, centre, high = points[:-2], points[1:-1], points[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (high - low))


@cache
def _hann() -> NDArray[np.float64]:
    """Periodic, as spectra of a stretch that is one of many want it."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


# Slaney's scale: linear to 1000 Hz (15 mel), then 27 steps for every factor of 6.4.
_LINEAR: Final = 200 / 3
_KNEE_HZ: Final = 1000.0
_KNEE: Final = _KNEE_HZ / _LINEAR
_STEP: Final = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    return float(_KNEE + np.log(hertz / _KNEE_HZ) / _STEP) if hertz >= _KNEE_HZ else hertz / _LINEAR


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _KNEE, mel * _LINEAR, _KNEE_HZ * np.exp(_STEP * (mel - _KNEE)))
