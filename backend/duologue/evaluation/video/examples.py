"""One clip of each pattern, as systems make it: for sheets and videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from duologue.datasets.corpus.video import FPS, PATTERNS, Clip, VideoCorpus
from duologue.errors import DuologueError
from duologue.evaluation.video.metrics import Bytes
from duologue.evaluation.video.sheet import film
from duologue.evaluation.video.systems import System
from duologue.files.atomic import prepare_folder

TRUTH: Final = "truth"
"""The plain render, among systems."""
SHOWN: Final = (TRUTH, "carried", "relit", "asym", "add", "render")
"""What is shown of each clip, in this order."""


def of_each_pattern(corpus: VideoCorpus, split: str, patterns: Sequence[str] = PATTERNS[1:]) -> dict[str, Clip]:
    """Return of each pattern the clip of a split in which hand and face are seen best; patterns without one are left out.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-empty`` where no pattern has one.
    """
    best: dict[str, tuple[float, int]] = {}
    for number in corpus.numbers(split):
        about = corpus.load(number, ()).about
        best[about["pattern"]] = max(best.get(about["pattern"], (-1.0, number)), (_seen(about), number))
    found = {pattern: corpus.load(best[pattern][1]) for pattern in patterns if pattern in best}
    if not found:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "corpus-empty",
            f"{corpus.folder} has no clip of a touch in {split}; make more of them.",
        )
    return found


def _seen(about: Mapping[str, Any]) -> float:
    return float(about.get("hand_seen", 0.0)) * float(about.get("face_seen", 0.0))


def made(
    clips: Mapping[str, Clip],
    systems: Mapping[str, System],
    shown: Iterable[str] = SHOWN,
    report: Callable[[str, float, float], None] = lambda stage, done, total: None,
) -> dict[str, dict[str, Bytes]]:
    """Return the pictures of each pattern's clip, by system."""
    found: dict[str, dict[str, Bytes]] = {}
    for done, (pattern, clip) in enumerate(clips.items()):
        found[pattern] = {name: clip.arrays["rgb"] if name == TRUTH else systems[name](clip) for name in shown}
        report("examples", done + 1, len(clips))
    return found


def write_films(examples: Mapping[str, Mapping[str, Bytes]], folder: Path) -> None:
    """Write ``PATTERN.mp4`` of each: systems beside each other, in the order of ``SHOWN``.

    Raises:
        DuologueError: what :func:`.sheet.film` raises.
    """
    prepare_folder(folder)
    for pattern, systems in examples.items():
        film(systems, folder / f"{pattern}.mp4", FPS)
