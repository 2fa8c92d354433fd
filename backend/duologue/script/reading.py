"""A script file becomes a scene of two, or a named error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from duologue.errors import DuologueError, invalid
from duologue.files.encodings import read_foreign_text
from duologue.script.fountain import read_fountain
from duologue.script.plain import read_plain
from duologue.script.speech import MAX_LINE, MAX_LINES, Script, ScriptSpeech

SUFFIXES: Final = (".fountain", ".spmd", ".txt")
_TWO: Final = 2
_BLANKS: Final = re.compile(r"\s{3,}")
"""What patterns of names and headings would try at every place, for seconds a line. Two mean something in Fountain."""


def read_script(path: Path, cast: Sequence[str] = ()) -> Script:
    """Read a script of two people from a file: ``.fountain``, or ``.txt`` with ``ANNA: …`` a line.

    ``cast``: who is A and who is B, where more speak than two or the order is to be another; the others' speeches are left out.

    Raises:
        DuologueError: what :func:`parse_script` and reading the file raise; INVALID_ARGUMENT ``script-type``.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise invalid("script-type", f"{path.name} is no script; scripts end in {', '.join(SUFFIXES)}")
    return parse_script(read_foreign_text(path), cast, fountain=path.suffix.lower() != ".txt")


def parse_script(text: str, cast: Sequence[str] = (), *, fountain: bool) -> Script:
    """Read a script of two people.

    Raises:
        DuologueError: INVALID_ARGUMENT ``script-long``, ``script-speakers`` (not two, or not those of ``cast``),
            ``script-no-speech`` (nobody says anything); what :func:`read_fountain` raises.
    """
    lines = text.splitlines()
    longest = max(map(len, lines), default=0)
    if len(lines) > MAX_LINES or longest > MAX_LINE:
        what = (
            f"has {len(lines)} lines, the longest of {longest} characters; at most {MAX_LINES} of {MAX_LINE} are read"
        )
        raise invalid("script-long", f"the script {what}: perform it scene by scene")
    text = "\n".join(_BLANKS.sub("  ", line) for line in lines)
    speeches, title, other = read_fountain(text) if fountain else read_plain(text)
    if not speeches:
        raise _nobody_speaks(fountain, other)
    people = _people(speeches)
    chosen = _cast(people, cast)
    own = [replace(speech, speaker=_key(speech.speaker)) for speech in speeches if _key(speech.speaker) in chosen]
    notes: list[str] = []
    if left := [name for name in people if name not in chosen]:
        notes.append(f"the speeches of {', '.join(left)} were left out: a scene has two people")
    if other:
        notes.append(f"{len(other)} lines of the script are no speech and were left out, the first: {other[0]!r:.80}")
    return Script(tuple(own), (chosen[0], chosen[1]), title, tuple(notes))


def _people(speeches: Sequence[ScriptSpeech]) -> Counter[str]:
    """Return how many speeches each person has, in the order of their first ones."""
    return Counter(_key(speech.speaker) for speech in speeches if speech.text)


def _key(name: str) -> str:
    return " ".join(name.upper().split())


def _cast(people: Counter[str], cast: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(_key(name) for name in cast)) or tuple(people)
    shown = ", ".join(f"{name} ({count})" for name, count in people.most_common(8))
    if missing := [name for name in chosen if name not in people]:
        raise invalid(
            "script-speakers", f"{missing[0]!r:.60} says nothing in this script; who speaks: {shown}", field="--cast"
        )
    if len(chosen) != _TWO:
        what = f"{len(chosen)} people speak in this script ({shown}), and a scene has two"
        hint = "; choose them: --cast ANNA,BEN" if len(chosen) > _TWO else "; give the other one lines of their own"
        raise invalid("script-speakers", what + hint)
    return chosen


def _nobody_speaks(fountain: bool, other: Sequence[str]) -> DuologueError:
    how = "a name in capitals on a line of its own, what they say below it" if fountain else "`ANNA: Hello.` a line"
    found = f"it has only {len(other)} lines of action, the first: {other[0]!r:.60}" if other else "it is empty"
    return invalid("script-no-speech", f"nobody says anything in this script ({found}); write {how}")
