"""A page of dialogue: who says what, and how, read from Fountain or plain text."""

from duologue.script.reading import read_script
from duologue.script.speech import Script, ScriptSpeech

__all__ = ["Script", "ScriptSpeech", "read_script"]
