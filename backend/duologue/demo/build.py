"""Make the demo's two tracks, transcripts and brief out of its script: ``python -m duologue.demo.build``.

Needs the espeak-ng library, which nothing else of Duologue's does; its results are kept beside this file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.demo.script import LAUGH, SCRIPT, VOICES, Line
from duologue.files.atomic import replacing, write_text
from duologue.voices.espeak import Utterance, synthesise

FOLDER = Path(__file__).resolve().parent
TRACKS = {"A": "ada", "B": "ben"}
RATE = 22_050
PEAK = 0.7
TAIL = 0.9
"""Seconds of quiet after the last word."""
NOTICE = "Synthetic speech, made with espeak-ng for Duologue; no person said this."


def main(folder: Path = FOLDER) -> None:
    """Write ada.flac, ben.flac, ada.json, ben.json and brief.toml into ``folder``."""
    placed = _placed()
    seconds = max(start + said.seconds for _, start, said in placed) + TAIL
    for performer, name in TRACKS.items():
        mine = [(start, said) for line, start, said in placed if line.performer == performer]
        _write_track(folder / f"{name}.flac", f"Duologue demo: {name}", _track(mine, seconds))
        words = [Word(start + begin, start + end, text) for start, said in mine for begin, end, text in said.words]
        _write_words(folder / f"{name}.json", words)
    _write_brief(folder / "brief.toml", [(line, start) for line, start, _ in placed])


def _placed() -> list[tuple[Line, float, Utterance]]:
    """Speak every line and find its time: after the end of the one before, plus its gap."""
    placed: list[tuple[Line, float, Utterance]] = []
    end = 0.0
    for line in SCRIPT:
        said = _laugh(line) if line.text == LAUGH else _spoken(line)
        start = max(0.0, end + line.gap)
        placed.append((line, start, said))
        # A back-channel doesn't take the turn: the one who speaks goes on.
        end = max(end, start + said.seconds)
    return placed


def _spoken(line: Line) -> Utterance:
    voice = VOICES[line.performer]
    said = synthesise(
        f"[[{line.sounds}]]" if line.sounds else line.text,
        voice.name,
        voice.pitch + line.pitch,
        voice.speed + line.speed,
        pitch_range=voice.pitch_range,
        phonemes=bool(line.sounds),
    )
    if line.sounds:
        said = replace(said, words=((said.words[0][0], said.words[-1][1], line.text),))
    end = said.words[line.cut - 1][1] if line.cut else said.words[-1][1] + 0.03
    words = tuple(word for word in said.words if word[1] <= end)
    samples = said.samples[: round(end * said.rate)] * np.float32(line.level)
    return replace(said, samples=_faded(samples, said.rate), words=words)


def _laugh(line: Line) -> Utterance:
    """Five syllables, each lower and softer: what espeak says for "ha ha ha" is three words, not a laugh."""
    voice = VOICES[line.performer]
    step = 0.19
    samples = np.zeros(round((5 * step + 0.2) * RATE), np.float32)
    words: list[tuple[float, float, str]] = []
    for index in range(5):
        said = synthesise("[[ha#]]", voice.name, voice.pitch + line.pitch - 5 * index, 260, phonemes=True)
        ha = _faded(said.samples[: round((step + 0.02) * RATE)], RATE, 0.06) * np.float32(line.level * 0.88**index)
        at = round(index * step * RATE)
        samples[at : at + len(ha)] += ha
        words.append((index * step, (index + 1) * step, "ha"))
    return Utterance(samples, RATE, (), tuple(words))


def _faded(samples: NDArray[np.float32], rate: int, seconds: float = 0.03) -> NDArray[np.float32]:
    count = min(len(samples), round(seconds * rate))
    faded = samples.copy()
    faded[len(faded) - count :] *= np.linspace(1, 0, count, dtype=np.float32)
    return faded


def _track(lines: list[tuple[float, Utterance]], seconds: float) -> NDArray[np.float32]:
    track = np.zeros(round(seconds * RATE), np.float32)
    for start, said in lines:
        at = round(start * RATE)
        track[at : at + len(said.samples)] += said.samples
    return track * np.float32(PEAK / np.abs(track).max())


def _write_track(path: Path, title: str, samples: NDArray[np.float32]) -> None:
    with (
        replacing(path) as temporary,
        soundfile.SoundFile(temporary, "w", RATE, 1, subtype="PCM_16", format="FLAC") as file,
    ):
        file.title, file.comment, file.software = title, NOTICE, "duologue.demo.build, espeak-ng"
        file.write(samples)


def _write_words(path: Path, words: list[Word]) -> None:
    rows = [json.dumps({"start": round(w.start, 3), "end": round(w.end, 3), "text": w.text}) for w in words]
    write_text(path, '{"words": [\n  ' + ",\n  ".join(rows) + "\n]}\n")


def _write_brief(path: Path, lines: list[tuple[Line, float]]) -> None:
    """Write the brief, with each performer's emotions as the lines have them."""
    parts = [f"# {NOTICE}\n# Made by `python -m duologue.demo.build`.\n", 'relationship = "co-workers"\nseed = 7\n']
    for performer, name in TRACKS.items():
        timeline: list[list[object]] = []
        for line, start in lines:
            if line.performer == performer and (not timeline or timeline[-1][1] != line.emotion):
                timeline.append([round(start, 2) if timeline else 0.0, line.emotion])
        parts.append(
            f'[performers.{performer}]\nspeech = "{name}.flac"\ntranscript = "{name}.json"\n'
            f"emotion = {json.dumps(timeline)}\n"
        )
    write_text(path, "\n".join(parts))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
