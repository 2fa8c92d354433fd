"""Faces measured while speaking: a folder of sounds and tables of ARKit weights (Live Link Face's CSV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.brief import Speech
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.readers.noting import note_clock, note_lengths
from duologue.datasets.readers.speech import read_words, sound_of_file
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.errors import invalid
from duologue.facial.coarticulation import mouth_curves
from duologue.facial.lips import closing, shut
from duologue.speech.decode import load_speech
from duologue.speech.phones import Phone
from duologue.speech.resample import resample
from duologue.speech.sphinx import align_phones
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3")
NOT_SAID: Final = -1
"""Emotion of a capture that nobody labelled."""


class FaceCaptures(DataSet):
    """A folder of ``NAME.csv`` (Live Link Face, or ARKit names beside a time) beside ``NAME.wav`` (or flac, ogg, mp3).

    All of it is one person's: ``captured`` gives them one style.
    """

    layout = "face captures"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        entries: list[Entry] = []
        for table in sorted(root.rglob("*.csv")):
            file = table.relative_to(root).as_posix()
            if (sound := sound_of(table)) is None:
                self.problems.append(Problem(file, "speech-missing", "no sound of its name lies beside it"))
                continue
            words = table.with_suffix(".txt")
            files = [file, sound.relative_to(root).as_posix()]
            files += [words.relative_to(root).as_posix()] if words.is_file() else []
            entries.append(Entry(file.removesuffix(".csv"), (root.name,), tuple(files)))
        self.entries = entries

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read one capture."""
        table, sound_file, *words_file = entry.files
        capture = reading.attempt(table, read_face_csv, self.root / table)
        sound = reading.attempt(sound_file, sound_of_file, self.root / sound_file)
        words = reading.attempt(words_file[0], read_words, self.root / words_file[0]) if words_file else None
        if capture is None or sound is None or reading.problems:
            return None
        for note in capture.notes:
            reading.note(table, "face-csv-filled", note)
        person = Person(entry.people[0], sound=sound, words=words, face=capture.weights)
        note_lengths(person, table, reading)
        note_clock(person, table, reading)
        return Scene(entry.name, (person,))


def captured(folder: Path, *, style: int = 0, finish_closures: bool = True) -> Iterator[tuple[str, Dialogue]]:
    """Yield (name, one speaker's capture as a conversation with someone silent), in the order of names.

    Args:
        folder: searched with its subfolders for ``NAME.csv`` beside ``NAME.wav`` (or flac, ogg, mp3); ``NAME.txt`` is the
            transcript and optional.
        style: the speaker's style id.
        finish_closures: where a transcript gives p, b and m, raise ``mouthClose`` there until the lips meet: trackers, seeing
            lips from in front, often leave a millimetre.

    Raises:
        DuologueError: INVALID_ARGUMENT ``captures-missing`` when the folder holds no such pair; what ``read_face_csv`` and
            ``load_speech`` raise.
    """
    for table, sound in capture_files(folder):
        speech = load_speech(Speech(path=sound))
        samples = resample(speech.samples, speech.rate, SPEECH_RATE)
        weights = read_face_csv(table).weights
        frames = min(len(weights), int(len(samples) / SPEECH_RATE * FPS))
        weights, samples = weights[:frames], samples[: int(frames / FPS * SPEECH_RATE)]
        transcript = table.with_suffix(".txt")
        phones = align_phones(samples, transcript.read_text(encoding="utf-8")) if transcript.is_file() else ()
        if phones and finish_closures:
            weights = shut(weights, closing(mouth_curves(phones, frames)).clip(0, 1)).clip(0, 1)
        yield table.stem, _beside_nobody(samples, weights, phones, style)


def capture_files(folder: Path) -> list[tuple[Path, Path]]:
    """Return (table, sound) of every ``NAME.csv`` beside a ``NAME.wav`` (or flac, ogg, mp3), in the order of names.

    Raises:
        DuologueError: INVALID_ARGUMENT ``captures-missing`` when there is none.
    """
    files = [(table, sound) for table in sorted(folder.rglob("*.csv")) if (sound := sound_of(table))]
    if not files:
        raise invalid(
            "captures-missing",
            f"{folder} holds no NAME.csv beside NAME.wav (or .flac, .ogg, .mp3); Live Link Face writes the table, its sound is "
            "recorded along.",
            field="--captures",
        )
    return files


def sound_of(table: Path) -> Path | None:
    """Return the sound that lies beside a table, if any."""
    return next((path for suffix in _SOUNDS if (path := table.with_suffix(suffix)).is_file()), None)


def _beside_nobody(
    samples: NDArray[np.float32], weights: NDArray[np.float32], phones: tuple[Phone, ...], style: int
) -> Dialogue:
    """Return one speaker's samples (n,), weights (T, 52) and phones as A's of a conversation whose B is silent."""
    frames = len(weights)
    return Dialogue(
        np.stack([samples, np.zeros_like(samples)]),
        np.stack([weights, np.zeros_like(weights)]).astype(np.float32),
        np.full((2, frames), NOT_SAID, np.int64),
        np.full(2, style, np.int64),
        np.zeros((2, frames), bool),
        (phones, ()),
        performers=(0,),
    )
