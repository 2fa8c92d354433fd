"""Whether a folder of data is whole: what it holds, and what a reader would stumble over, file by file.

Nothing is converted. Motion is parsed and a rig map looked up for its skeleton, speech is decoded, tables and transcripts are
read, by the code that training reads them with; the first thing that is wrong with a file is named, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from duologue.brief import Speech, Transcript
from duologue.brief.transcript import parse
from duologue.datasets.corpus import video
from duologue.datasets.corpus.body import INDEX, Corpus
from duologue.datasets.readers import beat, interact
from duologue.datasets.readers.bvh import find_rig_map
from duologue.datasets.readers.face_captures import sound_of
from duologue.datasets.readers.live_link import read_face_csv
from duologue.errors import DuologueError, invalid
from duologue.labels import ACTION_MODES, EMOTIONS
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton
from duologue.speech.decode import load_speech
from duologue.units import FPS

APART: Final = 1.0
"""Seconds by which motion and speech of one recording may differ in length: readers cut both to the shorter one."""

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file (relative to the folder): an error's reason and message."""

    file: str
    reason: str
    message: str


@dataclass
class Findings:
    """What a folder holds, by name (files, people, minutes), and what is wrong with it."""

    folder: Path
    layout: str
    holds: dict[str, float] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, error: DuologueError) -> None:
        """Note what is wrong with a file."""
        name = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)
        self.problems.append(Problem(name, error.reason, str(error)))

    def attempt(self, path: Path, read: Callable[..., T], *arguments: Any) -> T | None:
        """Return ``read(*arguments)``; None where it fails, which is noted of ``path``."""
        try:
            return read(*arguments)
        except DuologueError as error:
            self.add(path, error)
        except (OSError, ValueError) as error:
            self.add(path, DuologueError("DATA_LOSS", "file-unreadable", f"{path.name} can't be read: {error}"))
        return None

    def recording(self, motion: Path, speech: Path) -> float:
        """Check one person's motion and speech; return the seconds that both last, 0 where one of them can't be read."""
        seconds = (
            self.attempt(motion, _seconds_of_motion, motion),
            self.attempt(speech, _seconds_of_speech, speech),
        )
        if seconds[0] is None or seconds[1] is None:
            return 0.0
        self.same_length(motion, seconds[0], seconds[1])
        return min(seconds[0], seconds[1])

    def same_length(self, path: Path, seconds: float, speech: float) -> None:
        """Note where a file and its sound are not of one length."""
        if abs(seconds - speech) > APART:
            what = f"lasts {seconds:.1f} s and its sound {speech:.1f} s: readers cut both to the shorter one."
            self.add(path, invalid("lengths-differ", what))


def check(folder: Path, progress: Progress = lambda done, total: None) -> Findings:
    """Return what a folder holds and what is wrong with it: our corpus, our clips, InterAct, BEAT or face captures.

    Raises:
        DuologueError: NOT_FOUND ``layout-unknown`` when it is none of them.
    """
    for pattern, look in _LAYOUTS:
        if next(folder.glob(pattern), None) is not None:
            return look(folder, progress)
    raise DuologueError(
        "NOT_FOUND",
        "layout-unknown",
        f"{folder} is no data that a reader knows: a corpus ({INDEX}), clips ({video.INDEX}), InterAct (scenarios.db, actors.db, "
        "bvhs, wav), BEAT (SPEAKER_NAME_SECTION_FIRST_LAST.bvh) or face captures (NAME.csv beside NAME.wav).",
    )


def _check_corpus(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "corpus")
    corpus = findings.attempt(folder / INDEX, Corpus.open, folder)
    if corpus is None:
        return findings
    count = len(corpus.starts) - 1
    findings.holds = {"pairs": count, "minutes": round(float(corpus.starts[-1]) / FPS / 60, 2)}
    findings.attempt(folder / "features.npy", corpus.check_columns, Skeleton.builtin("duologue60"))
    for pair in range(count):
        for name, message in _broken(corpus, pair):
            findings.add(folder / f"{name}.npy", invalid("corpus-values", f"pair {pair}: {message}"))
        progress(pair + 1, count)
    return findings


def _broken(corpus: Corpus, pair: int) -> Iterator[tuple[str, str]]:
    """Yield (array, what is wrong) of one pair."""
    frames = slice(int(corpus.starts[pair]), int(corpus.starts[pair + 1]))
    for name, array in corpus.arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array[frames]).all():
            yield name, "there are values that are not finite."
    for name, labels in (("action", ACTION_MODES), ("emotion", EMOTIONS)):
        if (highest := int(corpus.arrays[name][frames].max(initial=0))) >= len(labels):
            yield name, f"label {highest} is beyond the {len(labels)} that there are."


def _check_clips(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "clips")
    corpus = findings.attempt(folder / video.INDEX, video.VideoCorpus.open, folder)
    if corpus is None:
        return findings
    for done, shard in enumerate(sorted(corpus.shards), start=1):
        path = video.shard_path(folder, shard)
        if wrong := video.check_shard(path):
            findings.add(path, video.damaged(path.name, wrong))
        progress(done, len(corpus.shards))
    split_of: dict[str, set[str]] = {}
    for split in video.SPLITS:
        numbers = corpus.numbers(split)
        findings.holds[f"{split} clips"] = len(numbers)
        for number in numbers:
            clip = findings.attempt(video.shard_path(folder, number // corpus.index["shard"]), corpus.load, number, ())
            for name in clip.about.get("people", ()) if clip is not None else ():
                split_of.setdefault(name, set()).add(split)
    findings.holds["people"] = len(split_of)
    for name, splits in split_of.items():
        if len(splits) > 1:
            findings.add(folder / video.INDEX, invalid("clips-leak", f"{name} is in {' and '.join(sorted(splits))}"))
    return findings


def _check_interact(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "InterAct")
    tables = findings.attempt(folder, interact.Tables.read, folder)
    if tables is None:
        return findings
    recordings = interact.recordings(folder)
    scenes, seconds, actors = 0, 0.0, set[str]()
    for done, ((date, scenario), motions) in enumerate(recordings.items(), start=1):
        first = next(iter(motions.values()))
        scene = findings.attempt(first, tables.scene, folder, date, scenario, motions)
        if scene is not None:
            lengths = [findings.recording(*files) for files in zip(scene.motions, scene.speech, strict=True)]
            if all(lengths):
                scenes, seconds = scenes + 1, seconds + min(lengths)
                actors |= set(scene.actors)
        progress(done, len(recordings))
    findings.holds = {"scenes": scenes, "actors": len(actors), "minutes": round(seconds / 60, 2)}
    return findings


def _check_beat(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "BEAT")
    paths = sorted(folder.glob("**/*.bvh"))
    recordings, words, seconds, speakers = 0, 0, 0.0, set[str]()
    for done, path in enumerate(paths, start=1):
        if match := beat.NAME.fullmatch(path.stem):
            if length := findings.recording(path, path.with_suffix(".wav")):
                recordings, seconds = recordings + 1, seconds + length
                speakers.add(match["speaker"])
            text = path.with_suffix(".TextGrid")
            words += text.is_file() and findings.attempt(text, _words, text) is not None
        else:
            findings.add(path, invalid("name-unknown", "it is not named SPEAKER_NAME_SECTION_FIRST_LAST.bvh."))
        progress(done, len(paths))
    findings.holds = {
        "recordings": recordings,
        "with words": words,
        "speakers": len(speakers),
        "minutes": round(seconds / 60, 2),
    }
    return findings


def _check_captures(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "face captures")
    tables = sorted(folder.rglob("*.csv"))
    captures, seconds = 0, 0.0
    for done, table in enumerate(tables, start=1):
        capture = findings.attempt(table, read_face_csv, table)
        for note in capture.notes if capture is not None else ():
            findings.add(table, invalid("face-csv-filled", note))
        if (sound := sound_of(table)) is None:
            findings.add(table, DuologueError("NOT_FOUND", "speech-missing", "no sound of its name lies beside it."))
        elif capture is not None:
            length = len(capture.weights) / FPS
            speech = findings.attempt(sound, _seconds_of_speech, sound)
            if speech is not None:
                findings.same_length(table, length, speech)
                captures, seconds = captures + 1, seconds + min(length, speech)
        progress(done, len(tables))
    findings.holds = {"captures": captures, "minutes": round(seconds / 60, 2)}
    return findings


def _seconds_of_motion(path: Path) -> float:
    clip = read_bvh(path)
    find_rig_map(clip, path.name)
    return len(clip.rotations) / clip.fps


def _seconds_of_speech(path: Path) -> float:
    sound = load_speech(Speech(path), field=path.name)
    return len(sound.samples) / sound.rate


def _words(path: Path) -> object:
    return parse(Transcript(path.read_text(encoding="utf-8"), "textgrid"), path.name)


_LAYOUTS: Final = (
    (INDEX, _check_corpus),
    (video.INDEX, _check_clips),
    ("scenarios.db", _check_interact),
    ("actors.db", _check_interact),
    ("**/[0-9]*_*_*_*_*.bvh", _check_beat),
    ("**/*.csv", _check_captures),
)
"""What tells a layout, and who looks at it; the first that fits."""
