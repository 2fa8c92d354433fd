"""``duologue evaluate contact``: every pattern on every pair of characters, as one report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duologue
from duologue.brief import Interaction
from duologue.errors import DuologueError
from duologue.evaluation.contact.bodies import BodyFigures, body_figures
from duologue.evaluation.contact.goals import goals, missed
from duologue.evaluation.contact.measures import Figures, figures_of
from duologue.evaluation.contact.played import Played, play
from duologue.evaluation.contact.sheet import Sheet
from duologue.evaluation.contact.standing import nearer, scene_of_take, standing_take
from duologue.interactions.actor import Character
from duologue.interactions.character_file import load_character
from duologue.labels import FACE_INTERACTIONS, INTERACTIONS
from duologue.rigs.samples import SAMPLES, load_sample
from duologue.shots.blender import passes_against_cycles, write_character
from duologue.take import Take

Report = Callable[[str, float, float], None]

SECONDS, UNTIL = 2.0, 3.2
"""When each touch begins and ends."""


@dataclass(frozen=True)
class ContactEvaluation:
    """What is judged."""

    patterns: tuple[str, ...] = INTERACTIONS
    every: int = 1
    """Every so many frames are looked at."""
    sheet: Path | None = None
    """Where a sheet of pictures goes."""
    take: Path | None = None
    """A take to touch in, out of its middle, with both set near enough; by default two people who stand and sway."""
    passes: bool = True
    """Whether our passes are held against Cycles', by a Blender without a window."""
    characters: tuple[Path, ...] = ()
    """Characters (.blend, .glb, .fbx, or as ``save_character`` writes them) to judge with Ada, instead of Ada with Ben."""


@dataclass(frozen=True)
class Asked:
    """One touch to judge: ``pattern``, on the ``own`` or the ``partner``'s body, by the first of two characters."""

    pattern: str
    target: str
    cast: tuple[Character, Character]

    @property
    def names(self) -> tuple[str, str]:
        """Who touches whom."""
        own, partner = (character.mesh.name for character in self.cast)
        return own, own if self.target == "own" else partner


@dataclass(frozen=True, eq=False)
class Judged:
    """A touch and what it came to; ``error`` where there is none."""

    asked: Asked
    played: Played | None
    figures: Figures | None
    body: BodyFigures | None
    error: str = ""


def evaluate_contact(
    settings: ContactEvaluation,
    report: Report = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Return the whole report as JSON values. A touch takes seconds; the sheet is written last.

    Raises:
        DuologueError: what ``load_sample`` and ``Sheet.save`` raise.
    """
    begin, begin_wall = time.process_time(), time.perf_counter()
    ada, ben = (Character.of(load_sample(name)) for name in SAMPLES)
    casts = [(read_character(path), ada) for path in settings.characters] or [(ada, ben)]
    everything = [
        asked for cast in casts for asked in asked_touches(settings.patterns, cast, both=not settings.characters)
    ]
    rows: list[dict[str, Any]] = []
    sheet = Sheet()
    take = None if settings.take is None else Take.load(settings.take)
    for number, asked in enumerate(everything):
        judged = judge(asked, settings.every, take)
        if settings.sheet and judged.played is not None and judged.figures is not None:
            sheet.add(asked.pattern, "{} on {}".format(*asked.names), judged.played, judged.figures.deepest_frame)
        rows.append(_row(judged))
        report("touches", number + 1, len(everything))
    if settings.sheet is not None:
        sheet.save(settings.sheet)
    figures = figures_over(rows) | _passes(settings.passes)
    return {
        "version": duologue.__version__,
        "every": settings.every,
        **figures,
        "patterns": _by_pattern(rows),
        "characters": _by_character(rows),
        "touches": rows,
        "sheet": sheet.legend(),
        "goals": goals(figures),
        "processor_seconds": time.process_time() - begin,
        "seconds": time.perf_counter() - begin_wall,
    }


def read_character(path: Path) -> Character:
    """Read a character from a file; all but our own arrays are opened by a Blender without a window.

    Raises:
        DuologueError: what ``load_character`` and ``write_character`` raise.
    """
    if path.suffix == ".safetensors":
        found = load_character(path)
        return replace(found, mesh=replace(found.mesh, name=path.stem))
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / f"{path.stem}.safetensors"
        write_character(path, written)
        return read_character(written)


def asked_touches(patterns: Sequence[str], cast: tuple[Character, Character], *, both: bool) -> Iterator[Asked]:
    """Yield every pattern by each of two characters on the other, and by the first, or ``both``, on their own face."""
    for pattern in patterns:
        for own, partner in (cast, cast[::-1]):
            if pattern in FACE_INTERACTIONS and (both or own is cast[0]):
                yield Asked(pattern, "own", (own, partner))
            yield Asked(pattern, "partner", (own, partner))


def judge(asked: Asked, every: int = 1, take: Take | None = None) -> Judged:
    """Solve a touch and measure it; a pattern that a rig can't do is an error in the report and ends nothing."""
    target = "A" if asked.target == "own" else "B"
    scene = scene_of_take(asked.cast, standing_take(asked.pattern) if take is None else nearer(take, asked.pattern))
    try:
        played = play(scene, Interaction(asked.pattern, "A", SECONDS, UNTIL, target=target))
    except DuologueError as error:
        return Judged(asked, None, None, None, f"{error.reason}: {error}")
    body = body_figures(played, played.rows[::every])
    return Judged(asked, played, figures_of(played, every), body)


def _passes(wanted: bool) -> dict[str, Any]:
    """Return how near our passes are to Cycles'; without a Blender, or where it isn't asked for, None and why."""
    if not wanted:
        return {"part_iou": None, "flow_error_px": None, "passes": "not asked for"}
    try:
        with tempfile.TemporaryDirectory() as folder:
            take = Path(folder) / "take.safetensors"
            standing_take("poke-cheek").save(take)
            found = passes_against_cycles(take, (SECONDS, UNTIL))
    except DuologueError as error:
        return {"part_iou": None, "flow_error_px": None, "passes": f"{error.reason}: {error}"}
    return {"part_iou": found["part_iou"], "flow_error_px": found["flow_error_px"], "passes": found}


def figures_over(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the figures of several touches together: shares of all their frames, means over touches, depth over all vertices."""
    done = [row for row in rows if "error" not in row]
    if not done:
        return dict.fromkeys(
            ("non_collision", "touchness", "contact_f", "touch_drift_mm", "mean_depth_mm", "solve_seconds_per_second")
        )

    def total(key: str) -> float:
        return float(sum(row[key] for row in done))

    return {
        "non_collision": 1.0 - total("colliding") / max(total("frames"), 1),
        "touchness": total("touching") / max(total("held"), 1),
        "contact_f": total("contact_f") / len(done),
        "touch_drift_mm": total("drift_mm") / len(done),
        "mean_depth_mm": total("depth_mm") / max(total("inside"), 1),
        "solve_seconds_per_second": total("seconds") / total("contact_seconds"),
    }


def _row(judged: Judged) -> dict[str, Any]:
    asked = judged.asked
    toucher, touched = asked.names
    row: dict[str, Any] = {"pattern": asked.pattern, "target": asked.target, "toucher": toucher, "touched": touched}
    if judged.figures is None or judged.played is None or judged.body is None:
        return row | {"error": judged.error}
    solved = judged.played.solved
    row |= {"hand": solved.hand, "side": solved.side, **asdict(judged.figures), **asdict(judged.body)}
    return row | {
        "missed": missed(figures_over([row]) | {"solve_seconds_per_second": None}),
        "notes": list(solved.notes),
    }


def _by_pattern(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        found.setdefault(row["pattern"], {}).setdefault(row["target"], []).append(row)
    return {pattern: {target: _with_worst(of) for target, of in targets.items()} for pattern, targets in found.items()}


def _with_worst(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    done = [row for row in rows if "error" not in row]
    deepest = max((row["deepest_mm"] for row in done), default=None)
    return {**figures_over(rows), "deepest_mm": deepest, "errors": [row["error"] for row in rows if "error" in row]}


def _by_character(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(row[who] for row in rows for who in ("toucher", "touched")))
    return {
        name: {
            "touching": figures_over([row for row in rows if row["toucher"] == name]),
            "touched": figures_over([row for row in rows if row["touched"] == name]),
        }
        for name in names
    }
