"""What a folder of data is like, in figures: a corpus's bodies and speech, or captured faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duologue.datasets.corpus.body import INDEX, Corpus
from duologue.datasets.readers.face_captures import capture_files, sound_of
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.statistics import body, face, speech
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton


def statistics(folder: Path) -> dict[str, dict[str, Any]]:
    """Return figures by name under ``body`` and ``speech`` for a corpus, under ``face`` for a folder of captures.

    Raises:
        DuologueError: NOT_FOUND ``data-missing`` when it is neither; what ``Corpus.open``, ``Corpus.check_columns`` and
            ``read_face_csv`` raise.
    """
    if (folder / INDEX).is_file():
        corpus, skeleton = Corpus.open(folder), Skeleton.builtin("duologue60")
        corpus.check_columns(skeleton)
        return {"body": body.figures(corpus, skeleton), "speech": speech.figures(corpus)}
    if not any(sound_of(table) for table in folder.rglob("*.csv")):
        raise DuologueError(
            "NOT_FOUND",
            "data-missing",
            f"{folder} is neither a corpus ({INDEX}) nor face captures (NAME.csv beside NAME.wav).",
        )
    return {"face": face.figures([read_face_csv(table) for table, _ in capture_files(folder)])}
