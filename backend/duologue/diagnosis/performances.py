"""What is asked for and what came of it: briefs, manifests and folders of briefs; takes and the folders they lie in."""

from __future__ import annotations

from pathlib import Path

from duologue.brief import Brief, Transcript
from duologue.brief.transcript import read
from duologue.diagnosis.examined import Examined
from duologue.errors import DuologueError
from duologue.interactions.track import InteractionTrack
from duologue.labels import PERFORMERS
from duologue.shots.report import REPORT, TAKE, is_whole, named_files, read_report
from duologue.shots.shot import read_shots
from duologue.speech.decode import load_pair
from duologue.take import Take


def examine_brief(examined: Examined) -> None:
    """Read a brief, its sounds and its transcripts, as ``duologue perform`` does before it starts."""
    try:
        brief = Brief.load(examined.path)
        a, b, notes = load_pair(brief)
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= {
        "relationship": brief.relationship,
        "length_s": round(max(a.seconds, b.seconds), 3),
        "seed": brief.seed,
        "constraints": len(brief.constraints),
    }
    for name, performer in zip(PERFORMERS, brief.performers, strict=True):
        speech = performer.speech
        said = "none given" if performer.transcript is None else _words(performer.transcript, examined, name)
        channel = "" if speech.channel is None else f", channel {speech.channel}"
        examined.facts[name] = f"{performer.role}, speech {speech.path}{channel}, words: {said}"
    examined.note([*brief.notes, *notes])


def _words(transcript: Transcript, examined: Examined, name: str) -> str:
    reading = read(transcript, f"performers.{name}.transcript")
    examined.note(f"{name}: {note}" for note in reading.notes)
    words = reading.words
    return f"{len(words.split())} without times" if isinstance(words, str) else f"{len(words)} with times"


def examine_shots(examined: Examined) -> None:
    """Read a manifest or a folder of briefs as ``duologue batch`` does, and each of its briefs."""
    try:
        shots = read_shots(examined.path, Path("out"))
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts["shots"] = len(shots)
    for shot in shots:
        try:
            load_pair(shot.load())
        except DuologueError as error:
            examined.refuse(error, shot.name)


def examine_take(examined: Examined) -> None:
    """Read a take."""
    path = examined.path / TAKE if examined.path.is_dir() else examined.path
    try:
        take = Take.load(path)
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= {
        "frames": take.frames,
        "length_s": round(take.seconds, 3),
        "skeleton": take.skeleton.name,
        "joints": len(take.skeleton.names),
        "complete": take.complete,
        "digest": take.digest(),
    }
    if not take.complete:
        examined.note(["the performance was stopped before its end"], "complete")


def examine_interactions(examined: Examined) -> None:
    """Read the interactions that lie beside a take."""
    try:
        track = InteractionTrack.load(examined.path)
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= {
        "frames": track.frames,
        "starts_s": round(track.start / track.fps, 3),
        "touches": [f"{touch.pattern}, {touch.performer} with the {touch.hand} hand" for touch in track.touches],
    }
    examined.note(track.notes)


def examine_take_folder(examined: Examined) -> None:
    """Read a performance's folder: its take, its report, and whether every file that it names is there."""
    examine_take(examined)
    report = read_report(examined.path)
    if report is None:
        examined.note([f"there is no {REPORT} (it is written last): the performance was not finished"], "report")
        return
    named = sorted(named_files(report))
    examined.facts["files"] = named
    if examined.usable and not is_whole(examined.path, report):
        gone = [name for name in named if not (examined.path / name).is_file()]
        examined.note([f"not whole: {', '.join(gone) or 'a file of it'} is missing or empty"], "report")
