# SPDX-License-Identifier: GPL-3.0-or-later
"""Have scratch voices speak a page of dialogue: strips that real recordings replace later."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError

from ..briefing.dialogue import lay_dialogue
from ..identity import preferences, user_folder
from ..properties import settings_of
from ..session import environments, servers
from ..session.session import session
from ..session.speaking import speaking
from .base import Operator
from .rules import WAIT, WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context

    from ..properties import DUOLOGUE_PG_settings
    from ..properties.voices import DUOLOGUE_PG_voice

_SPEECH = re.compile(r"^[ \t]*[^\s:][^:\n]{0,40}:", re.MULTILINE)
_FEW = 2


class DUOLOGUE_OT_speak_script(Operator, bpy.types.Operator):
    """Have scratch voices speak the script: two strips with every word and phone known, emotions and actions as markers"""

    bl_idname = "duologue.speak_script"
    bl_label = "Speak Script"
    bl_options = {"REGISTER", "UNDO"}
    wait: WAIT

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a text."""
        if session.busy:
            return WAIT_FOR_TAKE
        if speaking.busy:
            return "The script is being spoken"
        return "" if settings_of(context.scene).dialogue.text is not None else "Choose a text with the dialogue first"

    def run(self, context: Context) -> str:
        """Write the script beside the sounds to be, and start speaking."""
        scene = context.scene
        settings = settings_of(scene)
        environments.find.cache_clear()
        environment = environments.find(servers.given_path(preferences().environment))
        if environment is None:
            what = "no Python with Duologue is known on this computer; choose it in the Duologue preferences"
            raise DuologueError("FAILED_PRECONDITION", "python-missing", what)
        script = _written(settings)
        name = scene.name
        speaking.start(
            environment.python,
            [str(script), "--out", str(script.parent), *_voices(settings)],
            lambda: _lay(name, script.parent),
        )
        if self.wait:
            speaking.wait(self.wait)
        return ""


def _lay(name: str, folder: Path) -> None:
    """Lay what was spoken into the scene of a name, wherever Blender's attention is by now."""
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise DuologueError(
            "ABORTED", "scene-gone", f"the scene {name!r} is no longer there; the sounds lie in {folder}"
        )
    lay_dialogue(bpy.context, scene, folder)
    bpy.ops.ed.undo_push(message="Duologue: Speak Script")  # it was laid by a timer, long after the button's own step


class DUOLOGUE_OT_cancel_speaking(Operator, bpy.types.Operator):
    """Stop speaking the script; nothing is changed in the scene"""

    bl_idname = "duologue.cancel_speaking"
    bl_label = "Cancel Speaking"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Somebody must be speaking."""
        return "" if speaking.busy else "No script is being spoken"

    def run(self, context: Context) -> str:
        """Stop."""
        speaking.cancel()
        return _t("Speaking was cancelled")


def _written(settings: DUOLOGUE_PG_settings) -> Path:
    """Write the script into the folder of its sounds, which lies beside the .blend where that is saved."""
    text = settings.dialogue.text
    content = text.as_string()
    stem = re.sub(r"[^\w-]+", "_", Path(text.name).stem).strip("_") or "script"
    blend = bpy.data.filepath
    # Files that were never saved share a folder of the user's: each script has one of its own there.
    own = f"{stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    folder = Path(blend).parent / "speech" / stem if blend else user_folder(f"speech/{own}")
    plain = not text.name.lower().endswith(".fountain") and len(_SPEECH.findall(content)) >= _FEW
    path = folder / f"{stem}{'.txt' if plain else '.fountain'}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        what = f"{folder} can't be written to ({error.strerror}); save the .blend file elsewhere"
        raise DuologueError("PERMISSION_DENIED", "not-writable", what) from error
    return path


def _voices(settings: DUOLOGUE_PG_settings) -> list[str]:
    return [*_voice("--voice-a", settings.dialogue.a), *_voice("--voice-b", settings.dialogue.b)]


def _voice(option: str, chosen: DUOLOGUE_PG_voice) -> list[str]:
    if chosen.voice == "USUAL":
        return []
    return [option, servers.given_path(chosen.file) if chosen.voice == "FILE" else chosen.voice]


CLASSES = (DUOLOGUE_OT_speak_script, DUOLOGUE_OT_cancel_speaking)
