# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: look at the characters again; Fix: mend what was found, where that is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS

from ..cast import checks
from ..cast.fixes import FIXES
from ..cast.recognition import cast_performer, recognise
from ..properties import DUOLOGUE_PG_performer, settings_of
from ..session.session import session
from .base import Operator
from .rules import WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context

_WHO = [(name, name, "") for name in PERFORMERS]


class DUOLOGUE_OT_check_cast(Operator, bpy.types.Operator):
    """Look at both characters again: what is recognised, and what would keep a take from showing on them"""

    bl_idname = "duologue.check_cast"
    bl_label = "Check Again"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be somebody."""
        settings = settings_of(context.scene)
        return "" if any(p.armature for p in settings.performers()) else _t("Choose an armature first")

    def run(self, context: Context) -> str:
        """Recognise both."""
        performers = settings_of(context.scene).performers()
        for performer in performers:
            recognise(performer)
        wrong = [item for p in performers for item in p.findings if item.severity != "INFO"]
        return (
            _t("To look at: {count}").format(count=len(wrong)) if wrong else _t("Nothing stands in the way of a take")
        )


class DUOLOGUE_OT_fix_cast(Operator, bpy.types.Operator):
    """Mend this, and nothing else; undo takes it back"""

    bl_idname = "duologue.fix_cast"
    bl_label = "Fix"
    bl_options = {"REGISTER", "UNDO"}

    performer: bpy.props.EnumProperty(
        name="Performer", description="Whose character it is", items=_WHO, options={"HIDDEN", "SKIP_SAVE"}
    )
    code: bpy.props.StringProperty(name="Finding", description="What is to be mended", options={"HIDDEN", "SKIP_SAVE"})
    about: bpy.props.StringProperty(
        name="About", description="The object that it is about", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Nothing of a character is changed while a take is being made on it."""
        return WAIT_FOR_TAKE if session.busy else ""

    def run(self, context: Context) -> str:
        """Check once more, for the scene may have changed since the panel's text was written, and mend what is still so."""
        performer = settings_of(context.scene).performers()[PERFORMERS.index(self.performer)]
        findings = [f for f in _findings(self.performer, performer) if (f.code, f.about) == (self.code, self.about)]
        if findings and self.code not in FIXES:
            raise DuologueError("INVALID_ARGUMENT", "no-fix", f"{findings[0].text}: this has to be mended by hand")
        for finding in findings:
            if not bpy.data.objects[finding.about].is_editable:
                raise DuologueError(
                    "FAILED_PRECONDITION",
                    "character-linked",
                    f"{finding.about} is linked; make a library override of it first",
                )
            FIXES[self.code].mend(bpy.data.objects[finding.about], finding.names)
        context.view_layer.update()
        recognise(performer)
        return "" if findings else _t("This is no longer so")


def _findings(name: str, performer: DUOLOGUE_PG_performer) -> list[checks.Finding]:
    try:
        character = cast_performer(name, performer)
    except DuologueError:
        character = None
    return checks.check(performer.armature, character) if performer.armature is not None else []


CLASSES = (DUOLOGUE_OT_check_cast, DUOLOGUE_OT_fix_cast)
