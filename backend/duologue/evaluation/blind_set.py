"""The videos of a comparison: takes of the same briefs side by side, under names that tell nothing, on a page that asks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from duologue.errors import invalid
from duologue.evaluation.compare import Shown, briefs_of, plan, write_key, write_page
from duologue.files.atomic import prepare_folder
from duologue.files.reading import resolved
from duologue.shots import blender
from duologue.shots.perform import Outputs
from duologue.shots.report import TAKE

PREVIEW = "preview.mp4"


@dataclass(frozen=True)
class BlindSet:
    """What a set is made of: two or more systems' folders of takes, and how they are shown."""

    folders: Sequence[Path]
    """``FOLDER/BRIEF/take.safetensors`` each; a folder's name is its system's."""
    question: str
    """What the page asks."""
    seed: int = 0
    """Of the order and the sides."""
    engine: str = "workbench"


def write_set(
    blind: BlindSet, out: Path, key: Path | None, on_progress: Callable[[str, int, int], None]
) -> tuple[Path, int]:
    """Write a set into a folder, new or empty, and its key; return the key's path and how many videos there are.

    ``key``: who is on which side; ``OUT-key.json`` beside ``out`` by default.

    Raises:
        DuologueError: INVALID_ARGUMENT ``folder-not-empty``; what :func:`briefs_of`, :func:`duologue.shots.blender.check_outputs`
            and :func:`duologue.shots.blender.run` raise.
    """
    folders = [resolved(folder, "folders") for folder in blind.folders]
    where = {folder.name: folder for folder in folders}
    briefs = briefs_of(folders)
    outputs = Outputs(engine=blind.engine)
    blender.check_outputs(outputs)
    if out.exists() and any(out.iterdir()):
        raise invalid("folder-not-empty", f"{out} holds something already; choose another folder.", field="--out")
    prepare_folder(out)
    shown = plan(list(where), briefs, blind.seed)
    key = key or out.parent / f"{out.resolve().name}-key.json"
    write_key(key, list(where), shown, blind.seed)
    with tempfile.TemporaryDirectory(prefix="duologue-") as scratch:

        def video(system: str, item: Shown) -> Path:
            return _preview(where[system] / item.brief, Path(scratch) / system / item.brief, outputs, on_progress)

        for number, item in enumerate(shown):
            _beside(video(item.left, item), video(item.right, item), out / f"{item.name}.mp4", on_progress)
            on_progress("videos", number + 1, len(shown))
    write_page(out, shown, blind.question)
    return key, len(shown)


def _preview(take: Path, scratch: Path, outputs: Outputs, on_progress: blender.OnProgress) -> Path:
    """Return a take's preview: the one in its folder, else one drawn now, once."""
    for video in (take / PREVIEW, scratch / PREVIEW):
        if video.is_file():
            return video
    scratch.mkdir(parents=True, exist_ok=True)
    blender.render_take(take / TAKE, scratch, outputs, on_progress)
    return scratch / PREVIEW


def _beside(left: Path, right: Path, video: Path, on_progress: blender.OnProgress) -> None:
    """Join two videos through Blender's sequencer, under names that tell nothing."""
    with tempfile.TemporaryDirectory(prefix="duologue-") as scratch:
        copies = [Path(scratch) / name for name in ("left.mp4", "right.mp4")]
        for original, copy in zip((left, right), copies, strict=True):
            shutil.copyfile(original, copy)
        blender.run(["beside", *map(str, copies), str(video.resolve())], on_progress)
