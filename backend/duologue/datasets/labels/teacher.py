"""What a larger network hears in sounds: Whisper's encoder, as a teacher of our own (knowledge distillation, Hinton et al. 2015,
arXiv 1503.02531; of a speech encoder's features: DistilHuBERT, Chang et al. 2022, arXiv 2110.01900).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.speech.whisper import LONGEST, Whisper, bundled
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH: Final = 384
"""Of tiny.en's features."""
_RATE: Final = 50
_PAUSE: Final = 0.5
"""Seconds between two sounds that are heard in one go: Whisper always hears thirty seconds, and takes as long for less."""


def taught(sounds: Mapping[str, NDArray[np.float32]], cache: Path) -> list[NDArray[np.float16]]:
    """Return the features (T, 384), frame k at k / 50 s, of sounds (n,) at 16 kHz by name; kept in ``cache``.

    By the Whisper of the extra ``hear``; without it nobody teaches: (0, 384) each. Sounds longer than ``LONGEST`` seconds have
    features up to there.
    """
    cache.mkdir(parents=True, exist_ok=True)
    paths = [cache / f"{name.replace('/', '--')}.npy" for name in sounds]
    missing = [(sound, path) for sound, path in zip(sounds.values(), paths, strict=True) if not path.exists()]
    if missing and (found := bundled()):
        teacher = Whisper(found)
        for group in _groups([len(sound) for sound, _ in missing]):
            _listen(teacher, [missing[at] for at in group])
    nothing = np.zeros((0, WIDTH), np.float16)
    return [np.load(path, allow_pickle=False) if path.exists() else nothing for path in paths]


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Return the numbers of sounds that are heard together, in their order: as many as there is room for."""
    groups: list[list[int]] = [[]]
    taken = 0.0
    for index, length in enumerate(lengths):
        seconds = length / SPEECH_RATE + _PAUSE
        if groups[-1] and taken + seconds > LONGEST:
            groups.append([])
            taken = 0.0
        groups[-1].append(index)
        taken += seconds
    return groups


def _listen(teacher: Whisper, group: Sequence[tuple[NDArray[np.float32], Path]]) -> None:
    pause = np.zeros(int(_PAUSE * SPEECH_RATE), np.float32)
    joined = np.concatenate([part for sound, _ in group for part in (sound, pause)])
    features = teacher.features(joined[: int(LONGEST * SPEECH_RATE)])
    start = 0
    for sound, path in group:
        first = round(start * _RATE / SPEECH_RATE)
        np.save(path, features[first : first + len(sound) * _RATE // SPEECH_RATE + 1])
        start += len(sound) + len(pause)
