"""BEAT2 as its users download it (EMAGE, Liu et al. 2024, arXiv 2401.00374): SMPL-X at 30 fps, sounds and words.

``beat_english_v2.0.0/{smplxflame_30/NAME.npz, wave16k/NAME.wav, textgrid/NAME.TextGrid, train_test_split.csv}``, for any of its
languages. Names are BEAT's. Faces are FLAME's expressions, of which ARKit's weights can't be told without its model: left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from duologue.datasets.readers.beat import NAME, emotion_of, text_of
from duologue.datasets.readers.noting import note_lengths
from duologue.datasets.readers.smpl import on_skeleton
from duologue.datasets.readers.speech import read_words, sound_of_file
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.errors import DuologueError
from duologue.files.document import read_text
from duologue.labels import EMOTIONS
from duologue.smpl.layouts import read_parameters

MOTION: Final = "smplxflame_30"
_SPLITS: Final = {"train": "train", "val": "validation", "test": "test", "additional": "train"}


class Beat2(DataSet):
    """BEAT2, one person a recording.

    Raises:
        DuologueError: NOT_FOUND ``beat2-missing`` when it has not one recording.
    """

    layout = "BEAT2"
    licence = "its own, for research"

    def __init__(self, root: Path, model: Path | None = None) -> None:
        super().__init__(root)
        self._model = model
        self.entries = [entry for folder in sorted(root.glob(f"**/{MOTION}")) for entry in self._of(folder)]
        if not self.entries:
            raise DuologueError(
                "NOT_FOUND", "beat2-missing", f"{root} has no {MOTION}/SPEAKER_NAME_SECTION_FIRST_LAST.npz."
            )

    def _of(self, motions: Path) -> Iterator[Entry]:
        """Yield the recordings of one language."""
        folder, splits = motions.parent, _splits(motions.parent / "train_test_split.csv")
        for path in sorted(motions.glob("*.npz")):
            match = NAME.fullmatch(path.stem)
            if match is None:
                named = "it is not named SPEAKER_NAME_SECTION_FIRST_LAST.npz"
                self.problems.append(Problem(path.relative_to(self.root).as_posix(), "name-unknown", named))
                continue
            words = folder / "textgrid" / f"{path.stem}.TextGrid"
            files = [path, folder / "wave16k" / f"{path.stem}.wav", *([words] if words.is_file() else [])]
            relative = tuple(file.relative_to(self.root).as_posix() for file in files)
            yield Entry(path.stem, (match["speaker"],), relative, splits.get(path.stem, ""), text_of(match))

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read one speaker."""
        motion_file, sound_file, *words_file = entry.files
        parameters = reading.attempt(motion_file, read_parameters, self.root / motion_file)
        sound = reading.attempt(sound_file, sound_of_file, self.root / sound_file)
        words = reading.attempt(words_file[0], read_words, self.root / words_file[0]) if words_file else None
        if parameters is None or sound is None or reading.problems:
            return None
        motion = reading.attempt(
            motion_file, lambda: on_skeleton(parameters, motion_file, reading, self._model, expected="+Y")
        )
        if motion is None:
            return None
        emotion = np.full(len(motion[0]), EMOTIONS.index(emotion_of(entry.name)), np.uint8)
        person = Person(entry.people[0], motion, sound, words, emotion=emotion, gender=parameters.gender)
        note_lengths(person, motion_file, reading)
        return Scene(entry.name, (person,), split=entry.split)


def _splits(path: Path) -> dict[str, str]:
    """Return the split of each recording: columns ``id`` and ``type``."""
    if not path.is_file():
        return {}
    rows = csv.DictReader(read_text(path).splitlines())
    return {row.get("id", ""): _SPLITS.get(row.get("type", ""), "") for row in rows}
