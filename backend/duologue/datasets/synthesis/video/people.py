"""The people of the clips: built once, kept on disk, divided by split."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from duologue.datasets.synthesis.characters.build import encode
from duologue.datasets.synthesis.characters.drawn import draw_person
from duologue.errors import invalid
from duologue.files.atomic import write_bytes
from duologue.people.person import person_path
from duologue.rigs.samples import SAMPLES

FEWEST: Final = 6
"""People that can be divided: two for each split."""
_STEP: Final = 7919
"""Between the seeds of two people."""


def cast_of(people: int) -> dict[str, tuple[str, ...]]:
    """Return who is in which split: a tenth each, two at least, for validation and test; Ada and Ben are tested on as well.

    Raises:
        DuologueError: INVALID_ARGUMENT ``out-of-range``.
    """
    if people < FEWEST:
        raise invalid("out-of-range", f"{people} people can't be divided; {FEWEST} are the fewest", field="--people")
    names = [f"p{k:03d}" for k in range(people)]
    held = max(2, round(people / 10))
    return {
        "train": tuple(names[: -2 * held]),
        "validation": tuple(names[-2 * held : -held]),
        "test": (*names[-held:], *SAMPLES),
    }


def build_person(folder: Path, seed: int, name: str) -> None:
    """Draw somebody and write them, unless they are there (5 s). Raises what ``files.atomic.write_bytes`` raises."""
    path = person_path(folder, name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, encode(draw_person(seed * _STEP + int(name[1:]), name)))
