# SPDX-License-Identifier: GPL-3.0-or-later
"""Solve touches on the characters of a scene, step by step, so that Esc can end it: read, solve, press, lay on top of what plays.

Reading and writing need Blender; what lies between is numbers alone and runs in a thread. Nothing is changed before all of it
is worked out, and whatever goes wrong leaves the scene as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from duologue.brief.constraints import HandTarget
from duologue.brief.interactions import Interaction
from duologue.interactions.actor import Actor, Pose
from duologue.interactions.contact_keys import ContactKeys
from duologue.interactions.give_way import give_way, known_skin
from duologue.interactions.hand import Hand
from duologue.interactions.patterns import patterns
from duologue.interactions.solve import frames_needed, solve
from duologue.interactions.track import InteractionTrack
from duologue.labels import PERFORMERS
from duologue.units import FPS
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..cast.eyes import eye_bones
from ..scene import actions, touch_tracks
from ..scene.actions import Channels
from ..scene.armatures import meshes_of
from ..scene.data import face_keys, keys_of
from ..scene.timing import frame_rate, stretch
from ..takes.writer import datablocks_of, editable_faces
from . import added, dents, keys, layer
from .actors import Actors, Ensemble, Shown

if TYPE_CHECKING:
    from bpy.types import ID, Object, Scene

Weights = Mapping[str, NDArray[np.float64]]
_WAIT = 0.02
"""Seconds that a step waits for the thread."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be solved, and where the take lies that it is solved on.

    ``begin``: the scene's frame at which the take begins; ``total``: its frames, 30 a second; ``take``: what it is known by;
    ``yields`` and ``held``: see :func:`duologue.interactions.solve.solve`; ``looks``: both performers' ARKit weights of the whole
    take, for eyes that are bones; ``skin``: whether it gives way.
    """

    interactions: tuple[Interaction, ...]
    begin: float
    total: int
    take: str = ""
    yields: tuple[float, ...] = ()
    held: tuple[HandTarget, ...] = ()
    looks: tuple[Weights, ...] = ({}, {})
    skin: bool = True


@dataclass(frozen=True, eq=False)
class Solution:
    """What was solved: the track, both actors after it, their poses before, and the shapes of the skin by performer (0, 1)."""

    track: InteractionTrack
    actors: Actors
    before: tuple[Pose, ...]
    dents: Mapping[int, ContactKeys]


Steps = Generator[tuple[str, float], None, Solution]
"""Yields what is being done and how much of it, 0 to 1; returns what was solved, once it is in the scene."""


def steps(scene: Scene, performers: Sequence[Performer], asked: Asked) -> Steps:
    """Solve in steps; closing it before the end leaves everything as it was.

    Raises:
        DuologueError: what :func:`duologue.interactions.solve.solve` and :func:`.keys.require_keys` raise;
            ``character-linked``, ``surface-not-finite``, ``head-without-skin``.
    """
    actions.require_editable([performer.armature for performer in performers])
    ensemble = Ensemble(scene, performers)
    needed = frames_needed(asked.interactions, asked.total)
    frames = asked.begin + np.arange(needed.start, needed.stop) * (frame_rate(scene) / FPS)
    with untouched(scene, performers):
        reading = ensemble.reading(frames)
        try:
            while True:
                try:
                    done, total = next(reading)
                except StopIteration as end:
                    shown: Shown = end.value
                    break
                yield "Reading", done / total
        finally:
            reading.close()
    if asked.skin:  # which skin the head moves is known once it was seen moving
        keys.require_keys(_touched_meshes(ensemble, asked.interactions))
    shown = replace(shown, actors=_with_looks(performers, shown.actors, asked, needed))
    stopped = threading.Event()
    progress = [0.0]
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_compute, shown, asked, stopped, progress)
        try:
            while (solution := _result(future)) is None:
                yield "Solving", progress[0]
        finally:
            stopped.set()
    yield "Writing", 1.0
    _write(ensemble, shown, asked, solution, frames * stretch(scene))
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return solution


def at_once(scene: Scene, performers: Sequence[Performer], asked: Asked) -> Solution:
    """Solve without a window; raises what :func:`steps` raises."""
    going = steps(scene, performers, asked)
    while True:
        try:
            next(going)
        except StopIteration as end:
            return end.value


def remove(scene: Scene, armatures: Sequence[Object]) -> bool:
    """Take all touches off characters; the scene is as it was before them. Return whether there were any."""
    found = [layer.remove(datablock) for armature in armatures for datablock in datablocks_of(armature)]
    found += [keys.remove(mesh) for armature in armatures for mesh in meshes_of(armature)]
    if any(found):
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return any(found)


def any_touch(armatures: Sequence[Object], take: str | None = None) -> bool:
    """Return whether there is a solved touch on any of these characters; ``take``: one that was solved on it."""
    every = (datablock for armature in armatures for datablock in datablocks_of(armature))
    tracks = (track for datablock in every for track in touch_tracks.tracks_of(datablock))
    return any(take is None or layer.take_of(track) == take for track in tracks)


def follow_take(armatures: Sequence[Object], take: str) -> None:
    """Let those touches play that were solved on a take, and no others."""
    for datablock in (datablock for armature in armatures for datablock in datablocks_of(armature)):
        for track in touch_tracks.tracks_of(datablock):
            track.mute = layer.take_of(track) != take


@contextmanager
def untouched(scene: Scene, performers: Sequence[Performer]) -> Iterator[None]:
    """Show characters without their touches for a while."""
    meshes = [mesh for performer in performers for mesh in meshes_of(performer.armature)]
    every = [datablock for performer in performers for datablock in datablocks_of(performer.armature)]
    dented = [block for mesh in meshes if (block := keys_of(mesh)) is not None and block.is_editable]
    tracks = [track for owner in dict.fromkeys([*every, *dented]) for track in touch_tracks.tracks_of(owner)]
    tracks = [track for track in tracks if not track.mute]
    for track in tracks:
        track.mute = True
    for mesh in meshes:
        dents.rest(mesh)
    try:
        yield
    finally:
        for track in tracks:
            track.mute = False
        if tracks:
            scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _touched_meshes(ensemble: Ensemble, interactions: Sequence[Interaction]) -> list[Object]:
    """Return the meshes that hold skin which may be pressed."""
    found: list[Object] = []
    for who in sorted({PERFORMERS.index(one.touched) for one in interactions if patterns()[one.pattern].on_face}):
        surface = ensemble.surfaces[who]
        piece = surface.character.mesh.piece[known_skin(surface.character).vertices]
        found += [surface.meshes[index][0] for index in np.unique(piece)]
    return found


def _with_looks(performers: Sequence[Performer], actors: Actors, asked: Asked, needed: slice) -> Actors:
    """Give actors whose eyes are bones the take's looks, which no shape key tells."""
    a, b = (
        replace(actor, weights={**{name: values[needed] for name, values in looks.items()}, **actor.weights})
        if eye_bones(performer)
        else actor
        for performer, actor, looks in zip(performers, actors, asked.looks, strict=True)
    )
    return a, b


class _Stopped(Exception):  # noqa: N818 - nothing that went wrong
    """Nobody waits for it any more."""


def _compute(shown: Shown, asked: Asked, stopped: threading.Event, progress: list[float]) -> Solution:
    """Work it all out on arrays; the actors' poses are changed."""

    def tell(done: int, of: int) -> None:
        progress[0] = 0.7 * done / max(of, 1)
        if stopped.is_set():
            raise _Stopped

    before = tuple(actor.pose.copy() for actor in shown.actors)
    track = solve(
        lambda _: shown.actors, asked.total, asked.interactions, yields=asked.yields, held=asked.held, tell=tell
    )
    progress[0] = 0.7
    pressed: dict[int, ContactKeys] = {}
    for who in range(len(PERFORMERS)) if asked.skin else ():
        tell(1 + who, 1 + len(PERFORMERS))
        hands = _hands_on(who, track, shown.actors)
        if hands:
            pressed[who] = give_way(_with_gains(shown.actors[who], track, who), hands, FPS)
    return Solution(track, shown.actors, before, pressed)


def _hands_on(who: int, track: InteractionTrack, actors: Actors) -> list[tuple[Hand, Pose]]:
    """Return the hands that touch somebody's face, each once."""
    found = {
        (PERFORMERS.index(touch.performer), touch.hand.title())
        for touch in track.touches
        if PERFORMERS.index(touch.touched) == who and patterns()[touch.pattern].on_face
    }
    return [(Hand.of(actors[whose].character, side), actors[whose].pose) for whose, side in sorted(found)]


def _with_gains(actor: Actor, track: InteractionTrack, who: int) -> Actor:
    gains = gains_of(track, who)
    nothing = np.zeros(len(actor))
    more = {name: actor.weights.get(name, nothing) + values for name, values in gains.items()}
    return replace(actor, weights={**actor.weights, **more})


def gains_of(track: InteractionTrack, who: int) -> dict[str, NDArray[np.float64]]:
    """Return what a performer's ARKit weights gain (n,) over the frames of a track."""
    laid = track.layers[who]
    return {name: laid.weights[:, column].astype(np.float64) for column, name in enumerate(laid.shapes)}


def _result(future: Future[Solution]) -> Solution | None:
    try:
        return future.result(timeout=_WAIT)
    except NotYet:
        return None


def _write(ensemble: Ensemble, shown: Shown, asked: Asked, solution: Solution, times: NDArray[np.float64]) -> None:
    """Lay what was solved over what plays, in place of earlier touches: all of it, or nothing."""
    every = {performer.name: datablocks_of(performer.armature) for performer in ensemble.performers}
    with layer.replacing(one for own in every.values() for one in own) as put:
        for who, performer in enumerate(ensemble.performers):
            channels = _channels(performer, shown, solution, who)
            kept = added.busy([one for own in channels.values() for one in own])
            if kept is None:
                continue
            for datablock in every[performer.name]:  # all of them: what plays on a body and its face stays together
                part = [added.part(one, kept) for one in channels.get(datablock, [])]
                put(datablock, part, times[kept], performer.name, asked.take)
        written = [
            keys.Dented(pressed, ensemble.surfaces[who].meshes, PERFORMERS[who], asked.take)
            for who, pressed in solution.dents.items()
        ]
        others = [performer for who, performer in enumerate(ensemble.performers) if who not in solution.dents]
        keys.write_all(written, times)
        for mesh in (mesh for performer in others for mesh in performer.meshes):
            keys.remove(mesh)


def _channels(performer: Performer, shown: Shown, solution: Solution, who: int) -> dict[ID, list[Channels]]:
    """Return what is added to a performer's armature and to the shape keys of its faces."""
    gains, weights, rotations = gains_of(solution.track, who), shown.actors[who].weights, shown.rotations[who]
    body = added.of_body(performer, solution.before[who], solution.actors[who].pose, rotations)
    channels: dict[ID, list[Channels]] = {
        performer.armature: body + added.of_eyes(performer, weights, gains, rotations)
    }
    for face in editable_faces(performer) if gains else ():
        channels[face_keys(face.mesh)] = added.of_face(face, weights, gains)
    return channels


def notes_of(solution: Solution) -> list[str]:
    """Return what whoever asked should know: what falls short, what could not be solved, and faces that are too coarse."""
    coarse = [
        f"the face of {solution.actors[who].character.mesh.name} has edges of {1000 * pressed.edge:.0f} mm where it is touched: "
        "too coarse for a fingertip, so its dents are wide and flat; subdivide it there"
        for who, pressed in solution.dents.items()
        if pressed.coarse
    ]
    return [*solution.track.notes, *coarse]
