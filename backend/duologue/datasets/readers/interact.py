"""InterAct as its users download it (Hugging Face ``leohocs/interact``, CC BY-NC-SA 4.0), after its README.

``<root>/scenarios.db``, ``<root>/actors.db``, ``<root>/bvhs/<date>_<actor>_<scenario>.bvh`` and ``<root>/wav/`` with the same
names: two files share date and scenario. ``face_arkit/`` (N, 51) and ``face_ict/`` (N, 55) NPY are read where they are there, and
``lip_acc/``, an hour of sentences that one actor reads.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.readers import ict_faces
from duologue.datasets.readers.arrays import load_npy, shaped
from duologue.datasets.readers.bones import bone_lengths, others_bones
from duologue.datasets.readers.bvh import on_one_floor
from duologue.datasets.readers.noting import note_clip, note_clock, note_lengths, note_sounds
from duologue.datasets.readers.speech import sound_of_file, sound_of_one
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.errors import DuologueError, invalid
from duologue.labels import EMOTIONS, RELATIONSHIPS, check
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton

_NAME: Final = re.compile(r"(?P<date>\d{8})_(?P<actor>\d{3})_(?P<scenario>\d+)")

_SYNONYMS: Final = {"happiness": "joy"}
"""Its scenario table has an emotion that its own label list lacks."""
_READER: Final = "006"
"""Who reads the sentences of ``lip_acc``."""
_FACES: Final = {51: "face_arkit", 55: "face_ict"}
_UNSURE: Final = 0.1
"""Mean difference of weights from which 51 columns are in no order that we know."""


@dataclass(frozen=True)
class Tables:
    """What the two databases say: a scenario's (relationship, emotion) by its number, a day's (man, woman), an actor's gender."""

    scenarios: Mapping[int, tuple[str, str]]
    sessions: Mapping[str, tuple[str, str]]
    genders: Mapping[str, str]

    @classmethod
    def read(cls, root: Path) -> Tables:
        """Read them.

        Raises:
            DuologueError: NOT_FOUND ``interact-missing`` when one is not there; INVALID_ARGUMENT ``interact-table``,
                ``unknown-label`` for an emotion or relationship not in ``labels``.
        """
        needed = ("scenarios.db", "actors.db", "bvhs", "wav")
        if missing := [name for name in needed if not (root / name).exists()]:
            raise DuologueError(
                "NOT_FOUND",
                "interact-missing",
                f"{root} lacks {', '.join(missing)}; give the folder that the InterAct download made "
                f"(it holds {', '.join(needed)}).",
            )
        sessions = _rows(root / "actors.db", "SELECT date, male_id, female_id FROM sessions")
        genders = _rows(root / "actors.db", "SELECT actor_id, gender FROM actors")
        return cls(
            _scenarios(root / "scenarios.db"),
            {str(date): (str(man), str(woman)) for date, man, woman in sessions},
            {str(actor): str(gender) for actor, gender in genders},
        )

    def check(self, date: str, scenario: int, actors: tuple[str, ...]) -> tuple[str, str]:
        """Return the two actors of a day's scenario, the man first, as the session table lists them.

        Raises:
            DuologueError: INVALID_ARGUMENT ``interact-actors`` when they are not the two of that day, ``interact-scenario`` for a
                number that the table lacks.
        """
        if len(actors) != 2:
            raise invalid(
                "interact-actors",
                f"{date} scenario {scenario} has actors {', '.join(actors)}; a scene needs two. Download it again or move it "
                "out of the folder.",
            )
        session = self.sessions.get(date)
        if session is not None and set(session) != set(actors):
            raise invalid(
                "interact-actors",
                f"{date} was recorded by {' and '.join(session)}, as actors.db says, and this is of {' and '.join(actors)}: an "
                "actor's number is wrong.",
            )
        if scenario not in self.scenarios:
            raise invalid("interact-scenario", f"scenarios.db has no scenario {scenario}, which {date} recorded.")
        first, second = session or sorted(actors)
        return first, second


@dataclass(frozen=True)
class _Recorded:
    """What names and tables say of a scene."""

    relationship: str = ""
    emotion: str = ""
    lips: bool = False


class InterAct(DataSet):
    """InterAct. Without transcripts: it has none.

    Which actor plays which half of a relationship stands only in the scenario's free text, so the man gets the first half.

    Raises:
        DuologueError: what ``Tables.read`` raises.
    """

    layout = "InterAct"
    licence = "CC BY-NC-SA 4.0"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._tables = Tables.read(root)
        self.entries = [*self._scenes(), *_read_sentences(root)]

    def _scenes(self) -> Iterator[Entry]:
        for (date, scenario), motions in recordings(self.root).items():
            try:
                actors = self._tables.check(date, scenario, tuple(motions))
            except DuologueError as error:
                session = self._tables.sessions.get(date, ())
                wrong = [path for actor, path in motions.items() if actor not in session]
                named = wrong[0] if len(wrong) == 1 else next(iter(motions.values()))
                self.problems.append(Problem(f"bvhs/{named.name}", error.reason, error.message))
                continue
            files = [
                f"{folder}/{motions[actor].stem}{suffix}"
                for actor in actors
                for folder, suffix in (("bvhs", ".bvh"), ("wav", ".wav"))
            ]
            about = _Recorded(*self._tables.scenarios[scenario])
            yield Entry(f"{date}_{scenario:03d}", actors, tuple(files), scenario=str(scenario), key=about)

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read both people in the world that they share, or who reads sentences alone."""
        if entry.key.lips:
            return self._lips(entry, reading)
        motion_files, speech_files = entry.files[::2], entry.files[1::2]
        clips = [reading.attempt(file, read_bvh, self.root / file) for file in motion_files]
        sounds = [reading.attempt(file, sound_of_one, self.root / file) for file in speech_files]
        faces = [self._face(Path(file).stem, reading) for file in motion_files]
        a, b = clips
        if reading.problems or a is None or b is None:
            return None
        for clip, file in zip((a, b), motion_files, strict=True):
            note_clip(clip, file, reading)
        note_sounds([sound for sound in sounds if sound is not None], speech_files, reading)
        skeleton = Skeleton.builtin("duologue60")
        motions = reading.attempt(motion_files[0], on_one_floor, (a, b), motion_files, skeleton)
        if motions is None or reading.problems:
            return None
        emotion = EMOTIONS.index(entry.key.emotion)
        people = [
            Person(
                name,
                motion,
                sound,
                face=face,
                emotion=np.full(len(motion[0]), emotion, np.uint8),
                gender=self._tables.genders.get(name, ""),
            )
            for name, motion, sound, face in zip(entry.people, motions, sounds, faces, strict=True)
        ]
        for person, file in zip(people, motion_files, strict=True):
            note_lengths(person, file, reading)
            note_clock(person, file, reading)
        return Scene(entry.name, (people[0], people[1]), entry.key.relationship, entry.split)

    def compare(self) -> list[Problem]:
        """Return the motions that have the bones of another actor."""
        bones: dict[str, tuple[str, NDArray[np.float64]]] = {}
        for entry in self.entries:
            for actor, file in zip(entry.people, entry.files[::2], strict=True):
                if not entry.key.lips and (self.root / file).is_file():
                    bones[file] = actor, bone_lengths(self.root / file)
        return others_bones(bones)

    def _face(self, stem: str, reading: Reading) -> NDArray[np.float32] | None:
        """Return a recording's weights (T, 52), of whichever of both files is there."""
        found: dict[int, NDArray[np.float64]] = {}
        for columns, folder in _FACES.items():
            file = f"{folder}/{stem}.npy"
            if (self.root / file).is_file():
                weights = reading.attempt(file, _weights, self.root / file, columns)
                if weights is not None:
                    found[columns] = weights
        return _as_arkit(found, f"{_FACES[51]}/{stem}.npy", reading)

    def _lips(self, entry: Entry, reading: Reading) -> Scene | None:
        sound_file, face_file = entry.files
        sound = reading.attempt(sound_file, sound_of_file, self.root / sound_file)
        weights = reading.attempt(face_file, _weights, self.root / face_file, None)
        if sound is None or weights is None:
            return None
        face = _as_arkit({weights.shape[1]: weights}, face_file, reading)
        return Scene(entry.name, (Person(_READER, sound=sound, face=face),), split=entry.split)


def recordings(root: Path) -> dict[tuple[str, int], dict[str, Path]]:
    """Return the motion files by (date, scenario) and actor, in that order."""
    files: dict[tuple[str, int], dict[str, Path]] = defaultdict(dict)
    for path in sorted((root / "bvhs").glob("*.bvh")):
        if match := _NAME.fullmatch(path.stem):
            files[match["date"], int(match["scenario"])][match["actor"]] = path
    return dict(sorted(files.items()))


def _read_sentences(root: Path) -> Iterator[Entry]:
    """Yield what ``lip_acc`` holds: every sound that has weights of the same name, in whichever folders below it."""
    weights = {path.stem: path for path in sorted((root / "lip_acc").rglob("*.npy"))}
    for path in sorted((root / "lip_acc").rglob("*.wav")):
        if path.stem in weights:
            files = tuple(file.relative_to(root).as_posix() for file in (path, weights[path.stem]))
            yield Entry(f"lip_acc/{path.stem}", (_READER,), files, key=_Recorded(lips=True))


def _weights(path: Path, columns: int | None) -> NDArray[np.float64]:
    """Return weights (T, 51 or 55).

    Raises:
        DuologueError: INVALID_ARGUMENT ``array-shape``, ``array-not-finite``; what ``load_npy`` raises.
    """
    values = shaped(load_npy(path), (None, columns), path.name).astype(np.float64)
    if values.shape[1] not in _FACES:
        raise invalid("array-shape", f"{path.name} has {values.shape[1]} columns; InterAct's faces have 51 or 55")
    if not np.isfinite(values).all():
        raise invalid("array-not-finite", f"{path.name} has weights that are not finite; repair or leave it out")
    return values


def _as_arkit(found: Mapping[int, NDArray[np.float64]], file: str, reading: Reading) -> NDArray[np.float32] | None:
    if 51 in found and 55 in found:
        order, off = ict_faces.order_of(found[51], found[55])
        if off > _UNSURE:
            reading.note(file, "face-order", f"its columns fit face_ict in no order that we know (off by {off:.2f})")
            return ict_faces.from_ict(found[55])
        return ict_faces.from_tongueless(found[51], order)
    if 51 in found:
        return ict_faces.from_tongueless(found[51])
    return ict_faces.from_ict(found[55]) if 55 in found else None


def _scenarios(path: Path) -> dict[int, tuple[str, str]]:
    query = (
        "SELECT s.id, r.name, e.name FROM scenarios s "
        "JOIN relationships r ON r.id = s.relationship_id JOIN emotions e ON e.id = s.primary_emotion_id"
    )
    scenarios: dict[int, tuple[str, str]] = {}
    for number, relationship, emotion in _rows(path, query):
        label = _SYNONYMS.get(emotion, emotion)
        where = f"scenarios.db, scenario {number}"
        scenarios[int(number)] = (check(relationship, RELATIONSHIPS, field=where), check(label, EMOTIONS, field=where))
    return scenarios


def _rows(path: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.Error as error:
            raise invalid("interact-table", f"{path} is not the table it should be: {error}.") from error
