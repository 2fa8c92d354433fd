"""What the body's tests share: a tiny model whose weights were never trained, and conditions to perform."""

import numpy as np
import torch
from duologue.body.checkpoint import BodyModel
from duologue.body.conditions import BodyConditions
from duologue.body.config import CONDITIONS, BodyConfig
from duologue.body.pipeline import BodyPipeline
from duologue.datasets.corpus.body import Corpus, Pair
from duologue.features.pose import channels, from_world
from duologue.features.statistics import PoseStatistics, Scaler
from duologue.motion.skeleton import Skeleton

SKELETON = Skeleton.builtin("duologue60")
STARTS = np.array([[-0.6, 0.0, np.pi / 2], [0.6, 0.0, -np.pi / 2]], np.float32)


def tiny_model(seed=0, scale=0.3) -> BodyModel:
    """The ``tiny`` networks. Zero-initialised layers get noise too, so that every input can be seen in the output."""
    rng = np.random.default_rng(seed)
    names = channels(SKELETON)
    spread = np.where(np.char.startswith(names, "root.d"), 0.003, 0.1)
    statistics = PoseStatistics.measure(names, [rng.normal(0, spread, (500, len(names)))])
    torch.manual_seed(seed)
    model = BodyModel(BodyConfig.named("tiny"), statistics, Scaler(np.zeros(27, np.float32), np.ones(27, np.float32)))
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, scale)
    return model.eval()


def tiny_pipeline(seed=0) -> BodyPipeline:
    return BodyPipeline(tiny_model(seed), SKELETON)


def some_conditions(frames, seed=0, **changes) -> BodyConditions:
    rng = np.random.default_rng(seed)
    values = {
        "mel": rng.normal(size=(2, frames, 27)).astype(np.float32),
        "text": rng.normal(size=(2, frames, 384)).astype(np.float32),
        "activity": np.ones((2, frames), np.float32),
        "actions": np.zeros((2, frames), np.uint8),
        "emotion": np.zeros((2, frames), np.uint8),
        "roles": ("boss", "subordinate"),
        "style": (0, 1),
        "starts": STARTS,
    }
    return BodyConditions(**(values | changes))


def keep_all():
    """No condition is dropped."""
    return {name: torch.ones(1, 1) for name in CONDITIONS}


def perform(pipeline, conditions, seed=0, **options):
    """All windows in a row: hips (2, T, 3) and rotations (2, T, J, 3)."""
    windows = list(pipeline.stream(conditions, seed, **{"steps": 2, **options}))
    return (
        np.concatenate([w.root_translation for w in windows], axis=1),
        np.concatenate([w.rotations for w in windows], axis=1),
    )


def write_corpus(folder, pairs=3, frames=40, seed=0):
    """A corpus of people who sway: long enough for the tiny window, small enough for a test."""
    rng = np.random.default_rng(seed)

    phase = rng.uniform(0, 6, (1, 60, 3))

    def pair() -> Pair:
        time = np.arange(frames)[:, None, None] / 30 + rng.uniform(0, 6)
        coded = []
        for start in STARTS:
            rotations = 0.1 * np.sin(5 * time + phase)
            rotations[:, 0, 1] += start[2]
            root = np.tile([start[0], SKELETON.offsets[0, 1], start[1]], (frames, 1)) + 0.01 * np.sin(time[:, 0])
            coded.append(from_world(root, rotations))
        return Pair(
            features=np.stack([features for features, _ in coded], 1).astype(np.float32),
            path=np.stack([path for _, path in coded], 1),
            mel=rng.normal(size=(frames, 2, 27)).astype(np.float32),
            activity=np.ones((frames, 2), np.float32),
            text=np.zeros((frames, 2, 384), np.float16),
            prominence=np.zeros((frames, 2), np.float16),
            action=np.zeros((frames, 2), np.uint8),
            emotion=np.zeros((frames, 2), np.uint8),
            roles=("boss", "subordinate"),
            styles=(0, 1),
        )

    Corpus.write(folder, (pair() for _ in range(pairs)), {"recipe": "test"})
    return folder
