# SPDX-License-Identifier: GPL-3.0-or-later
"""What scratch voices have spoken is laid into the scene: strips, words, emotions and actions as markers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from duologue.brief import Brief
from duologue.labels import roles

from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from ..scene import compat, sequencer
from ..scene.markers import marker_name
from ..scene.timing import Clock, frame_rate

if TYPE_CHECKING:
    from bpy.types import Context, Scene

    from ..properties import DUOLOGUE_PG_settings


def lay_dialogue(context: Context, scene: Scene, folder: Path) -> None:
    """Lay A.wav, B.wav and what brief.json says of them into a scene, from the take's first frame on.

    Strips, texts and markers of the script that was spoken before are replaced; what the animator has set stays.

    Raises:
        DuologueError: what :meth:`Brief.load` and laying a strip raise.
    """
    brief = Brief.load(folder / "brief.json")
    settings = settings_of(scene)
    clock = Clock(settings.begin, frame_rate(scene))
    _remove_markers(scene, settings)
    markers: list[tuple[int, str]] = []
    # Whoever looks at another scene by now has that one's timeline before them.
    timeline = compat.sequencer_scene(context) if context.scene == scene else scene
    for (name, performer), asked in zip(named_performers(settings), brief.performers, strict=True):
        _lay_voice(timeline, name, performer, folder, settings.begin)
        performer.emotion, performer.action = asked.emotion[0][1], asked.actions[0][1]
        cues = [(moment[0], moment[1]) for moment in (*asked.emotion[1:], *asked.actions[1:])]
        markers += [(clock.frame(seconds), marker_name(name, label)) for seconds, label in cues]
    for frame, name in markers:
        scene.timeline_markers.new(name, frame=frame)
    settings.dialogue.markers = json.dumps(markers)
    settings.relationship = brief.relationship
    first, second = roles(brief.relationship)
    settings.casting = "SECOND" if first != second and brief.a.role == second else "FIRST"


def _lay_voice(timeline: Scene, name: str, performer: DUOLOGUE_PG_performer, folder: Path, frame: int) -> None:
    strip = sequencer.lay_speech(timeline, name, folder / f"{name}.wav", frame, sequencer.free_channel(timeline))
    performer.source, performer.strip = "STRIP", strip.name
    text = _text(f"{folder.name} {name} words.json")  # a file's scenes have scripts of their own
    text.from_string((folder / f"{name}.json").read_text(encoding="utf-8"))
    performer.transcript.text, performer.transcript.source = text, "TEXT"


def _text(name: str) -> Any:
    return bpy.data.texts.get(name) or bpy.data.texts.new(name)


def _remove_markers(scene: Scene, settings: DUOLOGUE_PG_settings) -> None:
    """Remove the markers that the script has set before, where they are still as it set them."""
    ours = {(frame, name) for frame, name in json.loads(settings.dialogue.markers or "[]")}
    for marker in list(scene.timeline_markers):
        if (marker.frame, marker.name) in ours:
            scene.timeline_markers.remove(marker)
