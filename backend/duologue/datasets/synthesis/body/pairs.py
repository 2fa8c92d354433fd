"""The starter's training corpus, composed from the kit. Every pair has random numbers of its own, so any can be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.body import Corpus, Pair
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.labels.split import BodySplit
from duologue.datasets.readers.kit_voices import Voice, read_voices
from duologue.datasets.synthesis.body.library import Library, load_library
from duologue.datasets.synthesis.body.manner import CLOSENESS, distance, manner
from duologue.datasets.synthesis.body.performer import POSTURES, Composer, Part, stressed_frames
from duologue.datasets.synthesis.body.staging import compose_pair, free_hands, world
from duologue.datasets.synthesis.speech.turns import RATE, Speaking, Turn, speak, take_turns
from duologue.features import pose as poses
from duologue.labels import EMOTIONS, RELATIONSHIPS, roles
from duologue.motion.skeleton import Skeleton
from duologue.speech.activity import FLOOR_DB, level, voice_activity
from duologue.speech.features import loudness_gain
from duologue.speech.mel import log_mel
from duologue.speech.prominence import prominence_frames
from duologue.speech.resample import resample
from duologue.speech.text import TextEncoder
from duologue.units import FPS, SPEECH_RATE

GENDERS: Final = ("m", "f")
"""Style 0 is the men's clips, style 1 the women's."""


@dataclass(frozen=True)
class Recipe:
    """How much to compose. ``seconds``: of each pair, drawn between the two (training walks: 8 to 12)."""

    pairs: int = 360
    seconds: tuple[float, float] = (18.0, 30.0)
    seed: int = 0
    held_out: bool = False
    """Of the clips and voices that ``body_split.toml`` keeps from training, or of all others."""


def compose_corpus(
    kit: Path, folder: Path, recipe: Recipe, skeleton: Skeleton, progress: Callable[[int, int], None]
) -> None:
    """Read the kit, compose ``recipe.pairs`` pairs and write them into ``folder`` as a corpus; ``progress(done, total)``."""
    library = load_library(kit, folder, skeleton, held_out=recipe.held_out)
    split = BodySplit.read()
    voices = [voice for voice in read_voices(kit) if split.holds_voice(voice.name) == recipe.held_out]
    composer = PairComposer(library, voices, TextEncoder.load(), skeleton, recipe)

    def pairs() -> Iterator[Pair]:
        for index in range(recipe.pairs):
            yield composer.compose(np.random.default_rng([recipe.seed, int(recipe.held_out), index]))
            progress(index + 1, recipe.pairs)

    description = {
        "recipe": "composed from the kit",
        "pairs": recipe.pairs,
        "seed": recipe.seed,
        "held out": recipe.held_out,
        "clips and seconds": {
            kind: [len(clips), round(sum(len(clip.motion) for clip in clips) / FPS)]
            for kind, clips in sorted(library.items())
        },
        "voices": len(voices),
    }
    Corpus.write(folder, pairs(), description)


@dataclass(frozen=True)
class _Scene:
    """Who the two are to each other and what they do, over T frames."""

    relationship: str
    roles: tuple[str, str]
    postures: list[str]
    frames: int

    @property
    def walking(self) -> bool:
        """Whether they walk side by side all the time."""
        return self.postures == ["walk", "walk"]


@dataclass(frozen=True)
class _Talk:
    """What is said: two voices in turns, and what the networks see of it."""

    voices: list[Voice]
    tracks: list[Speaking]
    floor: NDArray[np.bool_]
    """(2, T): whose turn it is."""
    levels: list[NDArray[np.float32]]
    """(T,) each: the tracks' level in decibels."""
    active: list[NDArray[np.bool_]]
    """(T,) each: where there is a voice."""
    mels: NDArray[np.float32]
    """(T, 2, bands)"""
    prominence: list[NDArray[np.float32]]
    """(T,) each: how far the speaker leans on the word that is said."""


@dataclass(frozen=True)
class PairComposer:
    """Composes pairs of a library of motion and of voices: speech by turns, then what each does, then who looks where."""

    library: Library
    voices: list[Voice]
    encoder: TextEncoder
    skeleton: Skeleton
    recipe: Recipe

    def compose(self, rng: np.random.Generator) -> Pair:
        """Return one pair; ``rng`` drives every choice."""
        scene = self._scene(rng)
        talk = _talk(self.voices, scene.frames, rng)
        emotions = [voice.emotion or EMOTIONS[int(rng.integers(len(EMOTIONS)))] for voice in talk.voices]
        genders = [GENDERS[int(rng.integers(2))] for _ in range(2)]
        parts = _parts(scene, talk, emotions, genders, rng)
        motions, paths = compose_pair(
            Composer(self.library, self.skeleton, rng),
            parts,
            distance(scene.relationship),
            CLOSENESS[scene.relationship],
        )
        root, rotations = free_hands(self.skeleton, *world(motions, paths))
        features, paths = zip(*(poses.from_world(root[i], rotations[i]) for i in range(2)), strict=True)
        moods = np.array([[EMOTIONS.index(emotion) for emotion in emotions]], np.uint8)
        words = [self.encoder.frames(track.words, scene.frames).astype(np.float16) for track in talk.tracks]
        return Pair(
            features=np.stack(features, axis=1).astype(np.float32),
            path=np.stack(paths, axis=1),
            mel=talk.mels,
            activity=np.stack(talk.active, axis=1).astype(np.float32),
            text=np.stack(words, axis=1),
            prominence=np.stack(talk.prominence, axis=1).astype(np.float16),
            action=np.stack([label_actions(self.skeleton, root[i], rotations[i]) for i in range(2)], axis=1),
            emotion=np.repeat(moods, scene.frames, axis=0),
            roles=scene.roles,
            styles=(GENDERS.index(genders[0]), GENDERS.index(genders[1])),
        )

    def _scene(self, rng: np.random.Generator) -> _Scene:
        relationship = RELATIONSHIPS[int(rng.integers(len(RELATIONSHIPS)))]
        first, second = roles(relationship) if rng.random() < 0.5 else roles(relationship)[::-1]
        postures = _postures(rng)
        short = postures == ["walk", "walk"] and not self.recipe.held_out
        seconds = float(rng.uniform(8.0, 12.0) if short else rng.uniform(*self.recipe.seconds))
        return _Scene(relationship, (first, second), postures, int(seconds * FPS))


def _talk(voices: list[Voice], frames: int, rng: np.random.Generator) -> _Talk:
    turns = _turns(frames, rng)
    chosen = [voices[int(k)] for k in rng.choice(len(voices), size=2, replace=False)]
    tracks = [speak(voice, turns, speaker, frames / FPS, rng) for speaker, voice in enumerate(chosen)]
    levels = [level(track.samples, RATE, frames) for track in tracks]
    # Beyond the recordings there is digital silence, which is no speech however little somebody says.
    active = [voice_activity(decibels) & (decibels > FLOOR_DB + 5) for decibels in levels]
    gains = [loudness_gain(decibels, spoken) for decibels, spoken in zip(levels, active, strict=True)]
    mels = [log_mel(track.samples * gain, RATE)[:frames] for track, gain in zip(tracks, gains, strict=True)]
    leant_on = [
        prominence_frames(resample(track.samples * gain, RATE, SPEECH_RATE), track.words, frames)
        for track, gain in zip(tracks, gains, strict=True)
    ]
    return _Talk(chosen, tracks, _floor(turns, frames), levels, active, np.stack(mels, axis=1), leant_on)


def _parts(
    scene: _Scene, talk: _Talk, emotions: Sequence[str], genders: Sequence[str], rng: np.random.Generator
) -> list[Part]:
    """Return what each does, from what is said and how the two are."""
    manners = [manner(emotion, role) for emotion, role in zip(emotions, scene.roles, strict=True)]
    # Two who walk together keep one pace, theirs on average.
    pace = float(rng.uniform(1.05, 1.3) * np.mean([m.tempo for m in manners]))
    return [
        Part(
            speaking=talk.floor[i],
            stress=stressed_frames(talk.levels[i], talk.floor[i]),
            prominence=talk.prominence[i],
            partner_speaking=talk.floor[1 - i],
            posture=scene.postures[i],
            emotion=emotions[i],
            gender=genders[i],
            manner=manners[i],
            pace=pace if scene.walking else 0.0,
        )
        for i in range(2)
    ]


def _turns(frames: int, rng: np.random.Generator) -> list[Turn]:
    """Draw turns of which each has an eighth of the time at least."""
    while True:
        turns = take_turns(frames / FPS, rng)
        if _floor(turns, frames).mean(axis=1).min() > 0.125:
            return turns


def _floor(turns: list[Turn], frames: int) -> NDArray[np.bool_]:
    """Who has the floor, (2, frames)."""
    times = np.arange(frames) / FPS
    return np.stack(
        [
            np.any([(t.start <= times) & (times < t.stop) for t in turns if t.speaker == i] or [times < 0], axis=0)
            for i in (0, 1)
        ]
    )


def _postures(rng: np.random.Generator) -> list[str]:
    """Draw what the two do: both walk or neither, and whose partner sits mostly sits too."""
    first, second = (str(rng.choice(list(POSTURES), p=list(POSTURES.values()))) for _ in range(2))
    if "walk" in (first, second):
        return ["walk", "walk"]
    return [first, "sit" if first == "sit" and rng.random() < 0.6 else second]
