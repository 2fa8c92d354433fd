"""The starter's training corpus, composed from the kit. Every pair has random numbers of its own, so any can be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from duologue.speech.text import TextEncoder
from duologue.units import FPS

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
    encoder = TextEncoder.load()

    def pairs() -> Iterator[Pair]:
        for index in range(recipe.pairs):
            rng = np.random.default_rng([recipe.seed, int(recipe.held_out), index])
            yield compose_one(library, voices, encoder, skeleton, recipe, rng)
            progress(index + 1, recipe.pairs)

    clips = {
        kind: [len(found), round(sum(len(c.motion) for c in found) / FPS)] for kind, found in sorted(library.items())
    }
    description = {
        "recipe": "composed from the kit",
        "pairs": recipe.pairs,
        "seed": recipe.seed,
        "held out": recipe.held_out,
        "clips and seconds": clips,
        "voices": len(voices),
    }
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
    relationship = RELATIONSHIPS[int(rng.integers(len(RELATIONSHIPS)))]
    halves = roles(relationship) if rng.random() < 0.5 else roles(relationship)[::-1]
    postures = _postures(rng)
    walking = postures == ["walk", "walk"]
    seconds = float(rng.uniform(8.0, 12.0) if walking and not recipe.held_out else rng.uniform(*recipe.seconds))
    frames = int(seconds * FPS)
    turns = _turns(frames, rng)
    chosen = [voices[int(k)] for k in rng.choice(len(voices), size=2, replace=False)]
    tracks = [speak(voice, turns, speaker, frames / FPS, rng) for speaker, voice in enumerate(chosen)]
    levels = [level(track.samples, RATE, frames) for track in tracks]
    # Beyond the recordings there is digital silence, which is no speech however little somebody says.
    active = [voice_activity(found) & (found > FLOOR_DB + 5) for found in levels]
    gains = [loudness_gain(found, spoken) for found, spoken in zip(levels, active, strict=True)]
    mels = np.stack(
        [log_mel(track.samples * gain, RATE)[:frames] for track, gain in zip(tracks, gains, strict=True)], axis=1
    )
    floor = _floor(turns, frames)
    emotions = [voice.emotion or EMOTIONS[int(rng.integers(len(EMOTIONS)))] for voice in chosen]
    genders = [GENDERS[int(rng.integers(2))] for _ in range(2)]
    manners = [manner(emotions[i], halves[i]) for i in range(2)]
    # Two who walk together keep one pace, theirs on average.
    pace = float(rng.uniform(1.05, 1.3) * np.mean([m.tempo for m in manners]))
    parts = [
        Part(
            floor[i], stressed_frames(levels[i], floor[i]), floor[1 - i], postures[i], emotions[i], genders[i], manners[i],
            pace if walking else 0.0,
        )
        for i in range(2)
    ]  # fmt: skip
    motions, paths = compose_pair(
        Composer(library, skeleton, rng), parts, distance(relationship), CLOSENESS[relationship]
    )
    root, rotations = free_hands(skeleton, *world(motions, paths))
    features, paths = zip(*(poses.from_world(root[i], rotations[i]) for i in range(2)), strict=True)
    return Pair(
        features=np.stack(features, axis=1).astype(np.float32),
        path=np.stack(paths, axis=1),
        mel=mels,
        activity=np.stack(active, axis=1).astype(np.float32),
        text=np.stack([_text(encoder, track, frames) for track in tracks], axis=1),
        action=np.stack([label_actions(skeleton, root[i], rotations[i]) for i in range(2)], axis=1),
        emotion=np.repeat(np.array([[EMOTIONS.index(emotion) for emotion in emotions]], np.uint8), frames, axis=0),
        roles=(halves[0], halves[1]),
        styles=(GENDERS.index(genders[0]), GENDERS.index(genders[1])),
    )


def _text(encoder: TextEncoder, track: Speaking, frames: int) -> NDArray[np.float16]:
    return encoder.frames(track.words, frames).astype(np.float16)


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
