"""BEAT as its users download it (Liu et al. 2022, arXiv 2203.05297), and any folder that is laid out like it.

``<root>/<speaker>/<speaker>_<name>_<section>_<first>_<last>.bvh`` with ``.wav`` and, for its words, ``.TextGrid`` beside it.
Sections of an even number are read or told alone, odd ones are said to an interviewer who was not captured. Each recording is of
*one* person.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from duologue.datasets.readers.bvh import on_skeleton
from duologue.datasets.readers.noting import note_clip, note_lengths
from duologue.datasets.readers.speech import read_words, sound_of_file
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.errors import DuologueError
from duologue.labels import EMOTIONS
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton

NAME: Final = re.compile(r"(?P<speaker>\d+)_(?P<name>[a-z]+)_(?P<section>\d+)_(?P<first>\d+)_(?P<last>\d+)")

_EMOTIONS: Final = (
    (64, "calmness"), (72, "joy"), (80, "anger"), (86, "sadness"), (94, "disgust"), (102, "surprise"), (110, "fear"),
    (118, "disgust"),
)  # fmt: skip
"""By the number of a read section, up to each (its authors: github.com/PantoMatrix/PantoMatrix/issues/20); its contempt is the
nearest that we have."""


def emotion_of(stem: str) -> str:
    """Return the emotion that a recording of BEAT's was acted in, by its name."""
    match = NAME.fullmatch(stem)
    if match is None or int(match["section"]) % 2:
        return "calmness"
    first = int(match["first"])
    return next((label for last, label in _EMOTIONS if first <= last), "calmness")


def text_of(match: re.Match[str]) -> str:
    """Return what is read or told in a recording: its name without the speaker."""
    return "_".join(match.group("section", "first", "last"))


class Beat(DataSet):
    """BEAT, motion in BVH.

    Raises:
        DuologueError: NOT_FOUND ``beat-missing`` when it has not one recording.
    """

    layout = "BEAT"
    licence = "its own, for research"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        entries: list[Entry] = []
        for path in sorted(root.glob("**/*.bvh")):
            file = path.relative_to(root).as_posix()
            match = NAME.fullmatch(path.stem)
            if match is None:
                named = "it is not named SPEAKER_NAME_SECTION_FIRST_LAST.bvh"
                self.problems.append(Problem(file, "name-unknown", named))
                continue
            words = path.with_suffix(".TextGrid")
            files = (file, file.removesuffix(".bvh") + ".wav")
            files += (words.relative_to(root).as_posix(),) if words.is_file() else ()
            entries.append(Entry(path.stem, (match["speaker"],), files, scenario=text_of(match)))
        self.entries = entries
        if not entries:
            raise DuologueError(
                "NOT_FOUND",
                "beat-missing",
                f"{root} has no SPEAKER_NAME_SECTION_FIRST_LAST.bvh with a .wav beside it; give the folder with its speakers "
                "in it.",
            )

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read one speaker."""
        motion_file, sound_file, *words_file = entry.files
        clip = reading.attempt(motion_file, read_bvh, self.root / motion_file)
        sound = reading.attempt(sound_file, sound_of_file, self.root / sound_file)
        words = reading.attempt(words_file[0], read_words, self.root / words_file[0]) if words_file else None
        if clip is None or sound is None:
            return None
        motion = reading.attempt(motion_file, on_skeleton, clip, motion_file, Skeleton.builtin("duologue60"))
        if motion is None or reading.problems:
            return None
        note_clip(clip, motion_file, reading)
        emotion = np.full(len(motion[0]), EMOTIONS.index(emotion_of(entry.name)), np.uint8)
        person = Person(entry.people[0], motion, sound, words, emotion=emotion)
        note_lengths(person, motion_file, reading)
        return Scene(entry.name, (person,), split=entry.split)
