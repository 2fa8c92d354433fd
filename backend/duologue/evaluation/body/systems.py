"""Who is compared: body checkpoints, training clips copied at random, and the truth; each clip's samples kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.body.conditions import BodyConditions
from duologue.body.pipeline import BodyPipeline
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.features.statistics import PoseStatistics
from duologue.files.atomic import replacing
from duologue.labels import ROLES
from duologue.motion.cleanup import Cleaner, CleanupOptions
from duologue.motion.foot_lock import AT_REST
from duologue.motion.rotations import unroll_exp
from duologue.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Singles = NDArray[np.float32]

FRAMES: Final = 300
"""Of a test: 10 s, InterAct's."""


@dataclass(frozen=True, eq=False)
class PairMotion:
    """Both performers in the world: hips (2, T, 3) in metres and exponential maps (2, T, J, 3), unrolled along the clip."""

    root: Singles
    rotations: Singles

    def features(self) -> Singles:
        """Return (T, 2, C), the columns of ``features.pose.columns``."""
        columns = [poses.from_world(root, turns)[0] for root, turns in zip(self.root, self.rotations, strict=True)]
        return np.stack(columns, axis=1).astype(np.float32)

    def standardised(self, statistics: PoseStatistics) -> NDArray[np.float32]:
        """Return (T, both performers' varying channels), z-scored with the training set's mean and deviation."""
        rows = statistics.standardise_overall(self.features(), np.flatnonzero(statistics.posed))
        return rows.reshape(len(rows), -1)


@dataclass(frozen=True, eq=False)
class Clip:
    """A test: what is asked for, and what really was."""

    conditions: BodyConditions
    truth: PairMotion

    @property
    def digest(self) -> str:
        """The conditions' own name in a cache."""
        c = self.conditions
        whole = hashlib.sha256(f"{c.roles} {c.style}".encode())
        for array in (c.mel, c.text, c.prominence, c.activity, c.actions, c.emotion, c.starts):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()[:24]


Sampler = Callable[[Clip, int], PairMotion]
"""``sampler(clip, seed)``."""


def clip_at(corpus: Corpus, pair: int, first: int, frames: int) -> Clip:
    """Return ``frames`` frames of a corpus from its ``first`` on, of pair ``pair``."""

    def read(name: str) -> NDArray[np.generic]:
        return np.array(corpus.arrays[name][first : first + frames]).swapaxes(0, 1)

    path = read("path").astype(np.float64)
    root, turns = poses.to_world(read("features").astype(np.float64), path)
    a, b = corpus.roles[pair]
    conditions = BodyConditions(
        mel=read("mel").astype(np.float32),
        text=read("text").astype(np.float32),
        prominence=read("prominence").astype(np.float32),
        activity=read("activity").astype(np.float32),
        actions=read("action").astype(np.int64),
        emotion=read("emotion").astype(np.int64),
        roles=(ROLES[a], ROLES[b]),
        style=(int(corpus.styles[pair, 0]), int(corpus.styles[pair, 1])),
        starts=path[:, 0].astype(np.float32),
    )
    return Clip(conditions, PairMotion(root.astype(np.float32), turns.astype(np.float32)))


def held_out_clips(corpus: Corpus, count: int | None = None, frames: int = FRAMES) -> tuple[list[Clip], int]:
    """Return the first ``frames`` frames of the first ``count`` pairs that have as many, and how many pairs were too short.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-short`` when none is long enough.
    """
    lengths = np.diff(corpus.starts)
    long = np.flatnonzero(lengths >= frames)
    if not len(long):
        raise DuologueError(
            "FAILED_PRECONDITION",
            "corpus-short",
            f"none of the corpus's {len(lengths)} pairs has the {frames} frames of a test; give longer clips or fewer frames.",
            field="--corpus",
        )
    short = int((lengths < frames).sum())
    return [clip_at(corpus, int(pair), int(corpus.starts[pair]), frames) for pair in long[:count]], short


def perform(pipeline: BodyPipeline, conditions: BodyConditions, seed: int, steps: int) -> PairMotion:
    """Return the whole clip as sampled, the windows joined."""
    windows = list(pipeline.stream(conditions, seed, steps))
    root = np.concatenate([window.root_translation for window in windows], axis=1)
    turns = np.concatenate([window.rotations for window in windows], axis=1)
    return PairMotion(root, unroll_exp(turns.swapaxes(0, 1)).swapaxes(0, 1).astype(np.float32))


def clean(skeleton: Skeleton, motion: PairMotion) -> PairMotion:
    """Return the motion after the clean-up that every take goes through."""
    cleaner = Cleaner(skeleton, options=CleanupOptions(feet=AT_REST))
    parts = [cleaner.push(motion.root, motion.rotations), cleaner.flush()]
    return PairMotion(*(np.concatenate([part[k] for part in parts], axis=1) for k in (0, 1)))


def copied(corpus: Corpus, frames: int) -> Sampler:
    """Return the sampler that answers every test with a random stretch of training data: perfect poses, deaf to what is asked."""

    def sampler(clip: Clip, seed: int) -> PairMotion:
        rng = np.random.default_rng([seed, int(clip.digest, 16)])
        ((pair, first),) = corpus.windows(frames, 1, rng)
        return clip_at(corpus, pair, first, frames).truth

    return sampler


@dataclass(frozen=True, eq=False)
class System:
    """A system by name. ``key`` names its samples in a cache; None is never cached."""

    name: str
    sampler: Sampler
    key: str | None = None
    pipeline: BodyPipeline | None = None
    checkpoint: Checkpoint | None = None


def of_checkpoint(name: str, checkpoint: str | Path, steps: int) -> System:
    """Return a body checkpoint under its own guidance.

    Raises:
        DuologueError: what ``BodyPipeline.load`` raises.
    """
    stored = open_checkpoint(checkpoint)
    pipeline = BodyPipeline.load(stored)
    settings = sorted({**pipeline.model.strengths, **pipeline.model.gains}.items())
    strengths = "".join(f"-{n}{v:g}" for n, v in settings)
    return System(
        name,
        lambda clip, seed: perform(pipeline, clip.conditions, seed, steps),
        f"{stored.sha256[:16]}-{steps}{strengths}",
        pipeline,
        stored,
    )


def samples(system: System, clip: Clip, count: int, cache: Path | None) -> Iterator[PairMotion]:
    """Yield ``count`` samples of a clip, seeds 0, 1, …; read from ``cache`` where they are there, else written there."""
    folder = cache / system.key if cache is not None and system.key is not None else None
    for seed in range(count):
        file = folder / f"{clip.digest}-{seed}.npz" if folder is not None else None
        if file is not None and file.is_file():
            with np.load(file) as arrays:
                yield PairMotion(arrays["root"], arrays["rotations"])
            continue
        motion = system.sampler(clip, seed)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as temporary:
                np.savez(temporary, root=motion.root, rotations=motion.rotations)
        yield motion
