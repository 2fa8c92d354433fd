"""Seamless Interaction (Meta 2025; github.com/facebookresearch/seamless_interaction, data CC BY-NC 4.0), as it is downloaded.

``LABEL/SPLIT/BATCH/ARCHIVE/ID.{wav,json,npz}`` or WebDataset tars ``LABEL/SPLIT/BATCH/ARCHIVE.tar`` of the same; pictures are not
read. ``ID`` is ``V<vendor>_S<session>_I<interaction>_P<participant>``: two with the same V, S and I are a pair, each
recorded by a camera of their own, so they are put face to face here, as far apart as their relationship has it (``APART``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.datasets.corpus.pairs import face_to_face
from duologue.datasets.readers.affect import emotions_of
from duologue.datasets.readers.arrays import open_npz, raw
from duologue.datasets.readers.members import Member, members
from duologue.datasets.readers.noting import note_lengths
from duologue.datasets.readers.relationships import read_relationships
from duologue.datasets.readers.smpl import filled, joined, on_skeleton
from duologue.datasets.readers.speech import sound_of_bytes, timed_words
from duologue.datasets.readers.visible import legs_seen
from duologue.datasets.scene import DataSet, Entry, Motion, Person, Problem, Reading, Scene
from duologue.errors import DuologueError, invalid
from duologue.files.reading import parse_json
from duologue.smpl import BodyParameters
from duologue.units import FPS, Sound

ID: Final = re.compile(r"(?P<scene>V\d+_S\d+_I\d+)_P(?P<person>\d+[A-Z]?)")
LABELS: Final = ("improvised", "naturalistic")
KINDS: Final = (".wav", ".json", ".npz")
_SPLITS: Final = {"train": "train", "dev": "validation", "test": "test"}
_FILM_RATE: Final = 30_000 / 1001
"""Frames a second of some of its cameras: half a second off after eight minutes."""
_LEAST_VALID: Final = 0.25

APART: Final = {"near": 1.0, "personal": 1.2, "social": 1.5}
"""Metres between the two: families and partners, friends, all others. Hall's (The Hidden Dimension, 1966) personal distance
ends at 1.2 m, and the social one begins there."""
_NEAR: Final = ("siblings", "parent / child", "grandparent / child", "romantic partners")
_FRIENDS: Final = ("friends with similar hobbies", "childhood friends")

Files = Mapping[str, Member]
"""A person's files by suffix."""


@dataclass(frozen=True)
class _Found:
    """A pair's files, and what is said of the two."""

    files: tuple[Files, Files]
    relationship: str


class Seamless(DataSet):
    """Seamless Interaction, or some archives of it.

    Raises:
        DuologueError: NOT_FOUND ``seamless-missing`` when it has not one recording.
    """

    layout = "Seamless Interaction"
    licence = "CC BY-NC 4.0"

    def __init__(self, root: Path, model: Path | None = None) -> None:
        super().__init__(root)
        self._model = model
        scenes: dict[str, dict[str, dict[str, Member]]] = defaultdict(lambda: defaultdict(dict))
        for member in members(root, KINDS, self.problems):
            if match := ID.fullmatch(member.stem):
                self._take(scenes[match["scene"]][match["person"]], member)
        if not scenes:
            raise DuologueError(
                "NOT_FOUND", "seamless-missing", f"{root} has no V…_S…_I…_P… files and no tars of them."
            )
        relationships = read_relationships(root / "relationships.csv", self.problems)
        self.entries = list(self._pairs(scenes, relationships))

    def _take(self, files: dict[str, Member], member: Member) -> None:
        if member.suffix in files:
            twice = f"there is another one in {files[member.suffix].called}, which is read"
            self.problems.append(Problem(member.called, "file-twice", twice))
            return
        files[member.suffix] = member

    def _pairs(
        self, scenes: Mapping[str, Mapping[str, Mapping[str, Member]]], relationships: Mapping[str, str]
    ) -> Iterator[Entry]:
        for scene, people in sorted(scenes.items()):
            first = next(iter(next(iter(people.values())).values()))
            if len(people) != 2:
                alone = f"{scene} has {len(people)} people, {', '.join(people)}; a pair needs two: download the other archive too"
                self.problems.append(Problem(first.called, "seamless-partner", alone))
                continue
            lacking = {who: [kind for kind in KINDS if kind not in files] for who, files in people.items()}
            if any(lacking.values()):
                what = "; ".join(f"{who} has no {', '.join(kinds)}" for who, kinds in lacking.items() if kinds)
                self.problems.append(
                    Problem(first.called, "seamless-incomplete", f"{scene}: {what}; download it again")
                )
                continue
            (a, of_a), (b, of_b) = sorted(people.items())
            opened = dict.fromkeys(member.file for files in (of_a, of_b) for member in files.values())
            session = re.sub(r"^V\d+_|_I\d+$", "", scene)
            found = _Found((dict(of_a), dict(of_b)), relationships.get(session, "strangers"))
            yield Entry(scene, (f"P{a}", f"P{b}"), tuple(opened), _split_of(first.file), key=found)

    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read both people and put them face to face."""
        people = [self._person(name, files, reading) for name, files in zip(entry.people, entry.key.files, strict=True)]
        present = [person for person in people if person is not None]
        if reading.problems or len(present) < 2:
            return None
        relationship = entry.key.relationship
        a, b = (Scene(entry.name, (person,), relationship, entry.split) for person in present)
        placed = face_to_face(a, b, APART[_nearness(relationship)])
        return Scene(entry.name, placed.people, relationship, entry.split, placed=True)

    def _person(self, name: str, files: Files, reading: Reading) -> Person | None:
        wav, told, npz = (files[kind] for kind in KINDS)
        sound = reading.attempt(wav.called, lambda: sound_of_bytes(wav.read(self.root), wav.called))
        said = reading.attempt(told.called, lambda: _told(told.read(self.root), told.called))
        arrays = reading.attempt(npz.called, lambda: open_npz(npz.read(self.root), npz.called))
        if sound is None or said is None or arrays is None:
            return None
        moved = reading.attempt(npz.called, lambda: self._motion(arrays, npz.called, sound, reading))
        if moved is None:
            return None
        motion, known = moved
        frames = len(motion[0])
        emotion = reading.attempt(npz.called, lambda: emotions_of(arrays, frames, npz.called, reading))
        person = Person(name, motion, sound, said[0], _active(said[1], frames), emotion=emotion, known=known)
        note_lengths(person, npz.called, reading)
        return person

    def _motion(
        self, arrays: Mapping[str, NDArray[Any]], name: str, sound: Sound, reading: Reading
    ) -> tuple[Motion, NDArray[np.bool_]]:
        """Return the motion at 30 fps and which of it was seen (T, 2).

        Raises:
            DuologueError: what ``_parameters`` raises.
        """
        parameters, known = _parameters(arrays, name)
        count = len(parameters)
        # Its description says 30 Hz of cameras that ran at 29.97: the sound knows.
        film = count > 60 * FPS and abs(count / _FILM_RATE - sound.seconds) < abs(count / FPS - sound.seconds)
        rate = _FILM_RATE if film else float(FPS)
        parameters = BodyParameters(parameters.poses, parameters.trans, rate, parameters.betas)
        missing = int((~known[:, 0]).sum())
        if missing:
            reading.note(
                name, "frames-masked", f"{missing} of {count} frames are not valid: filled in, and not learned from"
            )
        out = int((known[:, 0] & ~known[:, 1]).sum())
        if out:
            reading.note(
                name, "legs-masked", f"legs are out of the picture in {out} of {count} frames: not learned from"
            )
        motion = on_skeleton(parameters, name, reading, self._model)
        frames = len(motion[0])
        nearest = np.rint(np.arange(frames) * rate / FPS).astype(int).clip(0, count - 1)
        return motion, known[nearest]


def _parameters(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[BodyParameters, NDArray[np.bool_]]:
    """Return the body, frames that are not valid filled in, and which of it was seen, (T, 2).

    Raises:
        DuologueError: INVALID_ARGUMENT ``hands-pca`` for hands as principal components, ``frames-invalid`` where fewer than
        a quarter of
            the frames are valid; what ``arrays.array`` raises.
    """
    for side in ("left", "right"):
        shape = raw(arrays, key := f"smplh:{side}_hand_pose", name).shape
        if len(shape) == 2 and shape[1] < 45:
            raise invalid(
                "hands-pca",
                f"{name}: {key} has {shape[1]} columns, principal components of the hand: write out its 15 joints (45 columns) "
                "first",
            )
    keys = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "translation")
    widths = (3, 63, 45, 45, 3)
    parts = [np.asarray(raw(arrays, f"smplh:{key}", name), np.float64) for key in keys]
    parts = [part.reshape(len(part), -1) for part in parts]
    count = len(parts[0])
    for key, part, width in zip(keys, parts, widths, strict=True):
        if part.shape != (count, width):
            raise invalid("array-shape", f"{name}: smplh:{key} has shape {part.shape}; ({count}, {width}) is needed")
    valid = raw(arrays, "smplh:is_valid", name).reshape(-1).astype(bool)
    if len(valid) != count:
        raise invalid("array-shape", f"{name}: smplh:is_valid has {len(valid)} frames and the body {count}")
    valid &= np.all([np.isfinite(part).all(1) for part in parts], axis=0)
    if valid.mean() < _LEAST_VALID:
        raise invalid("frames-invalid", f"{name}: {valid.sum()} of {count} frames are valid; that is no motion")
    poses, trans = filled(joined(parts[:4]), parts[4], valid)
    known = np.stack([valid, valid & legs_seen(arrays, count)], axis=1)
    return BodyParameters(poses, trans, float(FPS), np.zeros(0)), known


def _told(data: bytes, name: str) -> tuple[Transcript | None, list[tuple[float, float]]]:
    """Return the words, None where there is no transcript, and when somebody speaks (start, end), seconds.

    Raises:
        DuologueError: INVALID_ARGUMENT ``document-malformed``; ``transcript-…``.
    """
    try:
        table = parse_json(data)
        spans = [(float(span["start"]), float(span["end"])) for span in table["metadata:vad"]]
        lines = table.get("metadata:transcript") or []
        words = [word for line in lines for word in line.get("words") or [{**line, "word": line["transcript"]}]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise invalid("document-malformed", f"{name} is not as its metadata is ({error!r})") from error
    return (timed_words(words, name) if words else None), spans


def _active(spans: list[tuple[float, float]], frames: int) -> NDArray[np.bool_]:
    """Return who speaks when (T,): frame t is centred at t / 30 s."""
    active = np.zeros(frames, bool)
    for start, end in spans:
        active[max(0, round(start * FPS)) : max(0, round(end * FPS))] = True
    return active


def _nearness(relationship: str) -> str:
    return "near" if relationship in _NEAR else "personal" if relationship in _FRIENDS else "social"


def _split_of(file: str) -> str:
    parts = PurePosixPath(file).parts
    return next((_SPLITS[part] for part in parts if part in _SPLITS), "")
