"""A page of dialogue as ``duologue speak`` reads it."""

from __future__ import annotations

from typing import Any

from duologue.diagnosis.examined import Examined
from duologue.errors import DuologueError
from duologue.script import Script, read_script


def examine_script(examined: Examined) -> None:
    """Read a script: who speaks, how often, and what is left out."""
    try:
        script = read_script(examined.path)
    except DuologueError as error:
        examined.refuse(error)
        return
    examined.facts |= _facts(script)
    examined.note(script.notes)


def note_script(examined: Examined) -> None:
    """Say of a text that could be a transcript that it could be a script as well, where two people speak in it."""
    try:
        script = read_script(examined.path)
    except DuologueError:
        return
    speeches = ", ".join(f"{name} {count}" for name, count in _counts(script).items())
    examined.note([f"`duologue speak` reads it as a script of two people, speeches: {speeches}"], "script")


def _facts(script: Script) -> dict[str, Any]:
    words = sum(len(speech.text.split()) for speech in script.speeches)
    return {"cast": list(script.cast), "speeches": _counts(script), "words": words, "title": dict(script.title)}


def _counts(script: Script) -> dict[str, int]:
    return {name: sum(speech.speaker == name for speech in script.speeches) for name in script.cast}
