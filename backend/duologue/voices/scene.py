"""A script becomes what a brief is made of, in a folder: two WAV files, their words, and the brief, to be performed or edited.

Real recordings replace the WAV files later; the words' files go then (recognition takes their place) or are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from duologue.brief import Brief, PerformerBrief, Speech, Transcript
from duologue.brief.timeline import EmotionTimeline, Timeline
from duologue.brief.transcript import Word
from duologue.files.atomic import prepare_folder, write_text
from duologue.labels import PERFORMERS
from duologue.script import Script
from duologue.take.export import write_wav
from duologue.voices.choosing import DEFAULTS, voice_of
from duologue.voices.recording import Recording, Turn, record

BRIEF: Final = "brief.json"
NOTICE: Final = "Synthetic speech, made with Duologue; no person said this."


def speak_into(
    folder: Path,
    script: Script,
    voices: Sequence[str] = DEFAULTS,
    language: str = "en-us",
    relationship: str = "",
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Brief:
    """Read a script aloud into a folder; return the brief that is also written there, beside A.wav, A.json, B.wav and B.json.

    ``relationship``: by default the title page's, else strangers.

    Raises:
        DuologueError: what :func:`voice_of`, :func:`record`, :class:`Brief` and writing raise.
    """
    cast = {
        name: voice_of(voice, language, f"--voice-{performer.lower()}")
        for name, voice, performer in zip(script.cast, voices, PERFORMERS, strict=True)
    }
    relationship = relationship or script.title.get("relationship", "") or "strangers"
    draft = Brief(
        PerformerBrief(Speech()), PerformerBrief(Speech()), relationship=relationship
    )  # checks it before work starts
    prepare_folder(folder)
    recording = record(script, cast, on_progress)
    performers = [
        _performer(folder, name, index, script.cast[index], recording) for index, name in enumerate(PERFORMERS)
    ]
    brief = replace(draft, a=performers[0], b=performers[1], notes=(*script.notes, *recording.notes))
    brief.save(folder / BRIEF)
    return brief


def _performer(folder: Path, name: str, index: int, speaker: str, recording: Recording) -> PerformerBrief:
    path = folder / f"{name}.wav"
    write_wav(path, recording.sounds[index])
    content = words_json(recording.words[index])
    write_text(folder / f"{name}.json", content)
    turns = [turn for turn in recording.turns if turn.speech.speaker == speaker]
    return PerformerBrief(
        Speech(path), Transcript(content, "json"), emotion=emotions_of(turns), actions=_actions(turns)
    )


def words_json(words: Sequence[Word]) -> str:
    """Return words with their phones as the JSON that transcripts are read from, a word a line."""
    rows = [
        json.dumps(
            {
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "text": word.text,
                "phones": [[round(start, 3), round(end, 3), phone] for start, end, phone in word.phones],
            },
            ensure_ascii=False,
        )
        for word in words
    ]
    return json.dumps({"notice": NOTICE})[:-1] + ', "words": [\n  ' + ",\n  ".join(rows) + "\n]}\n"


def emotions_of(turns: Sequence[Turn]) -> EmotionTimeline:
    """Return the emotion of each speech from its beginning on; one without a direction is calm."""
    timeline: list[tuple[float, str]] = []
    for turn in turns:
        emotion = turn.direction.emotion or "calmness"
        if not timeline or timeline[-1][1] != emotion:
            timeline.append((round(turn.start, 2) if timeline else 0.0, emotion))
    return tuple(timeline) or ((0.0, "calmness"),)


def _actions(turns: Sequence[Turn]) -> Timeline:
    """Return when somebody sits, stands and walks: until they do something else; a walk ends with its speech."""
    timeline: list[tuple[float, str]] = [(0.0, "stand")]
    for turn in turns:
        walked = timeline[-1][1] == "walk"
        action = turn.direction.action or ("stand" if walked else timeline[-1][1])
        if action != timeline[-1][1]:
            timeline.append((round(turn.start, 2), action))
    return tuple(timeline)
