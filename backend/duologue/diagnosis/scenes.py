"""A .blend as a performance finds it: its armatures and faces as they would be cast, told by a Blender of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duologue.diagnosis.examined import Examined
from duologue.diagnosis.finding import Finding, State
from duologue.errors import Code, DuologueError
from duologue.shots import events
from duologue.shots.blender import ended, find_blender

_STATES: dict[str, State] = {"ERROR": "fail", "WARNING": "warn", "INFO": "ok"}


def examine_scene(examined: Examined) -> None:
    """Have a Blender open the scene, its scripts disabled, and say who in it could play and what stands in the way."""
    characters: list[dict[str, Any]] = []
    failure: list[DuologueError] = []
    started = False

    def on_event(event: dict[str, Any]) -> None:
        nonlocal started
        started = True
        match event[events.MARK]:
            case "scene":
                examined.facts |= event["facts"]
            case "character":
                characters.append(event)
            case "error":
                code: Code = event["code"]
                failure.append(DuologueError(code, event["reason"], event["message"]))
            case _:
                pass

    try:
        code, last = events.follow([*find_blender(), "examine", str(examined.path.absolute())], on_event)
        if failure:
            raise failure[0]
        if code:
            raise _crashed(code, last) if started and not 0 < code < 256 else ended(code, last)
    except DuologueError as error:
        examined.refuse(error)
        return
    _judge(examined, characters)


def _crashed(code: int, last: Sequence[str]) -> DuologueError:
    """Return the error for a file that a Blender which had started well did not survive."""
    said = f"; it last said: {' / '.join(last[-2:])}" if last else ""
    message = f"Blender crashed on it (exit code {code}), so it is damaged: take an older copy, scene.blend1 say{said}"
    return DuologueError("DATA_LOSS", "blend-unreadable", message)


def _judge(examined: Examined, characters: list[dict[str, Any]]) -> None:
    """Take over what is said of each character. One that can play is enough: a set's other armatures are props."""
    playable = 0
    for character in characters:
        name, problem = character["name"], character["problem"]
        examined.facts[name] = character["facts"]
        blocked = bool(problem)
        for finding in character["findings"]:
            state = _STATES[finding["severity"]]
            blocked = blocked or state == "fail"
            examined.findings.append(Finding(name, state, finding["text"], finding["mend"]))
        if problem:
            examined.findings.append(Finding(name, "fail", problem["message"]))
        playable += not blocked
    if not playable:
        none = "none of its armatures can play" if characters else "it has no armature"
        examined.refuse(DuologueError("FAILED_PRECONDITION", "cast-missing", none))
    elif len(characters) == 1:
        examined.note(["a performance has two characters, this scene one"], "cast")
    elif len(characters) > 2:
        examined.note([f"of {len(characters)} armatures name A's and B's (--armature-a, --armature-b)"], "cast")
