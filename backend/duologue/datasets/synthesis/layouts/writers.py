"""The layouts, written: ``write(layout, material, root, sequences, seconds)``."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from duologue.arkit import INDEX
from duologue.brief.words import Word
from duologue.datasets.readers.ict_faces import ICT, ORDERS
from duologue.datasets.scene import Motion
from duologue.datasets.synthesis.layouts.material import Material, Part
from duologue.errors import invalid
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton
from duologue.rigs.clips import retarget_clip
from duologue.smpl import BodyParameters
from duologue.smpl.joints import Kind, adult, words
from duologue.smpl.layouts import write_parameters
from duologue.speech.resample import resample
from duologue.take.export import write_live_link
from duologue.units import FPS, SPEECH_RATE, Sound

Progress = Callable[[int, int], None]
Writer = Callable[[Material, Path, int, float, Progress], None]

_ACTORS: Final = (("20231119", "001", "002"), ("20231126", "003", "007"), ("20231208", "005", "006"))
"""InterAct's first sessions: day, man, woman."""
_CAMERA: Final = np.diag([1.0, -1.0, -1.0])
"""Our world as a camera in front of a person sees it: x to the right, y down, z away from it."""


def write(  # noqa: PLR0917
    layout: str, material: Material, root: Path, sequences: int, seconds: float, tell: Progress
) -> None:
    """Write an example data set of so many ``sequences`` of ``seconds`` each.

    Raises:
        DuologueError: INVALID_ARGUMENT ``layout-unknown``.
    """
    if layout not in WRITERS:
        raise invalid(
            "layout-unknown", f"{layout!r} is no layout that examples are made in; there are {', '.join(WRITERS)}"
        )
    root.mkdir(parents=True, exist_ok=True)
    WRITERS[layout](material, root, sequences, seconds, tell)


def _interact(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    for folder in ("bvhs", "wav", "face_arkit", "face_ict"):
        (root / folder).mkdir(exist_ok=True)
    for number in range(sequences):
        day, *actors = _ACTORS[number % len(_ACTORS)]
        for actor, part in zip(actors, material.pair(number, seconds), strict=True):
            stem = f"{day}_{actor}_{number + 1:03d}"
            _write_bvh(root / "bvhs" / f"{stem}.bvh", part.motion)
            _write_wav(root / "wav" / f"{stem}.wav", part.sound, 48_000)
            np.save(root / "face_arkit" / f"{stem}.npy", as_tongueless(part.face))
            np.save(root / "face_ict" / f"{stem}.npy", as_ict(part.face))
        tell(number + 1, sequences)
    _write_tables(root, sequences)


def _write_tables(root: Path, scenarios: int) -> None:
    with closing(sqlite3.connect(root / "scenarios.db")) as db, db:
        db.executescript(
            "CREATE TABLE scenarios(id INTEGER, relationship_id INTEGER, primary_emotion_id INTEGER, character_setup TEXT, "
            "scenario TEXT); CREATE TABLE relationships(id INTEGER, name TEXT); CREATE TABLE emotions(id INTEGER, name TEXT);"
            "INSERT INTO relationships VALUES (1, 'boss / subordinate'), (2, 'siblings');"
            "INSERT INTO emotions VALUES (1, 'admiration'), (2, 'happiness');"
        )
        rows = [(n + 1, n % 2 + 1, n // 2 % 2 + 1, "He is older.", "They meet.") for n in range(scenarios)]
        db.executemany("INSERT INTO scenarios VALUES (?, ?, ?, ?, ?)", rows)
    with closing(sqlite3.connect(root / "actors.db")) as db, db:
        db.executescript(
            "CREATE TABLE actors(actor_id TEXT, gender TEXT); CREATE TABLE sessions(date TEXT, male_id TEXT, female_id TEXT);"
        )
        db.executemany("INSERT INTO sessions VALUES (?, ?, ?)", _ACTORS)
        genders = [(actor, gender) for _, man, woman in _ACTORS for actor, gender in ((man, "male"), (woman, "female"))]
        db.executemany("INSERT INTO actors VALUES (?, ?)", genders)


def _seamless(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    for number in range(sequences):
        archive = root / "improvised" / ("dev" if number % 10 == 9 else "train") / "0000" / f"{number // 10:04d}"
        archive.mkdir(parents=True, exist_ok=True)
        _write_interaction(archive, number, material.pair(number, seconds))
        tell(number + 1, sequences)
    rows = [f"V00_S{number:04d},{'friend' if number % 2 else 'stranger'}" for number in range(sequences)]
    (root / "relationships.csv").write_text(
        "\n".join(["vendor_session_id,relationship", *rows]) + "\n", encoding="utf-8"
    )


def _seamless_tars(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    _seamless(material, root, sequences, seconds, tell)
    for archive in sorted(root.glob("*/*/*/*")):
        with tarfile.open(archive.with_suffix(".tar"), "w") as tar:
            for path in sorted(archive.iterdir()):
                tar.add(path, path.name)
                path.unlink()
        archive.rmdir()


def _write_interaction(folder: Path, number: int, parts: tuple[Part, Part]) -> None:
    for which, part in enumerate(parts):
        stem = f"V00_S{number:04d}_I{number:08d}_P{2 * (number % 20) + which:04d}"
        # Each in front of a camera of their own, at its axes, three metres away.
        root, rotations = part.motion
        alone = (root - root.mean(0) + np.array([0.0, 0.0, -3.0]), rotations)
        _write_wav(folder / f"{stem}.wav", part.sound, 48_000)
        told = {"id": stem, "metadata:vad": _vad(part), "metadata:transcript": _lines(part.words)}
        (folder / f"{stem}.json").write_text(json.dumps(told), encoding="utf-8")
        np.savez_compressed(folder / f"{stem}.npz", **_smplh(alone, number))


def _smplh(motion: Motion, number: int) -> dict[str, Any]:
    parameters = body_parameters(motion, "smplh")
    poses = parameters.poses.copy()
    poses[:, 0] = matrix_to_exp(_CAMERA @ exp_to_matrix(poses[:, 0]))
    count, valid = len(poses), np.ones(len(poses), bool)
    valid[20:26] = False
    rng = np.random.default_rng(number)
    keypoints = np.zeros((count, 133, 3), np.float32)
    keypoints[:, :, 1], keypoints[:, :, 2] = 500.0, 0.9
    keypoints[count // 2 :, 13:17, 1] = 1079.0
    return {
        "smplh:global_orient": poses[:, 0].astype(np.float32),
        "smplh:body_pose": poses[:, 1:22].reshape(count, 63).astype(np.float32),
        "smplh:left_hand_pose": poses[:, 22:37].reshape(count, 45).astype(np.float32),
        "smplh:right_hand_pose": poses[:, 37:].reshape(count, 45).astype(np.float32),
        "smplh:translation": (parameters.trans @ _CAMERA.T).astype(np.float32),
        "smplh:is_valid": valid,
        "movement:emotion_valence": np.full((count, 1), 0.6, np.float32),
        "movement:emotion_arousal": np.full((count, 1), 0.2, np.float32),
        "movement:is_valid": valid[:, None],
        "movement:FAUValue": rng.random((count, 24), np.float32),
        "boxes_and_keypoints:keypoints": keypoints,
    }


def _vad(part: Part) -> list[dict[str, float]]:
    return [{"start": word.start, "end": word.end} for word in part.words]


def _lines(said: Sequence[Word]) -> list[dict[str, object]]:
    listed = [{"word": word.text, "start": word.start, "end": word.end, "score": 0.9} for word in said]
    text = " ".join(word.text for word in said)
    return [{"start": said[0].start, "end": said[-1].end, "transcript": text, "words": listed}] if said else []


def _beat2(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    folder = root / "beat_v2.0.0" / "beat_english_v2.0.0"
    for name in ("smplxflame_30", "wave16k", "textgrid"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = ["id,type"]
    for number, stem in enumerate(beat_names(sequences)):
        part = material.single(number, seconds)
        write_parameters(folder / "smplxflame_30" / f"{stem}.npz", body_parameters(part.motion, "smplx"), "beat2")
        _write_wav(folder / "wave16k" / f"{stem}.wav", part.sound, SPEECH_RATE)
        (folder / "textgrid" / f"{stem}.TextGrid").write_text(textgrid(part.words, seconds), encoding="utf-8")
        rows.append(f"{stem},{'test' if number % 10 == 9 else 'train'}")
        tell(number + 1, sequences)
    (folder / "train_test_split.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _amass(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    for number in range(sequences):
        folder = root / "KIT" / str(number % 5)
        folder.mkdir(parents=True, exist_ok=True)
        parameters = body_parameters(material.single(number, seconds).motion, "smplx")
        write_parameters(folder / f"gesture{number:04d}_stageii.npz", parameters, "amass")
        tell(number + 1, sequences)


def _beat(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    for number, stem in enumerate(beat_names(sequences)):
        part, folder = material.single(number, seconds), root / stem.partition("_")[0]
        folder.mkdir(exist_ok=True)
        _write_bvh(folder / f"{stem}.bvh", part.motion)
        _write_wav(folder / f"{stem}.wav", part.sound, SPEECH_RATE)
        (folder / f"{stem}.TextGrid").write_text(textgrid(part.words, seconds), encoding="utf-8")
        tell(number + 1, sequences)


def _captures(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    for number in range(sequences):
        part = material.single(number, seconds)
        write_live_link(root / f"Slate_{number:04d}.csv", part.face)
        _write_wav(root / f"Slate_{number:04d}.wav", part.sound, 44_100)
        tell(number + 1, sequences)


def _plain(material: Material, root: Path, sequences: int, seconds: float, tell: Progress) -> None:
    (root / "dataset.toml").write_text('name = "example"\nlicence = "the kit\'s"\n', encoding="utf-8")
    for number in range(sequences):
        folder = root / f"scene_{number:04d}"
        folder.mkdir(exist_ok=True)
        lines = ['relationship = "co-workers"', f'split = "{"test" if number % 10 == 9 else "train"}"']
        for name, part in zip(("anna", "ben"), material.pair(number, seconds), strict=True):
            _write_bvh(folder / f"{name}.bvh", part.motion)
            _write_wav(folder / f"{name}.wav", part.sound, 48_000)
            write_live_link(folder / f"{name}.csv", part.face)
            (folder / f"{name}.TextGrid").write_text(textgrid(part.words, seconds), encoding="utf-8")
            files = {"motion": "bvh", "speech": "wav", "words": "TextGrid", "face": "csv"}
            lines += ["[[people]]", f'name = "{name}"', 'emotion = "joy"']
            lines += [f'{kind} = "{name}.{suffix}"' for kind, suffix in files.items()]
        (folder / "scene.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        tell(number + 1, sequences)


WRITERS: Final[dict[str, Writer]] = {
    "interact": _interact,
    "seamless": _seamless,
    "seamless-tars": _seamless_tars,
    "beat2": _beat2,
    "amass": _amass,
    "beat": _beat,
    "captures": _captures,
    "plain": _plain,
}


def beat_names(count: int) -> Iterator[str]:
    """Yield names as BEAT has them: four speakers, sections of what is read."""
    for number in range(count):
        speaker, name = ((1, "wayne"), (2, "scott"), (3, "solomon"), (4, "lawrence"))[number % 4]
        yield f"{speaker}_{name}_0_{number + 1}_{number + 1}"


def body_parameters(motion: Motion, kind: Kind) -> BodyParameters:
    """Return a motion on duologue60 as SMPL-H's or SMPL-X's parameters with our adult's bones, Y up."""
    tree, ours = adult(kind), Skeleton.builtin("duologue60")
    called = words(kind)
    target = Skeleton(tuple(called.get(name, name) for name in tree.names), tree.parents, tree.offsets, tree.ends)
    root, rotations = motion
    poses, pelvis = retarget_clip(ours, rotations, root, {name: name for name in ours.names}, target, find_floor=False)
    return BodyParameters(np.asarray(poses, np.float64), np.asarray(pelvis, np.float64), float(FPS), np.zeros(10))


def as_tongueless(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 51 of the 52 weights (T, 52), in the order of the alphabet."""
    return weights[:, [INDEX[name] for name in ORDERS["alphabetical"]]]


def as_ict(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights (T, 52) as ICT-FaceKit's 55: both sides alike of what ARKit has one of."""
    names = [name.removesuffix("Left").removesuffix("Right") for name in ICT]
    columns = [INDEX.get(name, INDEX.get(stem, -1)) for name, stem in zip(ICT, names, strict=True)]
    return np.where(np.array(columns) < 0, 0.0, weights[:, columns]).astype(np.float32)


def textgrid(said: Sequence[Word], seconds: float) -> str:
    """Return words as a Praat TextGrid with one tier, ``words``."""
    edges = [(word.start, word.end, word.text) for word in said]
    intervals: list[tuple[float, float, str]] = []
    at = 0.0
    for start, end, text in [*edges, (seconds, seconds, "")]:
        if start > at:
            intervals.append((at, start, ""))
        if end > start:
            intervals.append((start, end, text))
        at = max(at, end)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{seconds}", "<exists>", "1"]
    lines += ['"IntervalTier"', '"words"', "0", f"{seconds}", str(len(intervals))]
    for start, end, text in intervals:
        lines += [f"{start:.3f}", f"{end:.3f}", f'"{text}"']
    return "\n".join(lines) + "\n"


def _write_bvh(path: Path, motion: Motion) -> None:
    root, rotations = motion
    write_bvh(path, BvhClip(Skeleton.builtin("duologue60"), rotations, root, float(FPS)), scale=0.01)


def _write_wav(path: Path, sound: Sound, rate: int) -> None:
    buffer = BytesIO()
    soundfile.write(buffer, resample(sound.samples, sound.rate, rate), rate, format="WAV", subtype="PCM_16")
    path.write_bytes(buffer.getvalue())
