"""BEAT as its users download it (Liu et al. 2022, arXiv 2203.05297), and any folder that is laid out like it.

``<root>/<speaker>/<speaker>_<name>_<section>_<first>_<last>.bvh`` with ``.wav`` and, for its words, ``.TextGrid`` beside it.
Sections of an even number are read or told alone, odd ones are said to an interviewer who was not captured. Each recording is of
*one* person: two of them are put face to face here, and neither hears the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from duologue.brief import Speech, Transcript
from duologue.datasets.corpus.body import Corpus, Pair
from duologue.datasets.readers.bvh import read_motion
from duologue.datasets.readers.scenes import make_pair
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.motion.skeleton import Skeleton
from duologue.speech.decode import load_speech
from duologue.speech.features import SpeechFeatures, speech_features
from duologue.speech.text import TextEncoder

NAME: Final = re.compile(r"(?P<speaker>\d+)_(?P<name>[a-z]+)_(?P<section>\d+)_(?P<first>\d+)_(?P<last>\d+)")

_EMOTIONS: Final = (
    (64, "calmness"), (72, "joy"), (80, "anger"), (86, "sadness"), (94, "disgust"), (102, "surprise"), (110, "fear"),
    (118, "disgust"),
)  # fmt: skip
"""By the number of a read section, up to each (its authors: github.com/PantoMatrix/PantoMatrix/issues/20); its contempt is the
nearest that we have."""

_APART: Final = 1.6
"""Metres between two who are put face to face."""


@dataclass(frozen=True)
class Recording:
    """One person's recording."""

    speaker: str
    motion: Path
    speech: Path
    words: Path | None
    emotion: str


def read_recordings(root: Path) -> list[Recording]:
    """Return every recording that has motion and speech, by name.

    Raises:
        DuologueError: NOT_FOUND ``beat-missing`` when there is none.
    """
    recordings: list[Recording] = []
    for path in sorted(root.glob("**/*.bvh")):
        match = NAME.fullmatch(path.stem)
        speech, words = path.with_suffix(".wav"), path.with_suffix(".TextGrid")
        if match and speech.exists():
            read = int(match["section"]) % 2 == 0
            first = int(match["first"])
            emotion = next((label for last, label in _EMOTIONS if first <= last), "calmness") if read else "calmness"
            recordings.append(Recording(match["speaker"], path, speech, words if words.exists() else None, emotion))
    if not recordings:
        raise DuologueError(
            "NOT_FOUND",
            "beat-missing",
            f"{root} has no SPEAKER_NAME_SECTION_FIRST_LAST.bvh with a .wav beside it; give the folder with its speakers in it.",
        )
    return recordings


def beat_corpus(root: Path, folder: Path, skeleton: Skeleton, progress: Callable[[int, int], None]) -> None:
    """Read all of it into a training corpus: each recording beside the next one, of another speaker where there is one.

    The relationship is ``strangers``: nobody in it is anything to anybody. Styles are the speakers.
    """
    recordings = read_recordings(root)
    encoder = TextEncoder.load()
    speakers = sorted({recording.speaker for recording in recordings}, key=int)

    def pairs() -> Iterator[Pair]:
        for done, a in enumerate(recordings):
            others = [r for r in recordings if r.speaker != a.speaker] or recordings
            yield recording_pair(a, others[done % len(others)], skeleton, encoder, speakers)
            progress(done + 1, len(recordings))

    Corpus.write(folder, pairs(), {"recipe": "BEAT", "recordings": len(recordings), "styles": speakers})


def recording_pair(a: Recording, b: Recording, skeleton: Skeleton, encoder: TextEncoder, speakers: list[str]) -> Pair:
    """Return two recordings, as long as the shorter one, face to face. Styles are their speakers' places in ``speakers``."""
    motions = [read_motion(recording.motion, skeleton) for recording in (a, b)]
    pair = make_pair(
        motions,
        [_speech(recording, encoder) for recording in (a, b)],
        skeleton,
        emotions=(a.emotion, b.emotion),
        relationship="strangers",
        styles=(speakers.index(a.speaker), speakers.index(b.speaker)),
    )
    starts = np.array([[-_APART / 2, 0.0, np.pi / 2], [_APART / 2, 0.0, -np.pi / 2]])
    pair.path[:] = poses.walk(starts, pair.features.swapaxes(0, 1).astype(np.float64), moving=False).swapaxes(0, 1)
    return pair


def _speech(recording: Recording, encoder: TextEncoder) -> SpeechFeatures:
    words = recording.words
    transcript = Transcript(words.read_text(encoding="utf-8"), "textgrid") if words else None
    sound = load_speech(Speech(recording.speech), field=recording.speech.name)
    return speech_features(sound, transcript, encoder, field=recording.motion.name)
