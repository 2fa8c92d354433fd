# SPDX-License-Identifier: GPL-3.0-or-later
"""A touch as moving pictures: which frames, who makes them and how, how far they are, and what to do with what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..footage import asked
from ..footage.generating import CARRIED
from ..footage.videos import videos
from ..properties import settings_of
from ..scene import video_strips
from .base import Panel, set_options, wrap

if TYPE_CHECKING:
    from bpy.types import Context, Scene, UILayout

    from ..properties.video import DUOLOGUE_PG_video


class DUOLOGUE_PT_video(Panel, bpy.types.Panel):
    """A touch as moving pictures."""

    bl_label = "Video of the Touch"
    bl_parent_id = "DUOLOGUE_PT_interaction"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Draw what is shown, how it is made, the button or the progress, and the chosen video."""
        layout, scene = self.layout, context.scene
        video = settings_of(scene).video
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        _draw_clip(column, context, video)
        _draw_making(column, context, video)
        column.prop(video, "folder")
        column.prop(video, "replace")
        if videos.busy:
            _draw_progress(layout)
        else:
            row = layout.row()
            row.scale_y = 1.3
            row.operator("duologue.make_video", icon="RENDER_ANIMATION")
        if videos.message:
            failed = videos.state == "FAILED"
            wrap(layout, videos.message, context, "ERROR" if failed else "INFO", alert=failed)
        for note in videos.notes:
            wrap(layout, note, context, "DOT")
        _draw_chosen(layout, context, scene)


def _draw_clip(column: UILayout, context: Context, video: DUOLOGUE_PG_video) -> None:
    column.row().prop(video, "range", expand=True)
    if video.range == "FRAMES":
        span = column.column(align=True)
        span.prop(video, "first")
        span.prop(video, "frames")
        span.prop(video, "step")
    else:
        column.prop(video, "step")
        touch = asked.chosen_touch(context.scene)
        if touch is not None:
            span = asked.span_of(context.scene)
            text = _t("“{name}”: frames {first} to {last}, {count} pictures").format(
                name=touch.name, first=span.first, last=span.last, count=span.count
            )
            wrap(column, text, context, "TIME")
    size = column.column(align=True)
    size.prop(video, "width")
    size.prop(video, "height")
    column.prop(video, "camera")
    column.prop(video, "picture")


def _draw_making(column: UILayout, context: Context, video: DUOLOGUE_PG_video) -> None:
    column.prop(video, "backend")
    reason = asked.not_offered(video.backend)
    if reason:
        wrap(column, reason, context, "ERROR", alert=True)
    if video.backend == CARRIED:
        return
    column.prop(video, "mode")
    column.row().prop(video, "preset", expand=True)
    numbers = column.column(align=True)
    numbers.prop(video, "steps")
    numbers.prop(video, "seed")
    if video.backend.startswith("wan"):
        column.prop(video, "prompt")


def _draw_progress(layout: UILayout) -> None:
    progress = videos.progress()
    share = progress.done / max(progress.total, 1)
    texts = {
        "": _t("Connecting…") if videos.state == "CONNECTING" else _t("Beginning…"),
        "upload": _t("Sending passes, {share:.0%}"),
        "queue": _t("Waiting for the server"),
        "draft": _t("Draft: {done} of {total} pictures"),
        "final": _t("{done} of {total} pictures"),
    }
    text = texts.get(progress.stage, progress.stage)
    text = _t("Stopping…") if videos.state == "STOPPING" else text
    row = layout.row(align=True)
    row.scale_y = 1.3
    row.progress(
        factor=0.0 if progress.stage == "queue" else share,
        type="BAR",
        text=text.format(share=share, done=progress.done, total=progress.total),
    )
    row.operator("duologue.stop_video", text="", icon="X")


def _draw_chosen(layout: UILayout, context: Context, scene: Scene) -> None:
    """Draw the video whose strip is chosen, and what can be done with it."""
    strip = video_strips.chosen(scene)
    if strip is None:
        return
    about = video_strips.about(strip)
    made, asked_for = about.get("made", {}), about.get("pictures", {})
    box = layout.box()
    box.prop(strip, "name", text="", icon="SEQUENCE")
    plain = made.get("backend", CARRIED) == CARRIED
    text = _t("Carried, {done} of {count} pictures") if plain else _t("{by}, seed {seed}, {done} of {count} pictures")
    by = f"{made.get('backend', '')} {made.get('mode', '')}".strip()
    seed, done, count = asked_for.get("seed", 0), about.get("shown", 0), _count(about)
    wrap(box, text.format(by=by, seed=seed, done=done, count=count), context, "INFO")
    row = box.row(align=True)
    row.operator("duologue.again_video", icon="LOOP_BACK")
    row.operator("duologue.resume_video", icon="PLAY")
    row = box.row(align=True)
    set_options(row.operator("duologue.region_again", text="Hands Again", icon="VIEW_PAN"), region="hand")
    set_options(row.operator("duologue.region_again", text="Faces Again", icon="USER"), region="face")
    box.operator("duologue.show_video", icon="IMAGE_DATA")


def _count(about: dict[str, object]) -> int:
    clip = about.get("clip")
    span = clip.get("span") if isinstance(clip, dict) else None
    return (span["last"] - span["first"]) // span["step"] + 1 if isinstance(span, dict) else 0


CLASSES = (DUOLOGUE_PT_video,)
