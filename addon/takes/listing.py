# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes: a new one joins it, one of them plays, and each can be written anew, tuned, or removed."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.take import Take
from duologue.units import Sound

from ..cast.casting import cast_both
from ..properties import DUOLOGUE_PG_settings, hooks, settings_of
from ..scene import actions, shape_keys
from ..scene.data import animation_of, face_keys, keys_of
from ..scene.timing import frames_after
from . import curves, store, thumbnails, tweaks, writer

if TYPE_CHECKING:
    from bpy.types import ID, Action, Image, Scene

    from ..properties.performer import DUOLOGUE_PG_performer
    from ..properties.takes import DUOLOGUE_PG_take


@dataclass(frozen=True)
class About:
    """What the list is to say of a take beside what the take and its brief say."""

    fingerprint: str
    first_frame: int
    sources: tuple[str, str]
    """Where A's and B's speech came from, in words."""
    origin: str = ""


def add(
    scene: Scene, take: Take, brief: Brief, audio: tuple[Sound, Sound], about: About, *, strip: Image | None = None
) -> list[str]:
    """Put a new take at the end of the list and, if it is whole, on the characters; one that was cut off only joins the list.

    The take is in the list, and its file is written, before anything else that may fail. Return notes: what keeps something of
    it from showing.
    """
    settings = settings_of(scene)
    file, speech = store.save_take(take), store.save_speech(audio, about.sources)
    name = _free_name(settings)
    entry = settings.takes.add()
    entry.name, entry.key, entry.file, entry.digest = name, uuid.uuid4().hex, file, take.digest()
    entry.seed = min(brief.seed, 2**31 - 1)
    entry.frames, entry.seconds, entry.complete = take.frames, take.seconds, take.complete
    entry.made, entry.origin = time.strftime("%Y-%m-%d %H:%M"), about.origin
    entry.brief, entry.speech = json.dumps(whole_json(brief), allow_nan=False), speech
    entry.fingerprint, entry.first_frame, entry.picture = about.fingerprint, about.first_frame, strip
    try:
        performers = cast_both(settings)
        curves.write(scene, entry, take, performers)
        if take.complete:
            play(scene, entry)
    finally:
        if take.complete:
            settings.active_take = len(settings.takes) - 1
    if take.complete:
        last = about.first_frame + round(frames_after(scene, take.frames))
        scene.frame_end = max(scene.frame_end, last)
    scene.frame_set(scene.frame_current)
    bpy.ops.ed.undo_push(message=f"Duologue {entry.name}")
    return writer.notes_on(performers) if take.complete else []


def whole_json(brief: Brief) -> dict[str, Any]:
    """Return a brief without its sound, with its interactions."""
    touches = brief.interactions_json()
    return brief.to_json() | ({"interactions": touches} if touches else {})


def _free_name(settings: DUOLOGUE_PG_settings) -> str:
    numbers = [int(match[1]) for entry in settings.takes if (match := re.fullmatch(r"Take (\d+)", entry.name))]
    return f"Take {1 + max(numbers, default=0)}"


# Playing --------------------------------------------------------------------------------------------------------------


def datablocks(performer: DUOLOGUE_PG_performer) -> list[ID]:
    """Return everything of a character that can carry an Action of ours."""
    if performer.armature is None:
        return []
    meshes = shape_keys.face_meshes(performer.armature)
    for mesh in (performer.face, *(face.mesh for face in performer.faces)):
        if mesh is not None and mesh not in meshes and keys_of(mesh) is not None:
            meshes.append(mesh)
    animated = [performer.armature, *(face_keys(mesh) for mesh in meshes)]
    return [datablock for datablock in animated if datablock.is_editable]


def all_datablocks(settings: DUOLOGUE_PG_settings) -> list[ID]:
    """Return what of both characters, and of those that played earlier takes, can carry an Action of ours."""
    animated = [datablock for performer in settings.performers() for datablock in datablocks(performer)]
    for armature in {who for entry in settings.takes for who in entry.armatures() if who is not None}:
        animated += [one for one in writer.datablocks_of(armature) if one not in animated]
    return animated


def tune(scene: Scene) -> None:
    """Bring the faces of the chosen take in line with the face tuning as it stands; what prevents it is told in the panel."""
    settings = settings_of(scene)
    entry = store.current_entry(settings)
    if entry is not None:
        _noting_problems(settings, lambda: curves.retune(scene, entry))


def choose(scene: Scene) -> None:
    """Put the take that is chosen in the list on the characters; what prevents it is told in the panel."""
    settings = settings_of(scene)
    entry = store.current_entry(settings)
    if entry is not None and entry.key != settings.shown_take:
        _noting_problems(settings, lambda: play(scene, entry))


def play(scene: Scene, entry: DUOLOGUE_PG_take) -> None:
    """Let a take play on the characters. Where it was kept, its NLA tracks do; else its Actions, above everything kept.

    Raises:
        DuologueError: FAILED_PRECONDITION ``cast-missing``, ``character-linked``; what reading the take's file raises, where its
            curves have to be written anew because other characters play now.
    """
    settings = settings_of(scene)
    cast_now = [performer.armature for performer in settings.performers()]
    if None in cast_now:
        raise DuologueError("FAILED_PRECONDITION", "cast-missing", "choose an armature for A and one for B first")
    actions.require_editable(cast_now)
    if None in entry.actions() or list(entry.armatures()) != cast_now:
        curves.write(scene, entry, store.load_take(entry), cast_both(settings))
    curves.retune(scene, entry)
    bpy.context.view_layer.update()  # an armature without a pose crashes Blender when it gets a slot
    for performer, action in zip(settings.performers(), entry.actions(), strict=True):
        if action is None:  # written just now where it was missing
            continue
        for datablock in datablocks(performer):
            _play_on(datablock, action)
    if settings.shown_take != entry.key:
        settings.compared_take, settings.shown_take = settings.shown_take, entry.key
    hooks.take_plays(scene, entry.key)


def _play_on(datablock: ID, action: Action) -> None:
    slot = actions.find_slot(action, datablock)
    tracks = actions.tracks_of(datablock, action)
    if slot is not None and not tracks:
        actions.assign(datablock, action, slot)
        return
    data = animation_of(datablock)
    if data is None:
        return
    actions.leave_tweak_mode(datablock)
    if actions.is_ours(data.action):
        data.action = None
    for track in actions.tracks_of(datablock):
        track.mute = track not in tracks


def _noting_problems(settings: DUOLOGUE_PG_settings, work: Callable[[], None]) -> None:
    settings.take_problem = ""
    try:
        work()
    except DuologueError as error:
        settings.take_problem = str(error)


# Keeping and removing -------------------------------------------------------------------------------------------------


def is_kept(entry: DUOLOGUE_PG_take) -> bool:
    """Return whether a take lies on NLA tracks of its own."""
    return any(
        action is not None and armature is not None and actions.tracks_of(armature, action)
        for action, armature in zip(entry.actions(), entry.armatures(), strict=True)
    )


def keep(settings: DUOLOGUE_PG_settings) -> int:
    """Move the take that plays to NLA tracks of its own and mute those kept before. Return how many tracks there are now."""
    count = 0
    for performer in settings.performers():
        for datablock in datablocks(performer):
            data = animation_of(datablock)
            if data is None or not actions.is_ours(data.action):
                continue
            for track in actions.tracks_of(datablock):
                track.mute = True
            tweaks.lift_above(datablock, actions.push_down(datablock))
            count += 1
    return count


def remove(scene: Scene, index: int) -> None:
    """Remove one take: its Actions, NLA tracks and picture. What played under it plays again."""
    settings = settings_of(scene)
    entry = settings.takes[index]
    gone, picture, key = [a for a in entry.actions() if a is not None], entry.picture, entry.key
    for datablock in all_datablocks(settings):
        for action in gone:
            actions.detach(datablock, action)
    settings.takes.remove(index)
    for action in gone:
        actions.remove_unused(action)
    thumbnails.remove(picture)
    if settings.compared_take == key:
        settings.compared_take = ""
    if settings.shown_take != key:
        settings.active_take = find(settings, settings.shown_take)
        return
    settings.shown_take = ""
    settings.active_take = min(index, len(settings.takes) - 1)  # which then plays
    if not settings.takes:
        for datablock in all_datablocks(settings):
            actions.unstash(datablock)


def clear(scene: Scene) -> int:
    """Remove all takes, in the list and on the characters, and nothing of the user's. Return how many Actions there were."""
    settings = settings_of(scene)
    gone = {action for entry in settings.takes for action in entry.actions() if action is not None}
    pictures = [entry.picture for entry in settings.takes]
    for datablock in all_datablocks(settings):
        tweaks.remove_empty(datablock)
        gone |= actions.detach(datablock)
        actions.unstash(datablock)
    settings.takes.clear()
    settings.active_take, settings.shown_take, settings.compared_take, settings.take_problem = -1, "", "", ""
    before = len(bpy.data.actions)
    for action in gone:
        actions.remove_unused(action)
    for picture in pictures:
        thumbnails.remove(picture)
    return before - len(bpy.data.actions)


def find(settings: DUOLOGUE_PG_settings, key: str) -> int:
    """Return the place of a take in the list, or -1."""
    return next((i for i, entry in enumerate(settings.takes) if entry.key == key), -1)
