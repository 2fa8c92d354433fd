"""Can somebody who does not know the list of patterns tell from a video what is done? Videos without a word, and a key apart.

Answers are free text; one is right where it names the pattern's doing and its place (``pokes the cheek`` for ``poke-cheek``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue.datasets.corpus.video import FPS
from duologue.errors import DuologueError, invalid
from duologue.evaluation.compare import wilson
from duologue.evaluation.video.metrics import Bytes
from duologue.evaluation.video.sheet import film, sheet_of
from duologue.files.atomic import prepare_folder, write_text
from duologue.files.document import read_text
from duologue.labels import FACE_INTERACTIONS

ASKED: Final = FACE_INTERACTIONS[:18]
"""InterHF's families and number; the two that are ours are not asked for."""
ANSWERS: Final = "answers.csv"
QUESTION: Final = "What does the hand do, and to which part of whose face?"
_MOMENTS: Final = 8
_ALIKE: Final[Mapping[str, tuple[str, ...]]] = {
    "poke": ("poke", "poking", "prod", "jab"),
    "pinch": ("pinch", "squeez", "tweak"),
    "stroke": ("strok", "caress", "rub"),
    "swipe": ("swip", "wip", "brush"),
    "lips": ("lip", "mouth"),
}
"""What words begin with that count for a doing or a place; other ones begin as they are called."""


def write_set(examples: Mapping[str, Bytes], folder: Path, key: Path, seed: int, system: str) -> int:
    """Write pictures (T, H, W, 3) by pattern as ``01.mp4``, ``01.png``, … in an order by ``seed``; return how many.

    ``folder`` also gets ``sheet.png``, all of them in their order, three a line, and ``answers.csv`` to be filled in. ``key``:
    the file that says which is which.

    Raises:
        DuologueError: INVALID_ARGUMENT ``folder-not-empty``; what writing raises.
    """
    if folder.exists() and any(folder.iterdir()):
        raise invalid("folder-not-empty", f"{folder} holds something already; choose another folder.", field="--out")
    prepare_folder(folder)
    order = np.random.default_rng(seed).permutation(sorted(examples)).tolist()
    names = {f"{number + 1:02d}": pattern for number, pattern in enumerate(order)}
    for name, pattern in names.items():
        film({system: examples[pattern]}, folder / f"{name}.mp4", FPS)
        sheet_of([{system: examples[pattern].repeat(2, 1).repeat(2, 2)}], folder / f"{name}.png", moments=_MOMENTS)
    sheet_of([{system: examples[pattern]} for pattern in order], folder / "sheet.png")
    write_text(folder / ANSWERS, "video,answer\n" + "".join(f"{name},\n" for name in names))
    write_text(key, json.dumps({"system": system, "seed": seed, "videos": names}, indent=1) + "\n")
    return len(names)


def read_key(path: Path) -> dict[str, str]:
    """Return the pattern of each video.

    Raises:
        DuologueError: NOT_FOUND ``key-missing``; DATA_LOSS ``key-damaged``.
    """
    try:
        videos = json.loads(path.read_text(encoding="utf-8"))["videos"]
        return {str(name): str(pattern) for name, pattern in videos.items()}
    except OSError as error:
        raise DuologueError("NOT_FOUND", "key-missing", f"can't read the key {path}", field="--key") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DuologueError("DATA_LOSS", "key-damaged", f"{path} is not a key: {error!r}", field="--key") from error


def named(answer: str, pattern: str) -> bool:
    """Return whether an answer names what is done and where."""
    words = re.findall(r"[a-z]+", answer.lower())
    return all(
        any(word.startswith(start) for word in words for start in _ALIKE.get(part, (part,)))
        for part in pattern.split("-")
    )


def count(answers: Path, key: Mapping[str, str]) -> dict[str, Any]:
    """Return of each of the ``videos`` its pattern, the answer and whether that names it, and the ``share`` that is named.

    Raises:
        DuologueError: NOT_FOUND ``answers-missing`` where nothing is filled in; INVALID_ARGUMENT ``answer-unknown`` for a video
            that the key has not.
    """
    rows: Sequence[Mapping[str, str | None]] = list(csv.DictReader(io.StringIO(read_text(answers), newline="")))
    said: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        name, answer = (row.get("video") or "").strip(), (row.get("answer") or "").strip()
        if not answer:
            continue
        if name not in key:
            raise invalid("answer-unknown", f"{answers.name}, line {number}: the key has no video {name!r}.")
        said[name] = answer
    if not said:
        raise DuologueError("NOT_FOUND", "answers-missing", f"{answers} has no answer yet", field="answers")
    videos = {
        name: {"pattern": pattern, "answer": said.get(name, ""), "named": named(said.get(name, ""), pattern)}
        for name, pattern in key.items()
    }
    return {"share": wilson(sum(bool(one["named"]) for one in videos.values()), len(key)), "videos": videos}
