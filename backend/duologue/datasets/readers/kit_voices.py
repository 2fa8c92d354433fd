"""The kit's speakers as voices that can take turns: their recordings, their words where they are known, an emotion if acted."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue.brief.transcript import Word

_EMOTIONS: Final = {"anger": "anger", "joy": "joy", "sadness": "sadness", "neutral": "calmness"}
_TRUSTED: Final = -0.6
"""Mean log probability of a recogniser's words under which the kit says to leave them out."""


@dataclass(frozen=True)
class Recording:
    """One recording: where it is, and its words where they are known."""

    path: Path
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Voice:
    """A speaker's recordings and, if they were acted so, their emotion."""

    name: str
    recordings: tuple[Recording, ...]
    emotion: str = ""


def read_voices(kit: Path) -> list[Voice]:
    """Return the kit's speakers: LibriSpeech (words as Whisper heard them), Matthes (words with times), NVIDIA (acted)."""
    speakers: dict[str, list[Recording]] = defaultdict(list)
    heard = _read_heard(kit / "speech_librispeech" / "transcripts.json")
    for path in sorted((kit / "speech_librispeech").glob("*.flac")):
        speakers[path.stem.split("-")[0]].append(Recording(path, heard.get(path.name, ())))
    voices = [Voice(f"librispeech/{name}", tuple(recordings)) for name, recordings in speakers.items()]
    matthes = [
        Recording(path, _read_words(path.with_suffix(".phones.csv")))
        for path in sorted((kit / "speech_matthes").glob("*.flac"))
        if path.with_suffix(".phones.csv").exists()
    ]
    # A few minutes of one man would vanish among 230 readers, and he brings all the words there are: he is several voices.
    voices += [Voice(f"matthes/{k}", tuple(matthes[k::8])) for k in range(8 if matthes else 0)]
    for path in sorted((kit / "speech_nvidia").glob("*.flac")):
        emotion = next((label for word, label in _EMOTIONS.items() if word in path.stem), "")
        if emotion:
            voices += [Voice(f"nvidia/{path.stem}", (Recording(path),), emotion)] * 3
    return voices


def _read_heard(path: Path) -> dict[str, tuple[Word, ...]]:
    """Return the words of each recording, by file name, that a recogniser is sure of."""
    if not path.is_file():
        return {}
    clips = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: tuple(Word(start, end, text) for text, start, end, _ in clip["words"] if end > start)
        for name, clip in clips.items()
        if clip["logprob"] >= _TRUSTED
    }


def _read_words(path: Path) -> tuple[Word, ...]:
    words: list[Word] = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            start, end, text = float(row["start"]), float(row["end"]), row["word"]
            if text.startswith("<"):
                continue
            if words and words[-1].text == text and abs(words[-1].end - start) < 0.015:
                words[-1] = Word(words[-1].start, end, text)
            else:
                words.append(Word(start, end, text))
    return tuple(words)
