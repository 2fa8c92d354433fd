"""Held-out speech to judge a face on: composed conversations of voices that training never heard, and measured faces.

Who is held out stands in ``datasets/labels/face_split.toml``; the MFA recordings are in no training list at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.brief import Speech, Transcript
from duologue.brief.transcript import parse
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.labels.phones import cached_phones
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.face_captures import captured
from duologue.datasets.readers.kit_speech import Clip, recorded
from duologue.datasets.synthesis.face.conversations import enact
from duologue.datasets.synthesis.speech.natural import kit_lines, natural
from duologue.datasets.synthesis.speech.utterances import sentences, synthetic
from duologue.errors import DuologueError
from duologue.evaluation.face.words import recognised
from duologue.speech.aligners import Aligners
from duologue.speech.decode import load_speech
from duologue.speech.hearing import Ear
from duologue.speech.phones import INDEX, Phone
from duologue.speech.resample import resample
from duologue.speech.sphinx import align_phones
from duologue.speech.words import timed_words
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EDGE, _GAP = 0.7, 0.2
"""Seconds of quiet before and after a conversation, and between its two turns."""
_LEVEL: Final = 0.08
"""RMS of a turn, as conversations are composed for training."""
MFA: Final = ("61-70968-0000.flac", "acoustic_corpus.wav", "cold_corpus.wav", "cold_corpus3.wav")
"""Recordings of two speakers in ``speech_mfa``."""

FOREIGN: Final = "espeak"
"""The set most of whose languages the recogniser of the extra ``hear`` doesn't know."""
ABOUT: Final = {
    "matthes": "read English, one real voice, phone times from its own alignment",
    "grid": "fixed English sentences with faces measured from video: the truth is measured, noisy, one speaker at a time",
    "espeak": "synthetic voices of seven languages, exact phone times",
    "mfa": "two real speakers of English, one of them talking freely, well and with a cold; phone times by the Montreal aligner",
    "librispeech": "many real voices; words by a recogniser (about one in twenty is wrong), phone times by our aligner",
    "kokoro": "natural synthetic voices, blends that training keeps out of tables that it has; exact phone times",
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
        """Whether nobody vouches for the words."""
        return self.name == "librispeech"


def held_out_sets(
    kit: Path,
    cache: Path,
    names: Sequence[str],
    samples: int,
    seed: int = 11,
    *,
    aligners: Aligners | None = None,
    ear: Ear | None = None,
) -> list[HeldOut]:
    """Return the sets ``names`` (keys of ``ABOUT``), with at most ``samples`` conversations each.

    Args:
        kit: the folder with ``speech_matthes`` and its neighbours.
        cache: a folder for alignments; minutes of work the first time.
        names: which sets.
        samples: conversations a set; a set has fewer where its held-out speech ends.
        seed: of turns, styles and moods.
        aligners: who sets known words on the sound, as performing has it; by default pocketsphinx.
        ear: who recognises the words of the sets in English; nobody does without.

    Raises:
        DuologueError: NOT_FOUND ``kit-incomplete`` when a set's folder is absent or holds no held-out speech.
    """
    sets: list[HeldOut] = []
    for name in names:
        dialogues = _conversations(kit, cache, name, samples, seed, aligners or Aligners())
        sets.append(HeldOut(name, tuple(dialogues if name == FOREIGN else _heard(dialogues, ear))))
    return sets


def _heard(dialogues: Sequence[Dialogue], ear: Ear | None) -> list[Dialogue]:
    if ear is None:
        return list(dialogues)
    return [replace(dialogue, heard_phones=recognised(ear, dialogue)) for dialogue in dialogues]


def _conversations(  # noqa: PLR0917
    kit: Path, cache: Path, name: str, samples: int, seed: int, aligners: Aligners
) -> list[Dialogue]:
    if name == "grid":
        dialogues = _measured(kit, aligners)[:samples]
    else:
        if name == "espeak":
            clips = list(synthetic(2 * samples, 21, sentences(kit), held_out_voices=True))
        elif name == "kokoro":
            clips = list(natural(2 * samples, kit_lines(kit, held_out=True), cache / "voices", held_out_voices=True))
        elif name == "mfa":
            clips = _mfa(kit, cache)
        else:
            split = FaceSplit.read()
            clips = [clip for clip in recorded(kit, cache, [f"speech_{name}"]) if split.holds(clip.name)]
        dialogues = once([aligned_as_performing(clip, aligners) for clip in clips], samples, seed)
    if not dialogues:
        raise DuologueError(
            "NOT_FOUND", "kit-incomplete", f"{kit} holds no held-out speech for the set {name!r}.", field="--kit"
        )
    return dialogues


def once(clips: Sequence[Clip], count: int, seed: int) -> list[Dialogue]:
    """Return at most ``count`` conversations in which every clip is heard once at most, so that no two share a sound.

    A says one piece, B answers with the next after a fifth of a second (Stivers et al. 2009). Long recordings are cut at pauses.
    """
    rng = np.random.default_rng(seed)
    pieces = [piece for clip in clips for piece in cut_at_pauses(clip)]
    order = [pieces[index] for index in rng.permutation(len(pieces))]
    return [_exchange(a, b, rng) for a, b in zip(order[0 : 2 * count : 2], order[1 : 2 * count : 2], strict=False)]


def cut_at_pauses(clip: Clip, shortest: float = 4.0, pause: float = 0.15) -> list[Clip]:
    """Return a clip's pieces of ``shortest`` seconds or more, cut in the middle of pauses of ``pause`` seconds or more.

    What is left over at the end stays with the last piece, so every phone is in one piece.
    """
    spoken = [phone for phone in clip.phones if phone.name != "SIL"]
    whole = len(clip.samples) / SPEECH_RATE
    cuts = [0.0]
    for before, after in pairwise(spoken):
        middle = (before.end + after.start) / 2
        if after.start - before.end >= pause and middle - cuts[-1] >= shortest and whole - middle >= shortest:
            cuts.append(middle)
    return [
        Clip(
            f"{clip.name}@{start:.2f}",
            clip.samples[int(start * SPEECH_RATE) : int(end * SPEECH_RATE)],
            _moved([phone for phone in spoken if start <= phone.start < end], -start),
            clip.text,
            _moved([phone for phone in clip.lip_phones if start <= phone.start < end], -start),
        )
        for start, end in pairwise([*cuts, whole])
    ]


def _exchange(a: Clip, b: Clip, rng: np.random.Generator) -> Dialogue:
    starts = (_EDGE, _EDGE + len(a.samples) / SPEECH_RATE + _GAP)
    samples = np.zeros((2, int((starts[1] + len(b.samples) / SPEECH_RATE + _EDGE) * SPEECH_RATE)), np.float32)
    for row, clip, start in zip(samples, (a, b), starts, strict=True):
        level = np.float32(_LEVEL / max(float(np.sqrt(np.mean(clip.samples**2))), 1e-4))
        row[int(start * SPEECH_RATE) : int(start * SPEECH_RATE) + len(clip.samples)] = clip.samples * level
    phones = (_moved(a.phones, starts[0]), _moved(b.phones, starts[1]))
    return replace(
        enact(samples, phones, rng), lip_phones=(_moved(a.lip_phones, starts[0]), _moved(b.lip_phones, starts[1]))
    )


def _moved(phones: Sequence[Phone], seconds: float) -> tuple[Phone, ...]:
    return tuple(phone.moved(seconds) for phone in phones)


def aligned_as_performing(clip: Clip, aligners: Aligners) -> Clip:
    """Return a clip with what performing would learn from its text and its sound; nothing where it has no text."""
    return replace(clip, lip_phones=_as_performing(clip.samples, clip.text, aligners))


def _as_performing(samples: NDArray[np.float32], text: str, aligners: Aligners) -> tuple[Phone, ...]:
    everywhere = np.ones(int(len(samples) / SPEECH_RATE * FPS), bool)
    return tuple(timed_words(Transcript(text), samples, everywhere, aligners=aligners).phones)


def _measured(kit: Path, aligners: Aligners) -> list[Dialogue]:
    """Return the held-out GRID clips as measured, nothing finished or smoothed."""
    folder = kit / "face_speech_grid"
    split = FaceSplit.read()
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.txt")}
    return [
        replace(dialogue, lip_phones=(_as_performing(dialogue.samples[0], texts.get(name, ""), aligners), ()))
        for name, dialogue in captured(folder, finish_closures=False)
        if split.holds(f"face_speech_grid/{name}")
    ]


def _mfa(kit: Path, cache: Path) -> list[Clip]:
    clips: list[Clip] = []
    for name in MFA:
        path = kit / "speech_mfa" / name
        if not path.is_file():
            continue
        audio = load_speech(Speech(path=path))
        samples = resample(audio.samples, audio.rate, SPEECH_RATE)
        text = path.with_suffix(".lab").read_text(encoding="utf-8")
        grid = path.with_suffix(".TextGrid").read_text(encoding="utf-8")
        find = partial(align_phones, samples, text)
        phones = _phone_tier(grid) or cached_phones(cache / f"mfa-{path.stem}.json", find)
        clips.append(Clip(f"speech_mfa/{path.stem}", samples, phones, text))
    return clips


def _phone_tier(grid: str) -> tuple[Phone, ...]:
    """Return the CMU phones of a TextGrid's tier "phones"; ``()`` where it has no such tier."""
    try:
        intervals = parse(Transcript(grid, "textgrid", tier="phones"))
    except DuologueError as error:
        if error.reason != "transcript-tier":
            raise
        return ()
    named = [(word, word.text.rstrip("012")) for word in intervals if not isinstance(word, str)]
    return tuple(Phone(word.start, word.end, name if name in INDEX else "?") for word, name in named)
