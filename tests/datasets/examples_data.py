"""What the tests of data share: files in the real layouts, made here, and pairs of a corpus."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from duologue.arkit import INDEX, NAMES
from duologue.brief.words import Word
from duologue.datasets.corpus.body import Pair
from duologue.datasets.scene import DataSet, Reading
from duologue.datasets.synthesis.layouts.material import Material, Voice
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.skeleton import Skeleton
from duologue.speech.activity import level
from duologue.speech.resample import resample

SKELETON = Skeleton.builtin("duologue60")
DEMO = Path(__file__).parents[2] / "backend" / "duologue" / "demo"

TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 3
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.0
            text = ""
        intervals [2]:
            xmin = 1.0
            xmax = 3
            text = "hello"
"""


def some_pair(frames: int, seed: int = 0) -> Pair:
    rng = np.random.default_rng(seed)
    return Pair(
        features=rng.normal(size=(frames, 2, 184)).astype(np.float32),
        path=rng.normal(size=(frames, 2, 3)),
        mel=rng.normal(size=(frames, 2, 27)).astype(np.float32),
        activity=np.ones((frames, 2), np.float32),
        text=rng.normal(size=(frames, 2, 384)).astype(np.float16),
        prominence=rng.random((frames, 2)).astype(np.float16),
        action=np.zeros((frames, 2), np.uint8),
        emotion=np.full((frames, 2), 3, np.uint8),
        roles=("boss", "subordinate"),
        styles=(0, 1),
    )


def scene_of(data: DataSet, number: int = 0, reading: Reading | None = None) -> Any:
    """A scene of a data set, which is whole."""
    scene = data.read(data.entries[number], Reading() if reading is None else reading)
    assert scene is not None
    return scene


def some_material() -> Material:
    """Arms that wave, and Ben of the demo, whose jaw opens as he gets louder."""
    _, rotations = standing(200)
    rotations[:, SKELETON.index("LeftArm"), 2] -= 1.2
    rotations[:, SKELETON.index("RightArm"), 2] = 1.2
    samples, rate = soundfile.read(DEMO / "ben.flac", dtype="float32")
    samples = resample(np.asarray(samples[: 2 * rate], np.float32), rate, 16_000)
    face = np.zeros((60, len(NAMES)), np.float32)
    face[:, INDEX["jawOpen"]] = (level(samples, 16_000, 60) + 80) / 160
    return Material(
        [(np.tile(SKELETON.offsets[0], (200, 1)), rotations)], [Voice(samples, (Word(0.4, 0.9, "yes"),), face)]
    )


def lively_material() -> Material:
    """People who shift their weight and swing their arms, and a voice from where Ben of the demo speaks: enough to train on."""
    root, rotations = standing(240)
    swing = np.sin(np.arange(240) / 11)
    for joint, axis, turn in (
        ("LeftUpLeg", 0, 0.3),
        ("LeftLeg", 0, 0.4),
        ("RightUpLeg", 0, -0.3),
        ("LeftForeArm", 1, 0.6),
    ):
        rotations[:, SKELETON.index(joint), axis] += turn * swing
    rotations[:, 0, 1] = 0.2 * np.cos(np.arange(240) / 17)
    root[:, 0] += 0.05 * swing
    samples, rate = soundfile.read(DEMO / "ben.flac", dtype="float32")
    begin = max(int(np.argmax(np.abs(samples) > 0.3 * np.abs(samples).max())) - rate // 10, 0)
    samples = resample(np.asarray(samples[begin : begin + 2 * rate], np.float32), rate, 16_000)
    face = np.zeros((60, len(NAMES)), np.float32)
    face[:, INDEX["jawOpen"]] = (level(samples, 16_000, 60) + 80) / 160
    return Material([(root, rotations)], [Voice(samples, (Word(0.1, 0.9, "yes"),), face)])


def standing(frames=60, x=0.0, heading=0.0):
    rotations = np.zeros((frames, 60, 3))
    rotations[:, SKELETON.index("LeftArm"), 2] = 0.5 * np.sin(np.arange(frames) / 9)
    rotations[:, 0, 1] = heading
    return np.tile([x, SKELETON.offsets[0, 1], 0.0], (frames, 1)), rotations


def save(path, root, rotations, fps=30.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bvh(path, BvhClip(SKELETON, rotations, root, fps), scale=0.01)


def interact(root: Path) -> Path:
    """The tables and names of the published data, after its README on Hugging Face (``leohocs/interact``)."""
    for actor, x, heading in (("002", 0.6, -np.pi / 2), ("001", -0.6, np.pi / 2)):
        save(root / "bvhs" / f"20231119_{actor}_051.bvh", *standing(90, x, heading))
        (root / "wav").mkdir(exist_ok=True)
        noise = 0.1 * np.random.default_rng(int(actor)).normal(size=3 * 48000) * (np.arange(3 * 48000) > 48000)
        soundfile.write(root / "wav" / f"20231119_{actor}_051.wav", noise, 48000)
    with sqlite3.connect(root / "scenarios.db") as db:
        db.executescript(
            "CREATE TABLE scenarios(id INTEGER, relationship_id INTEGER, primary_emotion_id INTEGER, "
            "character_setup TEXT, scenario TEXT);"
            "CREATE TABLE relationships(id INTEGER, name TEXT); CREATE TABLE emotions(id INTEGER, name TEXT);"
            "INSERT INTO relationships VALUES (3, 'boss / subordinate'); INSERT INTO emotions VALUES (7, 'happiness');"
            "INSERT INTO scenarios VALUES (51, 3, 7, 'He is her boss.', 'A raise.');"
        )
    with sqlite3.connect(root / "actors.db") as db:
        db.executescript(
            "CREATE TABLE actors(actor_id TEXT, gender TEXT); INSERT INTO actors VALUES ('001', 'male'), ('002', 'female');"
            "CREATE TABLE sessions(date TEXT, male_id TEXT, female_id TEXT);"
            "INSERT INTO sessions VALUES ('20231119', '001', '002');"
        )
    return root
