# SPDX-License-Identifier: GPL-3.0-or-later
"""A take stays with its speech: when the strip it was made from is moved, its Actions go along, by the same frames.

What was followed so far is written on the Action itself (``HEARD_AT``). So undo can't take the two apart: it restores both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

import bpy
import numpy as np

from ..properties import scene_of
from ..properties.performer import UNKNOWN
from ..scene import actions, compat, sequencer, shape_keys, touch_strips, touch_tracks
from ..scene.data import face_keys
from ..scene.markers import read_markers
from ..scene.timing import stretch
from . import tweaks

if TYPE_CHECKING:
    from bpy.types import Action, Context, NlaStrip, Scene, SequenceEditor, SpaceSequenceEditor, Strip

    from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings

HEARD_AT = "duologue_heard_at"
"""Custom property of an Action: the frame at which its speech began when both were last in step."""
BEGINS = "duologue_begins"
"""And the frame at which the take began then: what it is off by has been moved by hand."""


def voice_strip(context: Context, letter: str, performer: DUOLOGUE_PG_performer) -> Strip | None:
    """Return the strip that a performer's take follows: None where it was cut and the pieces moved apart."""
    pieces = sequencer.pieces(compat.sequencer_scene(context), letter, performer.strip)
    begins = {compat.strip_content(strip) for strip in pieces}
    return pieces[0] if len(begins) == 1 else None


def remember(context: Context, settings: DUOLOGUE_PG_settings) -> None:
    """Keep where the speech begins now, for the take that is about to be made of it."""
    for letter, performer in zip("AB", settings.performers(), strict=True):
        strip = voice_strip(context, letter, performer) if performer.source == "STRIP" else None
        performer.heard_at = UNKNOWN if strip is None else round(compat.strip_content(strip))
    settings.heard_from = settings.first_frame = (
        settings.begin
    )  # from now on it stays, wherever the scene's range is set


def is_behind(context: Context) -> bool:
    """Return whether a strip has moved and what was made of it has not. Asked at every change of the scene: microseconds."""
    settings: DUOLOGUE_PG_settings = context.scene.duologue
    begins = _begins(context, settings)
    if begins is None:
        return False
    return bool(_moved(settings, begins)) or any(_is_apart(part) for part in _parts(settings, begins))


def follow(context: Context) -> None:
    """Bring takes, first frame, markers and targets along with strips that were moved since."""
    settings: DUOLOGUE_PG_settings = context.scene.duologue
    begins = _begins(context, settings)
    if begins is None:
        return
    for part in _parts(settings, begins):
        if _is_apart(part) and voice_strip(context, part.letter, part.speaker) is not None:
            _bring(settings, part)
    if frames := _moved(settings, begins):
        _bring_script(context.scene, settings, frames)


class _Part(NamedTuple):
    """A performer with a take, whom it follows (a voice from a file goes along with the partner's), and where that begins."""

    performer: DUOLOGUE_PG_performer
    letter: str
    speaker: DUOLOGUE_PG_performer
    at: int


def _begins(context: Context, settings: DUOLOGUE_PG_settings) -> tuple[int | None, int | None] | None:
    """Return at which frames A's and B's strips begin; None where nothing is to be followed."""
    a, b = settings.a, settings.b
    if not settings.follow_strips or (a.source != "STRIP" and b.source != "STRIP"):
        return None
    editor = compat.sequencer_scene(context).sequence_editor
    if editor is None:
        return None
    return _begin_of(context, editor, "A", a), _begin_of(context, editor, "B", b)


def _begin_of(context: Context, editor: SequenceEditor, letter: str, performer: DUOLOGUE_PG_performer) -> int | None:
    if performer.source != "STRIP" or not performer.strip:
        return None
    strip = editor.strips.get(performer.strip)
    if strip is None or letter not in strip.get(sequencer.VOICE, ""):
        strip = _renamed(context, letter, performer)
    return round(compat.strip_content(strip)) if strip is not None else None


def _parts(settings: DUOLOGUE_PG_settings, begins: tuple[int | None, int | None]) -> Iterator[_Part]:
    pair = settings.performers()
    for index, performer in enumerate(pair):
        whom = index if performer.source == "STRIP" else 1 - index
        at = begins[whom]
        if at is not None and performer.armature is not None and performer.armature.animation_data is not None:
            yield _Part(performer, "AB"[whom], pair[whom], at)


def _moved(settings: DUOLOGUE_PG_settings, begins: tuple[int | None, int | None]) -> int:
    """Return by how many frames all of the speech has moved since it was heard; 0 where one strip has and the other hasn't."""
    moved = {
        at - performer.heard_at if at is not None and performer.heard_at != UNKNOWN else 0
        for performer, at in zip(settings.performers(), begins, strict=True)
        if performer.source == "STRIP"
    }
    return moved.pop() if len(moved) == 1 else 0


def offset(performer: DUOLOGUE_PG_performer) -> int | None:
    """Return how many frames a performer's take was moved by hand since it was in step with its strip; None without a take."""
    for action, strip in _takes(performer):
        if BEGINS in action and not (strip is not None and strip.mute):
            return round(_begin(scene_of(performer), action, strip) - action[BEGINS])
    return None


def align(context: Context, settings: DUOLOGUE_PG_settings) -> int:
    """Move the sound strips to where the takes were moved by hand; return how many strips were moved."""
    moved = 0
    for letter, performer in zip("AB", settings.performers(), strict=True):
        away = offset(performer)
        if not away or performer.source != "STRIP":
            continue
        for strip in sequencer.pieces(compat.sequencer_scene(context), letter, performer.strip):
            if not (letter == "B" and "A" in strip.get(sequencer.VOICE, "")):  # one strip for both moves once, with A
                compat.move_strip(strip, away)
                moved += 1
        for action, strip in _takes(performer):
            if BEGINS in action:
                action[HEARD_AT] = int(action[HEARD_AT]) + away
                action[BEGINS] = _begin(scene_of(performer), action, strip)
    return moved


def _renamed(context: Context, letter: str, performer: DUOLOGUE_PG_performer) -> Strip | None:
    """Find a strip by its mark and learn its new name."""
    pieces = sequencer.pieces(compat.sequencer_scene(context), letter, performer.strip)
    if pieces and pieces[0].name != performer.strip:
        performer.strip = pieces[0].name
    return pieces[0] if pieces else None


def _takes(performer: DUOLOGUE_PG_performer) -> list[tuple[Action, NlaStrip | None]]:
    """Return the takes on a performer's armature: the one that drives it, and those kept on NLA tracks."""
    data = performer.armature.animation_data if performer.armature is not None else None
    if data is None:
        return []
    strips = [
        (strip.action, strip) for track in data.nla_tracks for strip in track.strips if actions.is_ours(strip.action)
    ]
    return [(data.action, None), *strips] if actions.is_ours(data.action) else strips


def _is_apart(part: _Part) -> bool:
    return any(action.get(HEARD_AT) != part.at for action, _ in _takes(part.performer))


def _bring(settings: DUOLOGUE_PG_settings, part: _Part) -> None:
    heard_at, stretched = part.speaker.heard_at, stretch(scene_of(settings))
    for action, strip in _takes(part.performer):
        if HEARD_AT not in action:  # a new take: it was made of the speech where that was when it was read
            since = action.get(actions.FIRST, settings.heard_from * stretched) / stretched - settings.heard_from
            action[HEARD_AT] = round(heard_at + since) if heard_at != UNKNOWN else part.at
            action[BEGINS] = _begin(scene_of(settings), action, strip)
        away = part.at - int(action[HEARD_AT])
        if not away:
            continue
        if strip is None:
            shift_action(action, away * stretched)
        else:
            _shift_strips(part.performer, action, away * stretched)
        action[HEARD_AT] = part.at
        action[BEGINS] = action[BEGINS] + away


def _begin(scene: Scene, action: Action, strip: NlaStrip | None) -> float:
    return float(action.frame_range[0] if strip is None else strip.frame_start) / stretch(scene)


def shift_action(action: Action, frames: float) -> None:
    """Move every key of an Action, its handles included, by ``frames`` as keys count them."""
    for curve in actions.curves_of(action):
        points = curve.keyframe_points
        for what in ("co", "handle_left", "handle_right"):
            values = np.empty(2 * len(points), np.float32)
            points.foreach_get(what, values)
            values[::2] += frames
            points.foreach_set(what, values)
    if actions.FIRST in action:
        action[actions.FIRST] += frames
    action.update_tag()


def _shift_strips(performer: DUOLOGUE_PG_performer, action: Action, frames: float) -> None:
    """Move the NLA strips of a kept take, on the armature and on every face, and the tweaks that lie over it while it plays."""
    meshes = shape_keys.face_meshes(performer.armature)
    for datablock in (performer.armature, *(face_keys(mesh) for mesh in meshes)):
        tracks = actions.tracks_of(datablock, action)
        layer = tweaks.track_of(datablock)
        if layer is not None and any(not track.mute for track in tracks):
            tracks = [*tracks, layer]
        if any(not track.mute for track in tracks):
            tracks = [*tracks, *(track for track in touch_tracks.tracks_of(datablock) if not track.mute)]
        for strip in (strip for track in tracks for strip in track.strips):
            first, last = strip.frame_start + frames, strip.frame_end + frames
            for name, value in (("frame_end", last), ("frame_start", first))[:: 1 if frames > 0 else -1]:
                setattr(strip, name, value)


def _bring_script(scene: Scene, settings: DUOLOGUE_PG_settings, frames: int) -> None:
    """Move the beginning of the take and what is timed from it."""
    for performer in settings.performers():
        if performer.source == "STRIP":
            performer.heard_at += frames
    settings.first_frame = settings.begin + frames
    settings.heard_from += frames
    ours = {(cue.frame, cue.marker) for cue in read_markers(scene)[0]}
    synced = any(cast("SpaceSequenceEditor", area.spaces.active).use_marker_sync for area in _sequencers())
    for marker in scene.timeline_markers:
        if (marker.frame, marker.name) in ours and not (synced and marker.select):  # else the sequencer moves it itself
            marker.frame += frames
    for performer in settings.performers():
        for target in performer.targets:
            target.start += frames
            target.end += frames
    for touch in settings.interactions:
        touch.kept_first += frames
        touch.kept_last += frames
    touch_strips.move_unselected(scene, frames)


def _sequencers() -> list[bpy.types.Area]:
    windows = bpy.context.window_manager.windows
    return [area for window in windows for area in window.screen.areas if area.type == "SEQUENCE_EDITOR"]
