"""Videos by pattern, as InterHF (InterAnimate, arXiv 2504.10905) may come: its release was announced, and none is known.

What is read is what such a set can't do without: a folder a pattern, its videos named ``SUBJECT_…``; or a table ``index.csv``
with ``video``, ``pattern``, ``subject`` and perhaps ``split``. Names of patterns are matched to ours: ``Stroke_Cheek`` is
``stroke-cheek``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from duologue.datasets.corpus.video import PATTERNS, SPLITS, Clip
from duologue.datasets.readers.videos import Square, read_video, windows
from duologue.errors import DuologueError, invalid
from duologue.files.document import read_text

TABLE: Final = "index.csv"
_VIDEOS: Final = (".mp4", ".mov", ".avi", ".mkv", ".webm")
_TESTED: Final = 10
"""Per cent of the subjects that are tested on where the set itself says nothing, as the paper divides it."""


@dataclass(frozen=True)
class Recording:
    """One video: what is done in it, who does it, and which split they are of."""

    video: Path
    pattern: str
    subject: str
    split: str


def read_recordings(folder: Path) -> list[Recording]:
    """Return what a folder holds; videos are not opened.

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` for a folder without videos, or a video that is not there; INVALID_ARGUMENT
            ``unknown-label`` for a pattern that is none of ours; ``document-malformed``.
    """
    found = _by_table(folder) if (folder / TABLE).is_file() else _by_folder(folder)
    if not found:
        raise DuologueError(
            "NOT_FOUND", "data-missing", f"{folder} has neither {TABLE} nor folders of videos by pattern"
        )
    return found


def pattern_named(name: str) -> str:
    """Return which of our patterns a name means: its words in any order, case and punctuation.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label``.
    """
    words = sorted(re.findall(r"[a-z]+", name.lower()))
    for pattern in PATTERNS:
        if sorted(pattern.split("-")) == words:
            return pattern
    raise invalid("unknown-label", f"{name!r} is no pattern; there are: {', '.join(PATTERNS)}")


def _split_of(subject: str) -> str:
    share = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:4], "big") % 100
    return "test" if share < _TESTED else "train"


def _by_folder(folder: Path) -> list[Recording]:
    found: list[Recording] = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        videos = sorted(path for path in place.iterdir() if path.suffix.lower() in _VIDEOS)
        pattern = pattern_named(place.name) if videos else ""
        for video in videos:
            subject = video.stem.split("_")[0]
            found.append(Recording(video, pattern, subject, _split_of(subject)))
    return found


def _by_table(folder: Path) -> list[Recording]:
    reader = csv.DictReader(io.StringIO(read_text(folder / TABLE)))
    if missing := [name for name in ("video", "pattern", "subject") if name not in (reader.fieldnames or ())]:
        raise invalid("document-malformed", f"{folder / TABLE} has no column {', '.join(missing)}")
    found: list[Recording] = []
    for line, row in enumerate(reader, start=2):
        video, split = folder / row["video"], row.get("split") or _split_of(row["subject"])
        if not video.is_file():
            raise DuologueError("NOT_FOUND", "data-missing", f"{folder / TABLE}, line {line}: {video} is not there")
        if split not in SPLITS:
            raise invalid(
                "document-malformed", f"{folder / TABLE}, line {line}: {split!r} is none of {', '.join(SPLITS)}"
            )
        found.append(Recording(video, pattern_named(row["pattern"]), row["subject"], split))
    return found


def read_clips(recording: Recording) -> Iterator[Clip]:
    """Yield a video's clips: ``rgb`` alone, the middle of the picture.

    Raises:
        DuologueError: what ``read_video`` raises.
    """
    frames, rate = read_video(recording.video)
    square = Square.around((frames.shape[2], frames.shape[1]), [])
    for number, chosen in enumerate(windows(len(frames), rate)):
        about = {
            "number": number,
            "split": recording.split,
            "pattern": recording.pattern,
            "pattern_index": PATTERNS.index(recording.pattern),
            "people": [recording.subject],
            "source": recording.video.name,
        }
        yield Clip(about, {"rgb": np.stack([square.cut(frames[frame]) for frame in chosen])})
