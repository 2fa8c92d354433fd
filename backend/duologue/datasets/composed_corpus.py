"""The starter's training corpus, composed from the kit. Every pair has random numbers of its own, so any can be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.body.corpus import Corpus, Pair
from duologue.datasets.action_labels import label_actions
from duologue.datasets.composed import (
    LIVELY,
    POSTURES,
    SUBDUED,
    Composer,
    Part,
    compose_pair,
    place,
    stressed_frames,
    world,
)
from duologue.datasets.dialogue import RATE, Speaking, Turn, Voice, read_voices, speak, take_turns
from duologue.datasets.kit_motions import Library, load_kit
from duologue.labels import EMOTIONS, RELATIONSHIPS, roles
from duologue.motion.skeleton import Skeleton
from duologue.speech.activity import level, voice_activity
from duologue.speech.features import loudness_gain
from duologue.speech.mel import log_mel
from duologue.speech.text import TextEncoder
from duologue.take import FPS

GENDERS: Final = ("m", "f")
"""Style 0 is the men's clips, style 1 the women's."""


@dataclass(frozen=True)
class Recipe:
    """How much to compose. ``seconds``: of each pair, drawn between the two."""

    pairs: int = 300
    seconds: tuple[float, float] = (18.0, 34.0)
    seed: int = 0


def compose_corpus(
    kit: Path, folder: Path, recipe: Recipe, skeleton: Skeleton, progress: Callable[[int, int], None]
) -> None:
    """Read the kit, compose ``recipe.pairs`` pairs and write them into ``folder`` as a corpus; ``progress(done, total)``."""
    library = load_kit(kit, folder, skeleton)
    voices = read_voices(kit)
    encoder = TextEncoder.load()

    def pairs() -> Iterator[Pair]:
        for index in range(recipe.pairs):
            rng = np.random.default_rng([recipe.seed, index])
            yield compose_one(library, voices, encoder, skeleton, recipe, rng)
            progress(index + 1, recipe.pairs)

    clips = {
        kind: [len(found), round(sum(len(c.motion) for c in found) / FPS)] for kind, found in sorted(library.items())
    }
    description = {"recipe": "composed from the kit", "pairs": recipe.pairs, "seed": recipe.seed, "clips and seconds": clips,
                   "voices": len(voices)}  # fmt: skip
    Corpus.write(folder, pairs(), description)


def compose_one(  # noqa: PLR0917
    library: Library,
    voices: list[Voice],
    encoder: TextEncoder,
    skeleton: Skeleton,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Pair:
    """Compose one pair: speech by turns, then what each does, then who looks where."""
    postures = [str(rng.choice(list(POSTURES), p=list(POSTURES.values()))) for _ in range(2)]
    walking = "walk" in postures
    if walking:
        postures = ["walk", "walk"]
    elif postures[0] == "sit" and rng.random() < 0.6:
        postures[1] = "sit"
    seconds = float(rng.uniform(6.0, 9.0) if walking else rng.uniform(*recipe.seconds))
    frames = int(seconds * FPS)
    turns = take_turns(frames / FPS, rng)
    chosen = [voices[int(k)] for k in rng.choice(len(voices), size=2, replace=False)]
    tracks = [speak(voice, turns, speaker, frames / FPS, rng) for speaker, voice in enumerate(chosen)]
    levels = [level(track.samples, RATE, frames) for track in tracks]
    active = [voice_activity(found) for found in levels]
    gains = [loudness_gain(found, spoken) for found, spoken in zip(levels, active, strict=True)]
    mels = np.stack(
        [log_mel(track.samples * gain, RATE)[:frames] for track, gain in zip(tracks, gains, strict=True)], axis=1
    )
    floor = _floor(turns, frames)
    emotions = [voice.emotion or _any_emotion(rng) for voice in chosen]
    genders = [GENDERS[int(rng.integers(2))] for _ in range(2)]
    parts = [
        Part(floor[i], stressed_frames(levels[i], floor[i]), floor[1 - i], postures[i], emotions[i], genders[i])
        for i in range(2)
    ]
    motions, paths = compose_pair(Composer(library, skeleton, rng), parts, place(rng, walking))
    root, rotations = world(motions, paths)
    relationship = RELATIONSHIPS[int(rng.integers(len(RELATIONSHIPS)))]
    halves = roles(relationship)
    return Pair(
        features=np.stack([motion.features() for motion in motions], axis=1),
        path=paths.swapaxes(0, 1),
        mel=mels,
        activity=np.stack(active, axis=1).astype(np.float32),
        text=np.stack([_text(encoder, track, frames) for track in tracks], axis=1),
        action=np.stack([label_actions(skeleton, root[i], rotations[i]) for i in range(2)], axis=1),
        emotion=np.repeat(np.array([[EMOTIONS.index(emotion) for emotion in emotions]], np.uint8), frames, axis=0),
        roles=halves if rng.random() < 0.5 else (halves[1], halves[0]),
        styles=(GENDERS.index(genders[0]), GENDERS.index(genders[1])),
    )


def _text(encoder: TextEncoder, track: Speaking, frames: int) -> NDArray[np.float16]:
    return encoder.frames(track.words, frames).astype(np.float16)


def _floor(turns: list[Turn], frames: int) -> NDArray[np.bool_]:
    """Who has the floor, (2, frames)."""
    times = np.arange(frames) / FPS
    return np.stack(
        [
            np.any([(t.start <= times) & (times < t.stop) for t in turns if t.speaker == i] or [times < 0], axis=0)
            for i in (0, 1)
        ]
    )


def _any_emotion(rng: np.random.Generator) -> str:
    """Draw an emotion for a voice that was not acted: a third lively, a third subdued, a third any."""
    groups = (sorted(LIVELY), sorted(SUBDUED), EMOTIONS)
    group = groups[int(rng.integers(3))]
    return str(group[int(rng.integers(len(group)))])
