# SPDX-License-Identifier: GPL-3.0-or-later
"""The one big button, and how things stand: a colour, a sentence, and a button that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t

from ..briefing import fingerprint, what_is_missing
from ..identity import PACKAGE
from ..properties import settings_of
from ..session.session import session
from ..takes import store
from .base import Panel, set_options, wrap

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

    from ..properties import DUOLOGUE_PG_settings

READY, RUNNING, OUTDATED, FAILED, WAITING = (
    "COLLECTION_COLOR_04", "COLLECTION_COLOR_05", "COLLECTION_COLOR_03", "COLLECTION_COLOR_01", "COLLECTION_COLOR_08",
)  # fmt: skip
"""Icons that are nothing but a colour: green, blue, yellow, red, grey."""

_OF_SERVER = {"UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED"}
_SERVER_REASONS = {"server-missing", "python-missing", "connection-file-missing", "keys-missing", "server-slow"}


class DUOLOGUE_PT_main(Panel, bpy.types.Panel):
    """State and the one big button."""

    bl_label = "Duologue"

    def draw(self, context: Context) -> None:
        """Draw Perform or the progress of the take, and how things stand."""
        layout = self.layout
        if session.busy:
            _draw_progress(layout, context)
            return
        row = layout.row()
        row.scale_y = 1.6
        row.operator("duologue.perform", icon="PLAY")
        _draw_state(layout, context, settings_of(context.scene))
        for note in session.notes:
            wrap(layout, note, context, "DOT")


def _draw_progress(layout: UILayout, context: Context) -> None:
    fraction, left = session.fraction(), session.seconds_left()
    stage = _t(session.stage)
    text = f"{stage} {fraction:.0%}" if fraction else f"{stage}…"
    if left is not None:
        text = _t("{state}, {seconds:.0f} s left").format(state=text, seconds=left)
    row = layout.row(align=True)
    row.scale_y = 1.6
    row.progress(factor=fraction, type="BAR", text=text)
    row.operator("duologue.cancel", text="", icon="X")
    wrap(layout, _t("A take is being made; Esc cancels"), context, RUNNING)
    for note in session.notes:
        wrap(layout, note, context, "DOT")


def _draw_state(layout: UILayout, context: Context, settings: DUOLOGUE_PG_settings) -> None:
    missing = what_is_missing(context, settings)
    entry = store.current_entry(settings)
    if session.state == "FAILED":
        message = session.message[:1].upper() + session.message[1:]  # our errors begin as what follows a field's name
        wrap(layout, message, context, FAILED, alert=True)
        _draw_help(layout)
    elif missing:
        wrap(layout, missing, context, WAITING)
    elif entry is not None and entry.fingerprint != fingerprint(context, settings):
        text = _t("Outdated: something was changed since {name} was made. Perform makes a new one")
        wrap(layout, text.format(name=entry.name), context, OUTDATED)
    else:
        wrap(layout, session.message or _t("Ready"), context, READY)
    if settings.take_problem:
        wrap(layout, settings.take_problem, context, "ERROR", alert=True)


def _draw_help(layout: UILayout) -> None:
    """Draw the button that leads to what mends the last failure."""
    error = session.error
    if error is not None and (error.code in _OF_SERVER or error.reason in _SERVER_REASONS):
        row = layout.row(align=True)
        set_options(row.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES"), module=PACKAGE)
        row.operator("duologue.test_connection", text="Test", icon="FILE_REFRESH")


CLASSES = (DUOLOGUE_PT_main,)
