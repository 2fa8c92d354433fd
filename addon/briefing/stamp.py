# SPDX-License-Identifier: GPL-3.0-or-later
"""A short stamp of everything that a brief is made from: another stamp, and the take is outdated. No file is read for it."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers, scene_of
from ..properties.targets import DUOLOGUE_PG_target
from ..scene import compat, sequencer
from ..scene.data import sound_of
from ..scene.markers import read_markers
from ..scene.objects import may_move, object_curves
from ..scene.timing import frame_rate

if TYPE_CHECKING:
    from bpy.types import Context, Curve, Object, Scene

_WHOLE = attrgetter("relationship", "casting", "seed", "steps")
_PERFORMER = attrgetter("emotion", "emotion_strength", "action", "intensity", "mirror", "style")
_FACE = attrgetter(
    "blinks_per_minute", "gaze", "gaze_at_partner", "brows", "still_listener", "seal", "part", "mouth_gain", "tongue",
    "head_still", "raw",
)  # fmt: skip
_STRENGTHS = attrgetter("speech", "text", "action", "role", "emotion", "style", "partner", "placement", "route")
_TARGET = attrgetter("kind", "at_partner", "side", "timing", "use_facing", "use_speed", "speed")


def fingerprint(context: Context, settings: DUOLOGUE_PG_settings) -> str:
    """Return 16 characters that change when what the brief would be made from does. Cheap enough to be asked at every redraw.

    Times count from the take's first frame, so a take that was moved with its speech is not outdated. Of what moves an object,
    its keys count; a parent's or a constraint's don't.
    """
    scene = scene_of(settings)
    first = settings.begin
    rate = round(frame_rate(scene), 6)
    voices = compat.sequencer_scene(context)
    cues = [(cue.frame - first, cue.marker) for cue in read_markers(scene)[0]]
    said: list[Any] = [_WHOLE(settings), _STRENGTHS(settings.strengths), rate, cues]
    for name, performer in named_performers(settings):
        said += [
            _PERFORMER(performer),
            _FACE(performer.expression),
            [(shape.shape, shape.gain, shape.offset) for shape in performer.expression.shapes],
            performer.armature.name if performer.armature else "",
            _speech(voices, name, performer, first),
            _words(performer),
            _start(performer, first),
            [_target(scene, target, first) for target in performer.targets if target.enabled],
        ]
    return hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()


def _speech(scene: Scene, name: str, performer: DUOLOGUE_PG_performer, first: int) -> object:
    if performer.source == "FILE":
        return performer.file, performer.channel
    return performer.channel, [
        (
            sound_of(strip).filepath,
            compat.strip_content(strip) - first,
            *(frame - first for frame in compat.strip_range(strip)),
        )
        for strip in sequencer.audible(scene, sequencer.pieces(scene, name, performer.strip))
    ]


def _words(performer: DUOLOGUE_PG_performer) -> object:
    given = performer.transcript
    if given.source == "TEXT" and given.text is not None:
        return given.tier, given.text.as_string()
    return given.source, given.file if given.source == "FILE" else "", given.tier


def _start(performer: DUOLOGUE_PG_performer, first: int) -> object:
    chosen = performer.start
    if chosen.source == "TYPED":
        return chosen.x, chosen.y, chosen.heading
    ob = performer.armature if chosen.source == "CHARACTER" else chosen.target
    return _where(ob, first) if ob is not None else ""


def _target(scene: Scene, target: DUOLOGUE_PG_target, first: int) -> object:
    what = _TARGET(target)
    if target.timing == "FRAMES":
        when: object = (target.start - first, target.end - first)
    elif target.timing == "MARKERS":
        markers = (scene.timeline_markers.get(name) for name in (target.start_marker, target.end_marker))
        when = [marker.frame - first if marker is not None else "" for marker in markers]
    else:
        when = ""
    ob = target.target
    shape = _curve(ob.data) if ob is not None and target.kind == "PATH" and ob.type == "CURVE" else ""
    return what, when, _where(ob, first) if ob is not None else "", shape


def _where(ob: Object, first: int) -> object:
    """Return what tells where an object is: its placement, or its keys where it moves."""
    if not may_move(ob):
        return _rounded(ob.matrix_world)
    curves = object_curves(ob)
    ranges = [curve.range() for curve in curves]
    return ob.name, [
        (
            [(round(frame - first, 3), round(curve.evaluate(frame), 5)) for frame in (begin, (begin + end) / 2, end)],
            len(curve.keyframe_points),
        )
        for curve, (begin, end) in zip(curves, ranges, strict=True)
    ]


def _rounded(matrix: Any) -> tuple[float, ...]:
    return tuple(round(value, 5) for row in matrix for value in row)


def _curve(curve: Curve) -> object:
    return [
        (
            spline.use_cyclic_u,
            [(*point.co, *point.handle_left, *point.handle_right) for point in spline.bezier_points],
            [tuple(cast("Any", point.co)) for point in spline.points],
        )
        for spline in curve.splines[:1]
    ]
