"""Make the demo's two tracks, transcripts and brief out of ``scene.fountain``: ``python -m duologue.demo.build``.

Needs the extra ``speak``; its results are kept beside this file, so that the demo needs nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import soundfile

from duologue.files.atomic import replacing, write_text
from duologue.script import read_script
from duologue.units import Sound
from duologue.voices.choosing import DEFAULTS, voice_of
from duologue.voices.recording import record
from duologue.voices.scene import emotions_of, words_json

FOLDER: Final = Path(__file__).resolve().parent
SCENE: Final = FOLDER / "scene.fountain"
TRACKS: Final = {"A": "ada", "B": "ben"}
SEED: Final = 7
NOTICE: Final = "Synthetic speech, made with Duologue's scratch voices (Kokoro-82M, Apache-2.0); no person said this."


def main(folder: Path = FOLDER) -> None:
    """Write ada.flac, ben.flac, ada.json, ben.json and brief.toml into ``folder``."""
    script = read_script(SCENE)
    recording = record(script, dict(zip(script.cast, map(voice_of, DEFAULTS), strict=True)))
    parts = [f"# {NOTICE}\n# Made by `python -m duologue.demo.build`.\n"]
    parts.append(f'relationship = "{script.title["relationship"]}"\nseed = {SEED}\n')
    for index, (performer, name) in enumerate(TRACKS.items()):
        _write_track(folder / f"{name}.flac", f"Duologue demo: {name}", recording.sounds[index])
        write_text(folder / f"{name}.json", words_json(recording.words[index]))
        turns = [turn for turn in recording.turns if turn.speech.speaker == script.cast[index]]
        parts.append(
            f'[performers.{performer}]\nspeech = "{name}.flac"\ntranscript = "{name}.json"\n'
            f"emotion = {json.dumps(emotions_of(turns))}\n"
        )
    write_text(folder / "brief.toml", "\n".join(parts))


def _write_track(path: Path, title: str, sound: Sound) -> None:
    with (
        replacing(path) as temporary,
        soundfile.SoundFile(temporary, "w", sound.rate, 1, subtype="PCM_16", format="FLAC") as file,
    ):
        file.title, file.comment, file.software = title, NOTICE, "duologue.demo.build"
        file.write(sound.samples)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
