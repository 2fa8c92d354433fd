"""From a take to moving pictures of its touches: everything of ``duologue interact`` but what is typed and printed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duologue
from duologue.brief.interactions import Interaction, check_interactions, interaction_json
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder, write_text
from duologue.files.lock import only_writer
from duologue.footage.asked import stretch
from duologue.footage.drawing import PASSES_FOLDER, draw_passes, references_of
from duologue.footage.pictures import SETTINGS, VIDEO, PictureFolder, make_pictures, not_whole, region_of
from duologue.footage.played import Played, play
from duologue.footage.view import choose_camera
from duologue.interactions.response import usual
from duologue.interactions.track import FILE
from duologue.labels import check
from duologue.passes.camera import Size
from duologue.passes.frames import FRAMES
from duologue.passes.options import Span
from duologue.passes.pictures import PRESETS
from duologue.passes.sources import StoredPasses
from duologue.people.person import Person
from duologue.rigs.samples import SAMPLES
from duologue.shots.touch import Wanted, events_of
from duologue.take import Take
from duologue.video.backends import Backend, Report, Wish, open_backend

REPORT: Final = "report.json"

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Asked:
    """What is asked for, as it was typed."""

    out: Path
    added: tuple[Interaction, ...] = ()
    """Touches beside those that the take's brief asked for."""
    backend: str = "carried"
    weights: Path | None = None
    device: str = "cpu"
    mode: str = ""
    preset: str = "draft"
    steps: int = 0
    """0: the preset's."""
    seed: int = 0
    prompt: str = ""
    size: Size = (128, 128)
    frames: str = ""
    seconds: str = ""
    region: str = ""
    passes_only: bool = False
    replace: bool = False


@dataclass(frozen=True)
class Clip:
    """A stretch of a take that was played: which frames, and what is done in them."""

    take: Take
    span: Span
    interactions: tuple[Interaction, ...]
    yields: tuple[float, ...]


def plan(take: Take, beside: Path, asked: Asked) -> Clip:
    """Return what of a take is shown; all that can be wrong with what was typed is found here.

    ``beside``: the take's folder, where what its brief asked of the hands lies.

    Raises:
        DuologueError: what :func:`.asked.stretch`, ``check_interactions`` and ``Wanted.load`` raise; ``unknown-label``.
    """
    check(asked.preset, PRESETS, field="--preset")
    wanted = Wanted.load(beside) or Wanted((), (), ())
    wanted = wanted.within(take.seconds)
    both = (*wanted.interactions, *asked.added)
    check_interactions(both, wanted.held, take.seconds)
    yields = (*wanted.yields, *map(usual, asked.added))
    first = asked.added or both
    span = stretch(asked.frames, asked.seconds, sorted(first, key=lambda one: one.seconds), take.frames, take.fps)
    begin, end = (span.first - 1) / take.fps, span.last / take.fps
    shown = [pair for pair in zip(both, yields, strict=True) if pair[0].begins < end and begin < pair[0].ends]
    return Clip(take, span, tuple(one for one, _ in shown), tuple(share for _, share in shown))


def interact(
    clip: Clip,
    asked: Asked,
    tell: Tell,
    should_stop: Callable[[], bool] = lambda: False,
    served: Backend | None = None,
) -> dict[str, Any]:
    """Fill ``asked.out`` and return the report that is also written there, last.

    ``served``: who makes the pictures, if not this machine (``footage.served``).

    Raises:
        DuologueError: what opening the backend, solving, drawing, making and writing raise; FAILED_PRECONDITION ``pictures-busy``
            where another run writes there.
    """
    backend = served
    if backend is None and not asked.passes_only:
        backend = open_backend(asked.backend, asked.weights, asked.device, asked.size)
    if backend is not None and asked.mode:
        check(asked.mode, backend.modes, field="--mode")
    if asked.region and not (asked.out / SETTINGS).is_file():
        raise not_whole(asked.out)
    prepare_folder(asked.out)
    with only_writer(
        asked.out, "pictures-busy", f"another run writes into {asked.out}; wait for it, or choose another folder"
    ):
        return _filled(clip, asked, backend, (tell, should_stop))


def _filled(
    clip: Clip, asked: Asked, backend: Backend | None, hooks: tuple[Tell, Callable[[], bool]]
) -> dict[str, Any]:
    tell, should_stop = hooks
    began = time.monotonic()
    tell("solving", 0, 1)
    people = Person.load(Path(), SAMPLES[0], 0), Person.load(Path(), SAMPLES[1], 0)
    played = play(clip.take, clip.span, clip.interactions, people, clip.yields)
    if played.track is not None:
        played.track.save(asked.out / FILE)
    tell("solving", 1, 1)
    solved = time.monotonic()
    camera = choose_camera(played, clip.span, asked.size)
    about = {
        "source": clip.take.digest(),
        "first": clip.span.first,
        "step": clip.span.step,
        "interactions": [interaction_json(one) for one in clip.interactions],
        "people": list(SAMPLES),
        "camera": camera.to_json(),
    }
    folder = draw_passes(
        played, clip.span, camera, asked.size, asked.out / PASSES_FOLDER, about,
        tell=lambda done, of: tell("passes", done, of), should_stop=should_stop, replace=asked.replace,
    )  # fmt: skip
    drawn = time.monotonic()
    seconds = {"solving": solved - began, "passes": drawn - solved}
    notes = [*(() if played.track is None else played.track.notes)]
    made, report, digest = 0, Report(""), ""
    if backend is not None and folder.complete:
        clip_ = {**about, "size": list(asked.size), "frames": clip.span.count}
        made, report, digest, more = _pictures(played, clip.span, asked, backend, clip_, hooks)
        seconds["pictures"] = time.monotonic() - drawn
        notes += more
    document = _report(clip, asked, played, (made, report, digest, folder.complete))
    document |= {
        "notes": [*notes, *report.notes],
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }
    write_text(asked.out / REPORT, json.dumps(document, indent=1) + "\n")
    return document


def _pictures(  # noqa: PLR0917
    played: Played, span: Span, asked: Asked, backend: Backend, clip: dict[str, Any],
    hooks: tuple[Tell, Callable[[], bool]],
) -> tuple[int, Report, str, list[str]]:  # fmt: skip
    tell, should_stop = hooks
    passes = StoredPasses.open(asked.out / PASSES_FOLDER)
    mode = asked.mode or backend.modes[0]
    steps = asked.steps or backend.steps(asked.preset)
    settings = {
        "duologue": duologue.__version__,
        "clip": clip,
        "backend": backend.name,
        "weights": dict(backend.weights),
        "mode": mode,
        "steps": steps,
        "seed": asked.seed,
        "prompt": asked.prompt,
        "device": asked.device,
    }
    target = PictureFolder(asked.out, settings, passes.frames, asked.region, replace=asked.replace)
    wish = Wish(asked.prompt, steps, asked.seed, mode, region_of(target))
    told = references_of(asked.out / PASSES_FOLDER, played), events_of(played.touches, span, played.fps)
    done = make_pictures(
        backend, target, passes, told, wish, tell=lambda count, of: tell("pictures", count, of), should_stop=should_stop
    )
    notes = target.finish(done, passes.fps)
    report = backend.report
    report = replace(report, mode=report.mode or mode, steps=report.steps or steps)
    shown = target.frames if asked.region else done
    return done, report, target.pictures.digest(shown), notes


def _report(clip: Clip, asked: Asked, played: Played, made: tuple[int, Report, str, bool]) -> dict[str, Any]:
    count, report, digest, drawn = made
    complete = drawn and (asked.passes_only or count == clip.span.count)
    files = [name for name in (FILE, PASSES_FOLDER, FRAMES, VIDEO, SETTINGS) if (asked.out / name).exists()]
    return {
        "complete": complete,
        "files": [*files, REPORT],
        "frames": {
            "first": clip.span.first,
            "last": clip.span.last,
            "step": clip.span.step,
            "count": clip.span.count,
            "made": count,
        },
        "fps": played.fps / clip.span.step,
        "size": list(asked.size),
        "region": asked.region,
        "touches": [
            {
                "pattern": touch.pattern,
                "performer": touch.performer,
                "touched": touch.touched,
                "hand": touch.hand,
                "side": touch.side,
                "touches": round(touch.touches, 3),
                "releases": round(touch.releases, 3),
                "short_mm": round(1000 * touch.short, 1),
            }
            for touch in played.touches
        ],
        "backend": {
            "name": report.backend,
            "mode": report.mode,
            "steps": report.steps,
            "seed": asked.seed,
            "weights": report.weights,
        },
        "digest": digest,
    }


def not_there(path: Path) -> DuologueError:
    """Return the error for a file that is neither a brief nor a take."""
    return DuologueError(
        "INVALID_ARGUMENT",
        "source-type",
        f"{path} is neither a take (.safetensors) nor a brief (.toml, .json) or script (.fountain, .txt)",
    )
