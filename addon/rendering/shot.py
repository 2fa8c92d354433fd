# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as a whole shot: characters, motion, speech on the timeline, camera and light, saved and drawn."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from duologue.errors import DuologueError, invalid
from duologue.files.atomic import prepare_folder
from duologue.labels import PERFORMERS
from duologue.staging import camera, cut, framing, setups, turns
from duologue.staging.camera import Sight
from duologue.take import Take
from duologue.units import FPS

from ..cast import characters
from ..cast.cast import Performer, cast
from ..cast.casting import cast_both
from ..scene import sequencer
from ..scene.files import open_blend
from ..scene.paths import as_it_is
from ..scene.timing import frames_after, key_rate, stretch
from ..takes.writer import write_take
from . import cameras, chairs, drawing, exporting, preview, seeing, stage
from .touches import solve_beside

if TYPE_CHECKING:
    from bpy.types import Object, Scene

FIRST_FRAME = 1
"""Where a take begins in a scene of our own, unless asked otherwise."""
ASPECT = preview.SIZE[0] / preview.SIZE[1]
AUTO = ""
"""As it fits: cut, and a user's own camera where the scene has one; chairs in the sample scene only."""


@dataclass(frozen=True)
class Dressing:
    """How a take is filmed (``cut``, ``wide``, ``split``, or as it fits) and whether chairs are put where performers sit."""

    camera: str = AUTO
    seats: bool | None = None


def render(options: Namespace, emit: Callable[..., None]) -> list[str]:
    """Carry out ``headless render``: return the names of the files written into ``options.out``.

    Raises:
        DuologueError: a take or scene that can't be read, a cast that can't play, a folder that can't be written.
    """
    exporting.check(options.export)
    take = Take.load(options.take)
    prepare_folder(options.out)
    folder = options.out.resolve()
    emit("progress", stage="scene", done=0, total=4)
    scene, own = _open(options.blend)
    performers = players(options, scene) if own else add_sample_pair(scene)
    emit("progress", stage="scene", done=1, total=4)
    first = _first_frame(options, scene, own=own)
    notes = write_take(take, performers, first * stretch(scene), key_rate(scene))
    emit("progress", stage="scene", done=2, total=4)
    lay_timeline(scene, take, _sounds(options), first)
    set_up(scene, take, performers, Dressing(options.camera, options.seats), with_stage=not own)
    emit("progress", stage="scene", done=3, total=4)
    for note in notes:
        emit("note", message=note)
    files = solve_beside(take, (options.take.parent, folder), scene, performers, emit)
    blend, video = folder / "scene.blend", folder / "preview.mp4"
    preview.set_output(scene, video)
    preview.set_engine(scene, "workbench" if options.engine == "software" else options.engine)
    _save(blend)
    emit("progress", stage="scene", done=4, total=4)
    files.insert(0, blend.name)
    for kind in options.export:
        name = exporting.file_name(kind)
        for note in exporting.write(kind, folder / name, scene, performers, (scene.frame_start, scene.frame_end)):
            emit("note", message=note)
        files.append(name)
    if options.no_preview:
        return files
    drawing.draw_apart(blend, video, options.engine, split=options.camera == "split", emit=emit)
    return [*files, video.name]


def add_sample_pair(scene: Scene) -> tuple[Performer, Performer]:
    """Build the two sample characters in collections of their own and cast them."""
    performers: list[Performer] = []
    for performer, name in zip(PERFORMERS, characters.SAMPLES, strict=True):
        collection = bpy.data.collections.new(f"Duologue {performer}")
        scene.collection.children.link(collection)
        character = characters.build(characters.sample_file(name), collection)
        bpy.context.view_layer.update()
        performers.append(cast(performer, character.armature, [character.mesh]))
    return performers[0], performers[1]


def _first_frame(options: Namespace, scene: Scene, *, own: bool) -> int:
    """Return where the take begins: as asked, else as the scene's panel says, else at the first frame of a user's scene.

    Raises:
        DuologueError: INVALID_ARGUMENT ``first-frame``.
    """
    if options.first_frame is not None:
        if options.first_frame < 0:
            raise invalid("first-frame", "Blender's timeline begins at 0; give that or more", field="--first-frame")
        return options.first_frame
    chosen = getattr(scene, "duologue", None)  # absent where this runs without the extension
    if not own:
        return FIRST_FRAME
    return chosen.begin if chosen is not None else scene.frame_start


def lay_timeline(scene: Scene, take: Take, sounds: Sequence[Path | None], first: int = FIRST_FRAME) -> None:
    """Set the frame range to the take, which begins at ``first``, and put the speech on the timeline, A above B."""
    scene.frame_end = max(scene.frame_end, first)  # Blender keeps a range in order
    scene.frame_start = first
    scene.frame_end = first + round(frames_after(scene, take.frames))
    scene.sync_mode = "AUDIO_SYNC"
    for performer, sound in reversed(list(zip(PERFORMERS, sounds, strict=True))):
        if sound is not None:
            sequencer.lay_speech(scene, performer, sound.resolve(), first, sequencer.free_channel(scene))


def set_up(scene: Scene, take: Take, performers: Sequence[Performer], dressing: Dressing, *, with_stage: bool) -> None:
    """Film both performers, light them and seat them. In a user's scene only what is missing or asked for is added.

    The take begins where the scene does.
    """
    films = with_stage or scene.camera is None or dressing.camera != AUTO
    sits = with_stage if dressing.seats is None else dressing.seats
    if not films and not sits:
        return
    sight = seeing.look(scene, take, performers, scene.frame_start)
    if sits:
        chairs.set_seats(scene, take, performers, sight, scene.frame_start)
    if not films:
        return
    film(scene, take, sight, dressing.camera or "cut", first_frame=scene.frame_start)
    azimuth = camera.choose_azimuth(sight)
    if with_stage:
        middle = sight.heads.reshape(-1, 3).mean(axis=0)
        reach = float(np.linalg.norm((sight.heads - middle) * (1.0, 0.0, 1.0), axis=-1).max())
        stage.set_backdrop(scene, (middle[0], middle[2]), azimuth, reach + 2.0, reach + 3.4)
    if with_stage or not any(ob.type == "LIGHT" for ob in scene.objects):
        stage.set_lights(scene, azimuth)


def film(scene: Scene, take: Take, sight: Sight, how: str, *, first_frame: int, aspect: float = ASPECT) -> list[Object]:
    """Set up the cameras for a take: ``cut`` to who speaks, one ``wide`` shot, or what ``split`` shows together."""
    moving = turns.moving(take)
    if how == "cut":
        over = np.interp(np.arange(take.frames), sight.frames, framing.is_over(sight)) > 0.5
        shots = cut.cut(turns.speaking(take), moving, over)
        return cameras.set_cameras(scene, setups.plan(sight, shots, moving, aspect), first_frame)
    size = preview.SPLIT_WIDE if how == "split" else (aspect, 1.0)
    made = setups.plan(sight, cut.wide(take.frames), moving, size[0] / size[1])
    if how == "split":
        made += setups.faces(sight, take.frames, preview.SPLIT_FACE[0] / preview.SPLIT_FACE[1])
    return cameras.set_cameras(scene, made, first_frame, cuts=False)


def _open(blend: Path | None) -> tuple[Scene, bool]:
    """Return the scene to work in, and whether it is a user's: the file given, else the one Blender was started with."""
    if blend is not None:
        open_blend(blend, "--blend")
        return bpy.context.scene, True
    if bpy.data.filepath:
        return bpy.context.scene, True
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    return scene, False


def players(options: Namespace, scene: Scene) -> tuple[Performer, Performer]:
    """Cast the user's characters: those named, else those chosen in the panel, else the scene's only two armatures.

    Of two that nobody has named, A is the one further to the left.
    """
    names = [options.armature_a, options.armature_b]
    chosen = getattr(scene, "duologue", None)  # absent where this runs without the extension
    if chosen is not None and not any(names) and all(part.armature is not None for part in chosen.performers()):
        return cast_both(chosen)
    present = {ob.name: ob for ob in scene.objects if ob.type == "ARMATURE"}
    for performer, name in zip("ab", names, strict=True):
        if name and name not in present:
            raise DuologueError(
                "NOT_FOUND",
                "armature-not-found",
                f"the scene has no armature {name!r}; it has: {', '.join(sorted(present)) or 'none'}",
                field=f"--armature-{performer}",
            )
    free = sorted((ob for ob in present.values() if ob.name not in names), key=lambda ob: ob.matrix_world.translation.x)
    missing = [i for i, name in enumerate(names) if not name]
    if len(free) < len(missing) or (missing and len(free) > len(missing)):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "cast-unclear",
            f"the scene has {len(present)} armatures ({', '.join(sorted(present)) or 'none'}) for two performers; name both "
            "with --armature-a and --armature-b",
        )
    for i, armature in zip(missing, free, strict=False):  # where both are named, any number may be free
        names[i] = armature.name
    meshes = (options.mesh_a, options.mesh_b)
    performers = [cast(p, present[n], _meshes(scene, m, p)) for p, n, m in zip(PERFORMERS, names, meshes, strict=True)]
    return performers[0], performers[1]


def _meshes(scene: Scene, names: Sequence[str], performer: str) -> list[Object] | None:
    for name in names:
        if name not in scene.objects or scene.objects[name].type != "MESH":
            raise DuologueError(
                "NOT_FOUND", "mesh-not-found", f"the scene has no mesh {name!r}", field=f"--mesh-{performer.lower()}"
            )
    return [scene.objects[name] for name in names] or None


def _sounds(options: Namespace) -> list[Path | None]:
    """Return both speech files: those given, else ``A.wav`` and ``B.wav`` beside the take where they are there."""
    beside = [options.take.parent / f"{performer}.wav" for performer in PERFORMERS]
    given = (options.sound_a, options.sound_b)
    return [sound or (usual if usual.is_file() else None) for sound, usual in zip(given, beside, strict=True)]


def _save(blend: Path) -> None:
    try:
        blend.unlink(missing_ok=True)  # else Blender keeps the old one as scene.blend1
        bpy.ops.wm.save_as_mainfile(filepath=as_it_is(blend), compress=True, relative_remap=True)
    except (RuntimeError, OSError) as error:
        raise DuologueError(
            "PERMISSION_DENIED", "not-writable", f"Blender can't write {blend}: {error}", field="--out"
        ) from error
