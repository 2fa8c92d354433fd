# SPDX-License-Identifier: GPL-3.0-or-later
"""Duologue without a window: a take becomes a scene and a video.

Three ways in, one code:
    python addon/headless.py render TAKE --out DIR            (a Python with the bpy wheel)
    blender -b --python addon/headless.py -- render TAKE …    (an installed Blender)
    blender -b --command duologue render TAKE …               (the installed extension)

Without a verb it performs briefs: ``blender -b scene.blend --command duologue --brief FOLDER --out DIR`` (docs/guide/farm.md).

Standard output carries one JSON object a line for each thing that happens, among whatever Blender itself prints:
    {"duologue": "progress", "stage": "preview", "done": 3, "total": 750}
    {"duologue": "note", "message": "…"}
    {"duologue": "scene", "facts": {…}}, {"duologue": "character", "name": "Ada", "facts": {…}, "findings": […], "problem": {…}}
    {"duologue": "shot", "name": "010", "state": "done", "folder": "…", …}
    {"duologue": "done", "files": ["scene.blend", "preview.mp4"]}
    {"duologue": "batch", "done": 3, "skipped": 0, "failed": 0, "left": 0, "exit_code": 0, "report": "…"}
    {"duologue": "error", "code": "…", "reason": "…", "message": "…"}
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="duologue", description="Duologue without a window")
    top.add_argument("--package", type=Path, help="folder of the duologue package, where this Python doesn't have it")
    verbs = top.add_subparsers(dest="verb", required=True)
    _add_render(verbs)
    _add_batch(verbs)
    _add_passes(verbs)
    _add_video(verbs)
    draw = verbs.add_parser("draw", help="(used by render) draw a scene's video in a process of its own")
    draw.add_argument("blend", type=Path)
    draw.add_argument("video", type=Path)
    draw.add_argument("--engine", required=True)
    draw.add_argument("--split", action="store_true", help="what the scene's cameras for a split picture see")
    beside = verbs.add_parser("beside", help="join two videos side by side, with the left one's sound")
    beside.add_argument("left", type=Path)
    beside.add_argument("right", type=Path)
    beside.add_argument("video", type=Path)
    examine = verbs.add_parser("examine", help="tell who in a scene could play; its scripts stay disabled")
    examine.add_argument("blend", type=Path)
    _add_for_evaluations(verbs)
    bench = verbs.add_parser("benchmark", help="time the writing of a take against keyframe_insert")
    bench.add_argument("--seconds", type=float, default=60.0)
    bench.add_argument("--repeats", type=int, default=3)
    return top


def _add_for_evaluations(verbs: Any) -> None:
    character = verbs.add_parser("character", help="write a character as arrays (used by evaluate contact)")
    character.add_argument("source", type=Path, help=".blend, .glb, .gltf or .fbx")
    character.add_argument("out", type=Path)
    character.add_argument("--armature", default="")
    oracle = verbs.add_parser("oracle", help="compare our passes of a touch with Cycles' (used by evaluate contact)")
    oracle.add_argument("take", type=Path)
    oracle.add_argument("out", type=Path)
    oracle.add_argument("--pattern", default="poke-cheek")
    oracle.add_argument("--seconds", type=float, nargs=2, default=(2.0, 3.2), help="when it touches, and lets go")


def _add_render(verbs: Any) -> None:
    render = verbs.add_parser("render", help="make a scene and a preview video of a take")
    render.add_argument("take", type=Path)
    render.add_argument("--out", type=Path, required=True, help="folder for scene.blend and preview.mp4")
    render.add_argument("--blend", type=Path, help="your scene; the sample characters play when there is none")
    for performer in "ab":
        render.add_argument(f"--sound-{performer}", type=Path, help=f"speech of performer {performer.upper()}")
    _add_scene_options(render)


def _add_batch(verbs: Any) -> None:
    batch = verbs.add_parser("batch", help="perform briefs into shots; what a call without a verb does")
    batch.add_argument("--brief", type=Path, required=True, help="a brief, a folder of briefs, or a manifest")
    batch.add_argument("--out", type=Path, required=True, help="folder for the shots' folders and report.json")
    batch.add_argument("--report", type=Path, help="where the summary goes instead of report.json in that folder")
    batch.add_argument("--blend", type=Path, help="your scene, where none was opened with Blender")
    batch.add_argument("--seed", type=int, help="another take: overrides the briefs' seeds")
    batch.add_argument("--server", type=Path, help="connection file of a server")
    batch.add_argument("--python", default="", help="the Python that starts a server here, or Duologue's folder")
    batch.add_argument("--force", action="store_true", help="make again what is done already")
    _add_scene_options(batch)


def _add_passes(verbs: Any) -> None:
    passes = verbs.add_parser("passes", help="draw a clip's passes (parts, depth, flow, pose …) into a folder")
    passes.add_argument("blend", type=Path, nargs="?", help="your scene, where none was opened with Blender")
    passes.add_argument("--out", type=Path, required=True, help="folder for the passes")
    passes.add_argument("--pass", action="append", default=[], dest="wanted", help="only these (may be repeated)")
    passes.add_argument("--replace", action="store_true", help="replace another clip in that folder")
    _add_clip_options(passes)
    for performer in "ab":
        passes.add_argument(f"--armature-{performer}", default="", help=f"armature of {performer.upper()}")
        passes.add_argument(f"--mesh-{performer}", action="append", default=[], help="face mesh (may be repeated)")
    pictures = verbs.add_parser("pictures", help="(used by passes) render frames in a process of its own")
    pictures.add_argument("blend", type=Path)
    pictures.add_argument("--out", type=Path, required=True)
    _add_clip_options(pictures)


def _add_video(verbs: Any) -> None:
    video = verbs.add_parser(
        "video", help="make moving pictures of a touch as Make Video does; what is left out is the file's"
    )
    video.add_argument("blend", type=Path, nargs="?", help="your scene, where none was opened with Blender")
    video.add_argument("--out", type=Path, help="folder for passes and pictures")
    video.add_argument("--touch", type=int, help="the number of a touch in the list, from 1")
    video.add_argument(
        "--frames", default="", help="instead of a touch: first and last frame, and a step: 1:81, 1:161:2"
    )
    video.add_argument("--every", type=int, help="a picture of every so many frames")
    video.add_argument("--size", default="", help="pixels: 128, or 832x480")
    video.add_argument("--camera", default="", help="a camera's name")
    video.add_argument(
        "--picture", default="", choices=("", "scene", "workbench", "eevee", "plain"), help="draws the first one"
    )
    video.add_argument("--backend", default="", help="who makes the pictures: carried, tiny, …")
    video.add_argument("--mode", default="", help="in which way, of those that it knows")
    video.add_argument(
        "--preset", default="", choices=("", "draft", "final"), help="final: a draft first, then over it"
    )
    video.add_argument("--steps", type=int, help="of the diffusion; 0: as many as the preset says")
    video.add_argument("--seed", type=int, help="another seed gives other pictures")
    video.add_argument("--prompt", help="what is to be seen")
    video.add_argument("--replace", action=argparse.BooleanOptionalAction, help="replace a video that is in the folder")
    video.add_argument(
        "--go-on", action="store_true", help="make what a stopped video in the folder lacks, if one is there"
    )
    video.add_argument("--server", type=Path, help="connection file of a server; by default as the preferences say")
    video.add_argument("--save", type=Path, help="save the scene with the video's strip as this .blend")


def _add_clip_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--frames", default="", help="first and last frame, and a step: 1:81, 1:161:2")
    verb.add_argument("--size", default="128", help="pixels: 128, or 832x480")
    verb.add_argument("--camera", default="", help="a camera's name; by default the scene's own")
    engines = ("", "workbench", "eevee", "cycles", "software", "none")
    verb.add_argument("--engine", default="", choices=engines, help="draws the picture; by default the scene's own")


def _add_scene_options(verb: argparse.ArgumentParser) -> None:
    for performer in "ab":
        verb.add_argument(f"--armature-{performer}", default="", help=f"armature of performer {performer.upper()}")
        verb.add_argument(f"--mesh-{performer}", action="append", default=[], help="face mesh (may be repeated)")
    verb.add_argument(
        "--first-frame", type=int, help="where the take begins; by default where your scene does, else at 1"
    )
    verb.add_argument("--engine", default="workbench", choices=("workbench", "eevee", "cycles", "software"))
    verb.add_argument(
        "--camera",
        default="",
        choices=("", "cut", "wide", "split"),
        help="cut to who speaks, one wide shot, or both faces below it; by default cut, or your scene's own camera",
    )
    verb.add_argument(
        "--seats",
        action=argparse.BooleanOptionalAction,
        help="put chairs where somebody sits; by default in the sample scene only",
    )
    verb.add_argument("--no-preview", action="store_true", help="make no video")
    verb.add_argument(
        "--export",
        action="append",
        default=[],
        choices=("gltf", "fbx", "usd"),
        help="write the scene so (may be repeated)",
    )


def with_verb(argv: Sequence[str]) -> list[str]:
    """Return the arguments with ``batch`` where they begin with an option: ``--brief …`` alone is enough."""
    words = list(argv)
    at = 2 if words[:1] == ["--package"] else 0
    first = words[at : at + 1]
    bare = bool(first) and first[0].startswith("-") and first[0] not in {"-h", "--help"}
    return [*words[:at], "batch", *words[at:]] if bare else words


def main(argv: Sequence[str]) -> int:
    """Run one verb; returns the exit code (docs/guide/farm.md). Errors are told as an event."""
    options = parser().parse_args(with_verb(argv))
    from duologue.errors import DuologueError
    from duologue.shots.events import emit

    try:
        if options.verb == "benchmark":
            from . import register, unregister
            from .rendering import benchmark

            emit("done", rows=benchmark.run(options.seconds, options.repeats, register, unregister))
        elif options.verb == "render":
            from .rendering import shot

            emit("done", files=shot.render(options, emit))
        elif options.verb == "batch":
            from .rendering import batch

            return batch.run(options, emit)
        elif options.verb == "passes":
            from .rendering import passes

            emit("done", files=passes.run(options, emit))
        elif options.verb == "video":
            from . import register, unregister
            from .footage import batch as videos

            emit("done", files=videos.run(options, emit, register, unregister))
        elif options.verb == "pictures":
            from .rendering import pictures

            pictures.run(options, emit)
        elif options.verb == "examine":
            from .rendering import examining

            examining.examine(options.blend, emit)
            emit("done", files=[])
        elif options.verb == "character":
            from .rendering import characters

            emit("done", files=characters.write(options.source, options.out, options.armature, emit))
        elif options.verb == "oracle":
            from duologue.brief.interactions import Interaction

            from .rendering import oracle

            begin, end = options.seconds
            touch = Interaction(options.pattern, "A", begin, end, target="B")
            emit("done", files=oracle.compare(options.take, touch, 0.5 * (begin + end), options.out, emit))
        elif options.verb == "beside":
            from .rendering import side_by_side as beside

            beside.join(options.left, options.right, options.video, emit)
            emit("done", files=[options.video.name])
        else:
            from .rendering import drawing

            drawing.draw(options.blend, options.video, options.engine, split=options.split, emit=emit)
    except DuologueError as error:
        emit("error", code=error.code, reason=error.reason, message=str(error))
        return error.exit_code
    return 0


def _start() -> int:
    """Run as a script: give the package that this file lies in a name, so that its relative imports work."""
    import importlib.util

    argv = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    folder = Path(__file__).resolve().parent
    packages = {"duologue_addon": folder}
    given = parser().parse_args(with_verb(argv)).package
    if given is not None:
        packages["duologue"] = given.resolve()
    for name, place in packages.items():
        spec = importlib.util.spec_from_file_location(
            name, place / "__init__.py", submodule_search_locations=[str(place)]
        )
        if spec is None or spec.loader is None:
            raise SystemExit(f"{place} is not the {name} package; install Duologue again")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return importlib.import_module("duologue_addon.headless").main(argv)


if __name__ == "__main__":
    code = _start()
    if code:
        sys.exit(code)
