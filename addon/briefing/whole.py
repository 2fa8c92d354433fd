# SPDX-License-Identifier: GPL-3.0-or-later
"""The brief, made of everything that was set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bpy.app.translations import pgettext_iface as _t
from duologue import arkit
from duologue.brief import Brief, EmotionTimeline, Expression, PerformerBrief, Speech, Timeline, Transcript
from duologue.brief.expression import PARTS
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS, roles
from duologue.units import FPS, Sound

from ..properties import DUOLOGUE_PG_performer, DUOLOGUE_PG_settings, named_performers, scene_of
from ..properties.script import DUOLOGUE_PG_expression
from ..scene.markers import Cue, Unread, read_markers
from ..scene.timing import Clock, frame_rate
from .rows import Rows, translated
from .speech import read_transcript
from .starts import start_of
from .targets import Wished, wishes
from .touches import touches

if TYPE_CHECKING:
    from bpy.types import Context


def make_brief(
    context: Context, settings: DUOLOGUE_PG_settings, audio: tuple[Sound, Sound], notes: Sequence[str] = ()
) -> Brief:
    """Return the brief, fully checked; ``notes`` on the speech go into it.

    Raises:
        DuologueError: what :class:`duologue.brief.Brief` raises, with ``field`` naming the row of the panel; what
            :func:`.briefing.targets.wishes` and :func:`.briefing.speech.read_transcript` raise.
    """
    scene = scene_of(settings)
    context.view_layer.update()  # objects that a script has just moved are where they were until then
    cues, unread = read_markers(scene)
    clock = Clock(settings.begin, frame_rate(scene))
    actions = [action_cues(performer, name, cues, clock) for name, performer in named_performers(settings)]
    emotions = [emotion_cues(performer, name, cues, clock) for name, performer in named_performers(settings)]
    starts = [start_of(scene, performer, settings.begin) for performer in settings.performers()]
    seconds = max(sound.frames for sound in audio) / FPS
    wished = wishes(scene, settings, (starts[0], starts[1]), (actions[0], actions[1]), seconds)
    named = [item.name for item in settings.interactions if item.enabled]
    with translated(Rows(wished.rows, tuple(wished.actions), (emotions[0], emotions[1]), named)):
        said = [read_transcript(context, settings, name) for name in PERFORMERS]
        a, b = (
            _performer(
                settings, index, sound=audio[index], words=said[index][0], emotion=emotions[index], wished=wished
            )
            for index in range(len(PERFORMERS))
        )
        return Brief(
            a,
            b,
            relationship=settings.relationship,
            seed=settings.seed,
            steps=settings.steps,
            strengths=settings.strengths.changed(),
            constraints=wished.constraints,
            interactions=touches(settings, clock),
            notes=(*map(_left_out, unread), *notes, *said[0][1], *said[1][1]),
        )


def _performer(
    settings: DUOLOGUE_PG_settings,
    index: int,
    *,
    sound: Sound,
    words: Transcript | None,
    emotion: EmotionTimeline,
    wished: Wished,
) -> PerformerBrief:
    """Return what is asked of A (0) or B (1)."""
    _, performer = named_performers(settings)[index]
    halves = roles(settings.relationship)
    return PerformerBrief(
        speech=Speech(sound=sound),
        transcript=words,
        role=halves[1 - index if settings.casting == "SECOND" else index],
        emotion=emotion,
        actions=wished.actions[index],
        start=wished.starts[index],
        style=performer.style if performer.style >= 0 else None,
        intensity=_plain(performer.intensity),
        mirror=performer.mirror,
        face=expression_of(performer.expression),
    )


def _left_out(marker: Unread) -> str:
    """Return a note about a marker that says something nobody understands."""
    return _t("The marker “{marker}” (frame {frame}) was left out: {problem}").format(
        marker=marker.marker, frame=marker.frame, problem=marker.problem
    )


def action_cues(performer: DUOLOGUE_PG_performer, name: str, cues: Sequence[Cue], clock: Clock) -> Timeline:
    """Return what somebody does when: how they begin, then their markers.

    Raises:
        DuologueError: INVALID_ARGUMENT ``markers-twice``.
    """
    own = [cue for cue in cues if cue.performer == name and cue.kind == "action"]
    timeline = _timeline({0.0: (0.0, performer.action)}, own, clock)
    return tuple((seconds, label) for seconds, label, *_ in timeline)


def emotion_cues(performer: DUOLOGUE_PG_performer, name: str, cues: Sequence[Cue], clock: Clock) -> EmotionTimeline:
    """Return what somebody feels when, and how strongly.

    Raises:
        DuologueError: INVALID_ARGUMENT ``markers-twice``.
    """
    own = [cue for cue in cues if cue.performer == name and cue.kind == "emotion"]
    begins = (0.0, performer.emotion, _plain(performer.emotion_strength))
    return tuple(entry[:2] if entry[2] == 1.0 else entry for entry in _timeline({0.0: begins}, own, clock))


def expression_of(chosen: DUOLOGUE_PG_expression) -> Expression:
    """Return the settings of a face as a brief has them."""
    gain = dict.fromkeys(arkit.LOWER_FACE, _plain(chosen.mouth_gain)) if chosen.mouth_gain != 1.0 else {}
    offset: dict[str, float] = {}
    for shape in chosen.shapes:
        if shape.gain != 1.0:
            gain[shape.shape] = _plain(min(5.0, gain.get(shape.shape, 1.0) * shape.gain))
        if shape.offset != 0.0:
            offset[shape.shape] = _plain(shape.offset)
    numbers = ("blinks_per_minute", "gaze", "gaze_at_partner", "brows", "seal", "head_still")
    return Expression(
        **{name: _plain(getattr(chosen, name)) for name in numbers},
        still_listener=chosen.still_listener,
        part=PARTS[PARTS.index(chosen.part)],
        gain=gain,
        offset=offset,
        tongue=chosen.tongue,
        raw=chosen.raw,
    )


def _timeline(begins: dict[float, tuple], cues: Sequence[Cue], clock: Clock) -> list[tuple]:
    """Lay cues over how it begins. The last one before the take's first frame still holds there.

    Raises:
        DuologueError: INVALID_ARGUMENT ``markers-twice``.
    """
    laid, markers = dict(begins), dict[int, str]()
    for cue in cues:
        if cue.frame in markers and cue.frame >= clock.first_frame:
            raise DuologueError(
                "INVALID_ARGUMENT",
                "markers-twice",
                _t("the markers “{first}” and “{second}” are both at frame {frame}; move or remove one").format(
                    first=markers[cue.frame], second=cue.marker, frame=cue.frame
                ),
                field=_t("Performer {name}").format(name=cue.performer),
            )
        markers[cue.frame] = cue.marker
        seconds = max(0.0, clock.seconds(cue.frame))
        laid[seconds] = (seconds, cue.label, cue.strength)
    return [laid[seconds] for seconds in sorted(laid)]


def _plain(value: float) -> float:
    """Return a single-precision property as the number that was typed."""
    return round(value, 6)
