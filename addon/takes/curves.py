# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of a take in the list: written for who plays it, tuned, shown in part, and where on the timeline they begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from duologue.take import Take

from ..cast.casting import cast_both
from ..properties import named_performers, scene_of, settings_of
from ..scene import actions, resting
from ..scene.data import animation_of
from ..scene.timing import Clock, frame_rate, key_rate, stretch
from . import store, writer
from .face_tuning import from_text, to_text, tuning_of

if TYPE_CHECKING:
    from bpy.types import ID, Action, Scene

    from ..cast.cast import Performer
    from ..properties.takes import DUOLOGUE_PG_take

_FIELDS = (("action_a", "armature_a"), ("action_b", "armature_b"))


def write(scene: Scene, entry: DUOLOGUE_PG_take, take: Take, performers: Sequence[Performer]) -> None:
    """Write an entry's curves for the characters as they are now, into its Actions where the same characters played it.

    Raises:
        DuologueError: FAILED_PRECONDITION ``character-linked``.
    """
    settings = settings_of(scene)
    frames = writer.key_frames(take, _curves_begin(entry), key_rate(scene))
    tunings = [tuning_of(settings, performer.name) for performer in performers]
    for (field, who), performer, track, tuning in zip(_FIELDS, performers, take.tracks, tunings, strict=True):
        action = getattr(entry, field) if getattr(entry, who) == performer.armature else None
        if action is None:
            action = actions.new_action(f"{performer.armature.name} {entry.name}", performer.name)
            _replace(entry, field, action)
        writer.write_track(take.skeleton, track, performer, frames, action, tuning=tuning)
        setattr(entry, who, performer.armature)
    entry.tuning = to_text(tunings)
    show_parts(entry)


def _replace(entry: DUOLOGUE_PG_take, field: str, action: Action) -> None:
    """Put another Action in an entry's place, and remove the old one where nothing uses it."""
    old = getattr(entry, field)
    setattr(entry, field, action)
    if old is not None:
        actions.remove_unused(old)


def show_parts(entry: DUOLOGUE_PG_take) -> None:
    """Let those curves of a take play that are wanted: muted curves leave their channel to what lies below."""
    for action, armature in zip(entry.actions(), entry.armatures(), strict=True):
        if action is None or armature is None:
            continue
        for datablock in writer.datablocks_of(armature):
            bag = actions.bag_of(action, datablock)
            body = datablock == armature
            muted = []
            for curve in bag.fcurves if bag is not None else ():
                mouth = curve.group is not None and curve.group.name == writer.MOUTH
                shown = entry.show_body if body else entry.show_face == "ALL" or (entry.show_face == "MOUTH" and mouth)
                if not shown and not curve.mute:
                    muted.append(curve)
                curve.mute = not shown
            if muted and _plays(datablock, action):
                resting.rest(datablock, muted)
            datablock.update_tag()


def _plays(datablock: ID, action: Action) -> bool:
    data = animation_of(datablock)
    return data is not None and (data.action == action or any(not t.mute for t in actions.tracks_of(datablock, action)))


def retune(scene: Scene, entry: DUOLOGUE_PG_take) -> None:
    """Write those curves of an entry's faces anew that the face tuning changes.

    Raises:
        DuologueError: what :func:`.store.load_take` raises.
    """
    settings = settings_of(scene)
    new = [tuning_of(settings, name) for name, _ in named_performers(settings)]
    if entry.tuning == to_text(new):
        return
    take = store.load_take(entry)
    frames = writer.key_frames(take, _curves_begin(entry), key_rate(scene))
    parts = zip(entry.actions(), cast_both(settings), take.tracks, from_text(entry.tuning), new, strict=True)
    for action, performer, track, before, after in parts:
        if action is not None:
            writer.retune_track(track, performer, frames, action, old=before, new=after)
    entry.tuning = to_text(new)
    show_parts(entry)


def _curves_begin(entry: DUOLOGUE_PG_take) -> float:
    """Return where the take begins in its Actions' curves, as keys count frames."""
    action = entry.action_a
    if action is not None and actions.FIRST in action:
        return float(action[actions.FIRST])
    return entry.first_frame * stretch(scene_of(entry))


def clock_of(scene: Scene) -> Clock:
    """Return the clock of the take that is chosen, else of the next one."""
    settings = settings_of(scene)
    entry = store.current_entry(settings)
    return Clock(round(begin_of(entry)) if entry is not None else settings.begin, frame_rate(scene))


def begin_of(entry: DUOLOGUE_PG_take) -> float:
    """Return the frame of the scene at which a take begins: it may have been moved since it was made, along with its strip."""
    begin, action, armature = _curves_begin(entry), entry.action_a, entry.armature_a
    stretched = stretch(scene_of(entry))
    tracks = actions.tracks_of(armature, action) if action is not None and armature is not None else []
    for track in tracks:
        return (track.strips[0].frame_start + begin - track.strips[0].action_frame_start) / stretched
    return begin / stretched
