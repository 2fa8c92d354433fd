"""Which of two systems do people prefer? Pairs of takes side by side, blind, and the answers counted.

InterAct's user study (arXiv 2509.05747; docs/reference/papers.md#interact) asks for five levels, from much better to much worse.
Here a set is a folder that says nothing of who made what; which side was whose is in a key of its own, which stays with whoever
asks.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import binomtest

from duologue.errors import DuologueError, invalid
from duologue.files.atomic import write_text
from duologue.files.document import read_text
from duologue.labels import PERFORMERS

TAKE: Final = "take.safetensors"
ANSWERS: Final = ("left much better", "left better", "same", "right better", "right much better")
LEVELS: Final = ("much better", "better", "same", "worse", "much worse")
"""Of the first system against the second, as in the paper."""


@dataclass(frozen=True)
class Shown:
    """One video of a set: ``name`` is its file's, without the ending; the systems are folders' names."""

    name: str
    brief: str
    left: str
    right: str


def briefs_of(folders: Sequence[Path]) -> list[str]:
    """Return the names of the takes that every folder holds, each a folder as ``duologue perform`` writes it.

    Raises:
        DuologueError: INVALID_ARGUMENT ``compare-few`` for fewer than two folders or two of one name; NOT_FOUND ``takes-missing``
            when they share no take; FAILED_PRECONDITION ``speech-differs`` when two takes of one name say different things.
    """
    names = [folder.name for folder in folders]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise invalid("compare-few", "give two or more folders of takes with different names.")
    held = [{path.parent.name for path in folder.glob(f"*/{TAKE}")} for folder in folders]
    shared = sorted(set.intersection(*held))
    if not shared:
        raise DuologueError(
            "NOT_FOUND",
            "takes-missing",
            f"{', '.join(map(str, folders))} share no take: each needs folders of the same names that hold a {TAKE}.",
        )
    for brief in shared:
        if len({_voices(folder / brief) for folder in folders}) > 1:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "speech-differs",
                f"the takes {brief!r} are not of one brief: their speech differs; perform it with every system.",
            )
    return shared


def _voices(folder: Path) -> str:
    digest = hashlib.sha256()
    for performer in PERFORMERS:
        file = folder / f"{performer}.wav"
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def plan(systems: Sequence[str], briefs: Sequence[str], seed: int) -> list[Shown]:
    """Return what to show: every two systems on every brief, in random order and on random sides, each as often on the left.

    The same names and seed give the same plan.
    """
    rng = np.random.default_rng(seed)
    twos = [(first, second, brief) for first, second in combinations(systems, 2) for brief in briefs]
    swapped = rng.permutation(np.arange(len(twos)) % 2 == 1)
    order = rng.permutation(len(twos))
    digits = len(str(len(twos)))
    shown: list[Shown] = []
    for number, k in enumerate(order):
        first, second, brief = twos[k]
        left, right = (second, first) if swapped[k] else (first, second)
        shown.append(Shown(f"{number + 1:0{digits}d}", brief, left, right))
    return shown


def write_key(path: Path, systems: Sequence[str], shown: Sequence[Shown], seed: int) -> None:
    """Write who is on which side, as JSON."""
    videos = {s.name: {"brief": s.brief, "left": s.left, "right": s.right} for s in shown}
    write_text(path, json.dumps({"systems": list(systems), "seed": seed, "videos": videos}, indent=2) + "\n")


def read_key(path: Path) -> tuple[list[str], list[Shown]]:
    """Return the systems and what was shown.

    Raises:
        DuologueError: NOT_FOUND ``key-missing``; DATA_LOSS ``key-damaged``.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return list(data["systems"]), [
            Shown(name, v["brief"], v["left"], v["right"]) for name, v in data["videos"].items()
        ]
    except OSError as error:
        raise DuologueError("NOT_FOUND", "key-missing", f"can't read the key {path}", field="--key") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DuologueError("DATA_LOSS", "key-damaged", f"{path} is not a key: {error!r}", field="--key") from error


def write_page(folder: Path, shown: Sequence[Shown], question: str) -> None:
    """Write ``index.html``, which plays the videos and saves answers, and ``answers.csv``, the same to fill in by hand."""
    names = [s.name for s in shown]
    page = Path(__file__).with_name("compare_page.html").read_text(encoding="utf-8")
    page = page.replace("{{question}}", html.escape(question))
    page = page.replace("{{videos}}", json.dumps(names)).replace("{{answers}}", json.dumps(ANSWERS))
    write_text(folder / "index.html", page)
    write_text(folder / "answers.csv", "video,answer\n" + "".join(f"{name},\n" for name in names))


def read_answers(folder: Path, shown: Sequence[Shown]) -> list[tuple[str, Shown, str]]:
    """Return (file, what was shown, answer) of every filled-in line of the ``*.csv`` files in a folder.

    Raises:
        DuologueError: NOT_FOUND ``answers-missing`` when nothing is filled in; INVALID_ARGUMENT ``answer-unknown``, which names
            file and line.
    """
    known = {s.name: s for s in shown}
    answers: list[tuple[str, Shown, str]] = []
    for path in sorted(folder.glob("*.csv")):
        for number, row in enumerate(csv.DictReader(io.StringIO(read_text(path), newline="")), start=2):
            video, answer = (row.get("video") or "").strip(), (row.get("answer") or "").strip()
            if not answer:
                continue
            if video not in known or answer not in ANSWERS:
                raise invalid(
                    "answer-unknown",
                    f"{path.name}, line {number}: {video!r}, {answer!r}; it takes a video of the key and one of: "
                    f"{', '.join(ANSWERS)}.",
                )
            answers.append((path.name, known[video], answer))
    if not answers:
        raise DuologueError("NOT_FOUND", "answers-missing", f"no .csv in {folder} holds an answer.")
    return answers


def tally(systems: Sequence[str], answers: Sequence[tuple[str, Shown, str]]) -> dict[str, Any]:
    """Count the answers of every two systems.

    Returns (JSON values):
        under ``"first against second"`` the number of ``answers``, ``people`` and ``videos``; ``levels``: of each of ``LEVELS``
        its count, share and Wilson's 95 % interval (Wilson 1927); ``preferred``: the share of those with a preference who prefer
        the first, with the same interval and the two-sided binomial ``p`` of half. Wilson's interval takes answers for
        independent: with few people or videos it is too narrow.
    """
    result: dict[str, Any] = {}
    for first, second in combinations(systems, 2):
        chosen = [(who, s, answer) for who, s, answer in answers if {s.left, s.right} == {first, second}]
        if not chosen:
            continue
        level = [_level(s, answer, first) for _, s, answer in chosen]
        counts = [level.count(k) for k in range(len(LEVELS))]
        better, worse = sum(counts[:2]), sum(counts[3:])
        result[f"{first} against {second}"] = {
            "answers": len(chosen),
            "people": len({who for who, _, _ in chosen}),
            "videos": len({s.name for _, s, _ in chosen}),
            "levels": {name: wilson(count, len(chosen)) for name, count in zip(LEVELS, counts, strict=True)},
            "preferred": wilson(better, better + worse)
            | {"p": float(binomtest(better, better + worse).pvalue) if better + worse else None},
        }
    return result


def _level(shown: Shown, answer: str, first: str) -> int:
    """Index into ``LEVELS`` of an answer as it is about the first system."""
    place = ANSWERS.index(answer)
    return place if shown.left == first else len(ANSWERS) - 1 - place


def wilson(count: int, of: int) -> dict[str, float | int | None]:
    """Return a share with Wilson's score interval, 95 %."""
    if not of:
        return {"count": count, "of": of, "value": None, "low": None, "high": None}
    interval = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return {"count": count, "of": of, "value": count / of, "low": float(interval.low), "high": float(interval.high)}
