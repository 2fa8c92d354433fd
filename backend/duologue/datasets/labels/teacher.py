"""What a larger network hears in clips: Whisper's encoder, as a teacher of our own (knowledge distillation, Hinton et al. 2015,
arXiv 1503.02531; of a speech encoder's features: DistilHuBERT, Chang et al. 2022, arXiv 2110.01900).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.datasets.readers.kit_speech import Clip
from duologue.speech.whisper import LONGEST, Whisper, bundled
from duologue.units import SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH: Final = 384
"""Of tiny.en's features."""
_RATE: Final = 50
_PAUSE: Final = 0.5
"""Seconds between two clips that are heard in one go: Whisper always hears thirty seconds, and takes as long for less."""


def taught(clips: Sequence[Clip], cache: Path) -> list[NDArray[np.float16]]:
    """Return each clip's features (T, 384), frame k at k / 50 s, by the Whisper of the extra ``hear``; kept in ``cache``.

    Clips longer than ``LONGEST`` seconds have features up to there. Without the extra nobody teaches: (0, 384) each.
    """
    cache.mkdir(parents=True, exist_ok=True)
    paths = [cache / f"{clip.name.replace('/', '--')}.npy" for clip in clips]
    missing = [index for index, path in enumerate(paths) if not path.exists()]
    if missing and (found := bundled()):
        teacher = Whisper(found)
        for group in _groups([len(clips[index].samples) for index in missing]):
            _listen(teacher, [clips[missing[at]] for at in group], [paths[missing[at]] for at in group])
    nothing = np.zeros((0, WIDTH), np.float16)
    return [np.load(path, allow_pickle=False) if path.exists() else nothing for path in paths]


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Return the numbers of clips that are heard together, in their order: as many as there is room for."""
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


def _listen(teacher: Whisper, clips: Sequence[Clip], paths: Sequence[Path]) -> None:
    pause = np.zeros(int(_PAUSE * SPEECH_RATE), np.float32)
    starts = np.cumsum([0, *(len(clip.samples) + len(pause) for clip in clips)])
    joined = np.concatenate([part for clip in clips for part in (clip.samples, pause)])
    features = teacher.features(joined[: int(LONGEST * SPEECH_RATE)])
    for clip, start, path in zip(clips, starts, paths, strict=False):
        first = round(float(start) * _RATE / SPEECH_RATE)
        np.save(path, features[first : first + len(clip.samples) * _RATE // SPEECH_RATE + 1])
