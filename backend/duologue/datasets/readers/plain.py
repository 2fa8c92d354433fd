"""Our own plain folders: ``dataset.toml`` at the root, and a folder a scene with ``scene.toml`` (docs/guide/data.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.readers.bvh import on_one_floor, on_skeleton
from duologue.datasets.readers.live_link import read_face_csv
from duologue.datasets.readers.noting import note_clip, note_clock, note_lengths, note_sounds
from duologue.datasets.readers.speech import read_words, sound_of_one
from duologue.datasets.scene import SPLITS, DataSet, Entry, Person, Problem, Reading, Scene
from duologue.errors import DuologueError, invalid
from duologue.files.document import Table, read_document, within
from duologue.labels import EMOTIONS, RELATIONSHIPS, check
from duologue.motion.bvh import BvhClip, read_bvh
from duologue.motion.skeleton import Skeleton
from duologue.units import Sound

INDEX: Final = "dataset.toml"
SCENE: Final = "scene.toml"
_FILES: Final = ("motion", "speech", "words", "face")
_LATEST: Final = 60.0


@dataclass(frozen=True)
class _Described:
    """What ``scene.toml`` says of a person; files are relative to the data set's folder, "" where there is none."""

    motion: str
    speech: str
    words: str
    face: str
    emotion: str
    offset: float


@dataclass(frozen=True)
class _Together:
    relationship: str
    people: tuple[_Described, ...]


class Plain(DataSet):
    """A folder in our own convention.

    Raises:
        DuologueError: what reading ``dataset.toml`` raises; NOT_FOUND ``scenes-missing``.
    """

    layout = "plain folder"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        about = Table(read_document(root / INDEX), "", ("name", "licence", "about"))
        self.licence = about.text("licence")
        entries: list[Entry] = []
        for path in sorted(root.rglob(SCENE)):
            file = path.relative_to(root).as_posix()
            try:
                entries.append(_entry(root, path))
            except DuologueError as error:
                self.problems.append(Problem(file, error.reason, str(error)))
        self.entries = entries
        if not entries and not self.problems:
            raise DuologueError("NOT_FOUND", "scenes-missing", f"{root} has {INDEX} and no folder with {SCENE} in it.")

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read everybody of a scene, in one world."""
        described: tuple[_Described, ...] = entry.key.people
        clips = {p.motion: reading.attempt(p.motion, read_bvh, self.root / p.motion) for p in described if p.motion}
        motions = _motions({file: clip for file, clip in clips.items() if clip is not None}, reading)
        people = [
            self._person(name, told, motions.get(told.motion), reading)
            for name, told in zip(entry.people, described, strict=True)
        ]
        if reading.problems:
            return None
        sounds = [(person.sound, told.speech) for person, told in zip(people, described, strict=True) if person.sound]
        note_sounds([sound for sound, _ in sounds], [file for _, file in sounds], reading)
        if reading.problems:
            return None
        return Scene(entry.name, tuple(people), entry.key.relationship, entry.split)

    def _person(
        self,
        name: str,
        told: _Described,
        motion: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
        reading: Reading,
    ) -> Person:
        speech, words, face = (self.root / file for file in (told.speech, told.words, told.face))
        sound = reading.attempt(told.speech, sound_of_one, speech) if told.speech else None
        capture = reading.attempt(told.face, read_face_csv, face) if told.face else None
        person = Person(
            name,
            motion,
            sound,
            reading.attempt(told.words, read_words, words) if told.words else None,
            face=None if capture is None else capture.weights,
        )
        emotion = np.full(person.frames, EMOTIONS.index(told.emotion), np.uint8) if told.emotion else None
        person = replace(person, emotion=emotion)
        note_lengths(person, told.motion or told.face, reading)
        if sound is not None and told.offset:
            person = replace(person, sound=shifted(sound, told.offset))
        note_clock(person, told.face, reading)
        return person


def shifted(sound: Sound, seconds: float) -> Sound:
    """Return a sound that begins so much later: silence before it, or its beginning cut off for a negative time."""
    count = round(seconds * sound.rate)
    samples = np.pad(sound.samples, (count, 0)) if count > 0 else sound.samples[-count:]
    return Sound(samples, sound.rate)


def _motions(clips: dict[str, BvhClip], reading: Reading) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return clips on our skeleton: two in the world that they share, or one."""
    skeleton, files = Skeleton.builtin("duologue60"), list(clips)
    for file, clip in clips.items():
        reading.attempt(file, note_clip, clip, file, reading)
    if len(files) == 2:
        (a, b), (first, second) = clips.values(), files
        both = reading.attempt(first, on_one_floor, (a, b), (first, second), skeleton)
        return dict(zip(files, both, strict=True)) if both else {}
    moved = {file: reading.attempt(file, on_skeleton, clip, file, skeleton) for file, clip in clips.items()}
    return {file: motion for file, motion in moved.items() if motion is not None}


def _entry(root: Path, path: Path) -> Entry:
    """Read a ``scene.toml``.

    Raises:
        DuologueError: INVALID_ARGUMENT ``scene-people`` unless it has one person or two, each with a motion or a face;
            ``unknown-label``, ``path-not-allowed`` for a file outside the data set; what ``Table`` raises.
    """
    scene = Table(read_document(path), "", ("relationship", "split", "scenario", "people"))
    people = [_described(root, path.parent, value, f"people[{k}]") for k, value in enumerate(scene.items("people"))]
    if len(people) not in (1, 2):
        raise invalid("scene-people", f"it has {len(people)} people; a scene has one or two", field="people")
    relationship = check(scene.text("relationship", "strangers"), RELATIONSHIPS, field="relationship")
    split = scene.text("split")
    if split:
        check(split, SPLITS, field="split")
    name = path.parent.relative_to(root).as_posix()
    files = [path.relative_to(root).as_posix()]
    files += [file for _, told in people for file in (told.motion, told.speech, told.words, told.face) if file]
    together = _Together(relationship, tuple(told for _, told in people))
    return Entry(name, tuple(who for who, _ in people), tuple(files), split, scene.text("scenario"), together)


def _described(root: Path, folder: Path, value: object, place: str) -> tuple[str, _Described]:
    person = Table(value, place, ("name", *_FILES, "emotion", "offset"))
    files: dict[str, str] = {}
    for kind in _FILES:
        if text := person.text(kind):
            inside = (folder / text).resolve()
            if not inside.is_relative_to(root.resolve()):
                raise invalid("path-not-allowed", f"{text!r} lies outside the data set", field=person.at(kind))
            files[kind] = inside.relative_to(root.resolve()).as_posix()
    if not ({"motion", "face"} & files.keys()):
        raise invalid("scene-people", "it has neither motion nor face", field=place)
    emotion = person.text("emotion")
    if emotion:
        check(emotion, EMOTIONS, field=person.at("emotion"))
    offset = person.number("offset", 0.0)
    within(offset, -_LATEST, _LATEST, person.at("offset"))
    motion, speech, words, face = (files.get(kind, "") for kind in _FILES)
    told = _Described(motion, speech, words, face, emotion, offset)
    return person.text("name") or f"{folder.name}/{place}", told
