"""Labels of one file, as spans of time: the action of a motion file (BVH), the phones of a sound file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Speech
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.labels.phones import recognise_phones
from duologue.datasets.readers.bvh import read_motion
from duologue.errors import DuologueError, invalid
from duologue.files.atomic import write_text
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton
from duologue.speech.decode import load_speech
from duologue.speech.resample import resample
from duologue.speech.sphinx import align_phones
from duologue.units import FPS, SPEECH_RATE

SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class Span:
    """What holds from ``start`` to ``end``, seconds."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Labelled:
    """A file's labels; ``kind`` is ``action`` or ``phone``."""

    path: Path
    kind: str
    spans: tuple[Span, ...]

    def seconds(self) -> dict[str, float]:
        """Return how long each label holds, the longest first."""
        total: dict[str, float] = {}
        for span in self.spans:
            total[span.label] = total.get(span.label, 0.0) + span.end - span.start
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def write(self, folder: Path) -> Path:
        """Write and return ``folder/NAME.actions.csv`` or ``NAME.phones.csv``, as ``read_phones_csv`` reads it."""
        text = StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("start", "end", self.kind))
        rows.writerows((f"{span.start:.3f}", f"{span.end:.3f}", span.label) for span in self.spans)
        path = folder / f"{self.path.stem}.{self.kind}s.csv"
        write_text(path, text.getvalue())
        return path


def label_files(paths: Sequence[Path], progress: Callable[[int], None] = lambda done: None) -> list[Labelled]:
    """Return the labels of files; ``progress(done)``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``labels-same-name`` when two would be written under one name; what ``label_file`` raises.
    """
    names = Counter((path.stem, path.suffix.lower() in SOUNDS) for path in paths)
    if twice := [stem for (stem, _), count in names.items() if count > 1]:
        raise invalid("labels-same-name", f"two files are named {', '.join(twice)}: label them apart.")
    skeleton, labelled = Skeleton.builtin("duologue60"), list[Labelled]()
    for path in paths:
        labelled.append(label_file(path, skeleton))
        progress(len(labelled))
    return labelled


def label_file(path: Path, skeleton: Skeleton) -> Labelled:
    """Return what is done in a motion file, or said in a sound file.

    Phones are aligned with ``NAME.txt`` if it lies beside the sound, else a recogniser writes the text; what
    it doubts is ``?``, and an utterance that can't be aligned has none.

    Raises:
        DuologueError: INVALID_ARGUMENT ``labels-unsupported`` for another kind of file; FAILED_PRECONDITION ``align-missing``
            without pocketsphinx; what ``read_motion`` and ``load_speech`` raise.
    """
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return Labelled(path, "action", runs(label_actions(skeleton, *read_motion(path, skeleton)), ACTION_MODES, FPS))
    if suffix in SOUNDS:
        return Labelled(path, "phone", _phones(path))
    raise invalid("labels-unsupported", f"{path} is neither motion (.bvh) nor sound ({', '.join(SOUNDS)}).")


def runs(labels: NDArray[np.integer], names: Sequence[str], rate: float) -> tuple[Span, ...]:
    """Return the stretches of equal labels of (T,) indices into ``names``, ``rate`` a second."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return tuple(Span(a / rate, b / rate, names[int(labels[a])]) for a, b in pairwise(edges) if b > a)


def _phones(path: Path) -> tuple[Span, ...]:
    sound = load_speech(Speech(path), field=str(path))
    samples = resample(sound.samples, sound.rate, SPEECH_RATE)
    transcript = path.with_suffix(".txt")
    try:
        if transcript.is_file():
            phones = align_phones(samples, transcript.read_text(encoding="utf-8"))
        else:
            phones = recognise_phones(samples)
    except ImportError as error:
        raise DuologueError(
            "FAILED_PRECONDITION", "align-missing", "phones need pocketsphinx: pip install 'duologue[align]'."
        ) from error
    return tuple(Span(phone.start, phone.end, phone.name) for phone in phones)
