"""AMASS as its users download it (Mahmood et al. 2019): ``SUBSET/SUBJECT/NAME_poses.npz`` (SMPL-H) or ``NAME_stageii.npz``
(SMPL-X).

People alone, without speech: bodies that are silent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from duologue.datasets.readers.smpl import on_skeleton
from duologue.datasets.scene import DataSet, Entry, Person, Reading, Scene
from duologue.errors import DuologueError
from duologue.smpl.layouts import read_parameters

PATTERNS: Final = ("**/*_poses.npz", "**/*_stageii.npz")


class Amass(DataSet):
    """AMASS, or some of its subsets.

    Raises:
        DuologueError: NOT_FOUND ``amass-missing`` when it has not one recording.
    """

    layout = "AMASS"
    licence = "its own, for non-commercial research"

    def __init__(self, root: Path, model: Path | None = None) -> None:
        super().__init__(root)
        self._model = model
        paths = sorted(path for pattern in PATTERNS for path in root.glob(pattern))
        files = [path.relative_to(root).as_posix() for path in paths]
        self.entries = [Entry(file.removesuffix(".npz"), (file.rpartition("/")[0] or ".",), (file,)) for file in files]
        if not files:
            raise DuologueError("NOT_FOUND", "amass-missing", f"{root} has no NAME_poses.npz and no NAME_stageii.npz.")

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read one recording."""
        (file,) = entry.files
        parameters = reading.attempt(file, read_parameters, self.root / file)
        if parameters is None:
            return None
        motion = reading.attempt(file, lambda: on_skeleton(parameters, file, reading, self._model, expected="+Z"))
        if motion is None:
            return None
        return Scene(entry.name, (Person(entry.people[0], motion, gender=parameters.gender),), split=entry.split)
