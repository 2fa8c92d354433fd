"""Fountain, the plain text of screenwriters (https://fountain.io/syntax), read by ``screenplay-tools``."""

from __future__ import annotations

import re

from duologue.errors import DuologueError
from duologue.script.parts import parted
from duologue.script.speech import ScriptSpeech

_EMPHASIS = re.compile(r"\\?[*_]+")


def read_fountain(text: str) -> tuple[list[ScriptSpeech], dict[str, str], list[str]]:
    """Return the speeches, the title page's keys, and what is no speech: action, headings.

    Raises:
        DuologueError: FAILED_PRECONDITION ``voices-missing``: the reader comes with the extra ``speak``.
    """
    try:
        from screenplay_tools.fountain.parser import Parser
        from screenplay_tools.screenplay import ElementType
    except ImportError as error:
        what = "Fountain is read with the extra speak: pip install 'duologue[speak]'; or write the scene as `ANNA: …` in a .txt"
        raise DuologueError("FAILED_PRECONDITION", "voices-missing", what) from error
    parser = Parser()
    parser.mergeDialogue = False
    speeches: list[ScriptSpeech] = []
    other: list[str] = []
    speaker, dual, directions, read = "", False, (), 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        parser.add_line(line)
        for element in parser.script.elements[read:]:
            said = element.text.strip()
            if element.type == ElementType.CHARACTER:
                speaker, dual, directions = element.name, element.is_dual_dialogue, ()
            elif element.type == ElementType.PARENTHETICAL:
                directions += (said,)
            elif element.type == ElementType.DIALOGUE and said:
                for own, spoken in parted(_EMPHASIS.sub("", said)):
                    speeches.append(ScriptSpeech(speaker, spoken, directions + own, dual, number))
                    dual, directions = False, ()
            elif element.type in {ElementType.ACTION, ElementType.HEADING} and said:
                other.append(said)
        read = len(parser.script.elements)
    parser.finalize()
    title = {entry.key.strip().lower(): entry.text.strip() for entry in parser.script.titleEntries}
    return speeches, title, other
