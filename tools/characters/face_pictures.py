# SPDX-License-Identifier: GPL-3.0-or-later
"""The face model's work, to be looked at: `python -m tools.characters.face_pictures [emotions|plosives|video] [--kit KIT]`.

Needs the `blender` extra (bpy) and pillow. `emotions`: one sheet, each of the 26 in mid-speech and listening. `plosives`: ten p,
b and m of held-out recorded voices (the kit's; only pictures are kept), the frame where the lips are nearest beside the vowel
that follows. `video`: every emotion for 1.2 s, with the demo's own synthetic voice.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from duologue.arkit import INDEX, NAMES
from duologue.brief import Brief, Speech
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.readers.kit_speech import recorded
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import FacePipeline
from duologue.facial.lips import lip_gap
from duologue.files.folders import demo_brief
from duologue.labels import EMOTIONS
from duologue.speech.decode import load_speech
from duologue.speech.phones import BILABIALS, VOWELS
from duologue.speech.resample import resample
from duologue.units import FPS, SPEECH_RATE
from numpy.typing import NDArray
from PIL import Image

from tools.characters.pictures import PICTURES, SampleStudio
from tools.characters.studio import View, sheet

Weights = NDArray[np.float32]


def perform(samples: NDArray[np.float32], emotions: NDArray[np.int64], pipeline: FacePipeline) -> Weights:
    """Return weights (2, T, 52) of someone who says ``samples`` (N,) and of a listener; both feel ``emotions`` (T,)."""
    conditions = FaceConditions(
        np.stack([samples, np.zeros_like(samples)]),
        len(emotions),
        np.zeros(2, np.int64),
        np.stack([emotions, emotions]),
        lambda start, stop: np.ones((2, stop - start), bool),
    )
    return np.concatenate([window.weights for window in pipeline.stream(conditions, seed=1)], axis=1)


def demo_voice() -> NDArray[np.float32]:
    """Return performer A's speech in the demo at 16 kHz, without its pauses of more than a second."""
    brief = Brief.load(demo_brief())
    audio = load_speech(Speech(path=brief.a.speech.path))
    samples = resample(audio.samples, audio.rate, SPEECH_RATE)
    loud = np.abs(samples) > 0.01
    near = np.convolve(loud, np.ones(SPEECH_RATE // 2), "same") > 0
    return samples[near]


def head(
    studio: SampleStudio, name: str, weights: Weights, label: str, size: tuple[int, int] = (260, 300)
) -> Image.Image:
    """Return a picture of a head; ``weights`` (52,)."""
    studio.show(name)
    studio.face(name, dict(zip(NAMES, weights.tolist(), strict=True)))
    return studio.shot(View((0, studio.heights[name] - 0.15, 0.02), 0.74, 14, 1, 90), size, label)


def mouth(studio: SampleStudio, name: str, weights: Weights, label: str) -> Image.Image:
    """Return a close-up of a mouth."""
    studio.show(name)
    studio.face(name, dict(zip(NAMES, weights.tolist(), strict=True)))
    return studio.shot(View((0, studio.heights[name] - 0.2, 0.05), 0.55, 25, 0, 100), (300, 220), label)


def emotions(studio: SampleStudio, pipeline: FacePipeline) -> None:
    """Write face_emotions.png: two rows a line, speaking (Ada) and listening (Ben), the 26 emotions side by side."""
    voice = demo_voice()[: 5 * SPEECH_RATE]
    tiles: list[Image.Image] = []
    for index, label in enumerate(EMOTIONS):
        frames = len(voice) * FPS // SPEECH_RATE
        weights = perform(voice, np.full(frames, index), pipeline)
        # A jaw half open shows speech without hiding the mood; blinks would hide the eyes.
        awake = weights[..., INDEX["eyeBlinkLeft"]] < 0.3
        speaking = int(np.argmin(np.where(awake[0], np.abs(weights[0, :, INDEX["jawOpen"]] - 0.18), 1)))
        listening = int(np.argmax(awake[1, frames // 2 :])) + frames // 2
        tiles.append(head(studio, "ada", weights[0, speaking], label))
        tiles.append(head(studio, "ben", weights[1, listening], "listens"))
    sheet(tiles, 8, PICTURES / "face_emotions.png")


def plosives(studio: SampleStudio, pipeline: FacePipeline, kit: Path) -> None:
    """Write face_plosives.png: ten p, b, m of voices that training never heard, and the vowel after each."""
    rng = np.random.default_rng(3)
    clips = [clip for clip in recorded(kit, kit_cache(), ["speech_matthes"]) if FaceSplit.read().holds(clip.name)]
    tiles: list[Image.Image] = []
    pairs = [
        (clip, first, second)
        for clip in clips
        for first, second in zip(clip.phones, clip.phones[1:], strict=False)
        if first.name in BILABIALS and second.name in VOWELS
    ]
    for number, index in enumerate(rng.choice(len(pairs), 10, replace=False)):
        clip, consonant, vowel = pairs[index]
        frames = len(clip.samples) * FPS // SPEECH_RATE
        weights = perform(clip.samples, np.full(frames, EMOTIONS.index("calmness")), pipeline)[0]
        near = slice(max(int(np.ceil((consonant.start - 0.06) * FPS)), 0), int((consonant.end + 0.06) * FPS) + 1)
        gaps = lip_gap(weights[near])
        closed, opened = near.start + int(gaps.argmin()), min(int((vowel.start + vowel.end) / 2 * FPS), frames - 1)
        name = ("ada", "ben")[number % 2]
        tiles.append(mouth(studio, name, weights[closed], f"{consonant.name}: {gaps.min():.1f} mm"))
        tiles.append(mouth(studio, name, weights[opened], f"then {vowel.name}"))
    sheet(tiles, 4, PICTURES / "face_plosives.png")


def kit_cache() -> Path:
    """Return where phone alignments are kept."""
    return Path("training/face/phones")


def video(studio: SampleStudio, pipeline: FacePipeline) -> None:
    """Write face_emotions.mp4 (480 x 480, 30 fps, with sound); needs ffmpeg."""
    import soundfile

    voice = np.tile(demo_voice(), 6)[: int(len(EMOTIONS) * 1.2 * SPEECH_RATE)]
    frames = len(voice) * FPS // SPEECH_RATE
    which = (np.arange(frames) // 36).clip(max=len(EMOTIONS) - 1)
    # Each by itself, with two seconds before it: the model takes longer than 1.2 s from one mood to the next.
    pieces: list[Weights] = []
    for index in range(len(EMOTIONS)):
        before = min(60, 36 * index)
        at = slice((36 * index - before) * SPEECH_RATE // FPS, 36 * (index + 1) * SPEECH_RATE // FPS)
        pieces.append(perform(voice[at], np.full(before + 36, index), pipeline)[:, before:])
    weights = np.concatenate(pieces, axis=1)
    studio.hurry()  # 936 frames of two heads
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for frame in range(frames):
            left = head(studio, "ada", weights[0, frame], EMOTIONS[which[frame]], (240, 300))
            right = head(studio, "ben", weights[1, frame], "listens", (240, 300))
            both = Image.new("RGB", (480, 300))
            both.paste(left, (0, 0))
            both.paste(right, (240, 0))
            both.save(folder / f"{frame:05d}.png")
        soundfile.write(folder / "voice.wav", voice, SPEECH_RATE)
        command = [
            shutil.which("ffmpeg") or "ffmpeg", "-y", "-loglevel", "error", "-r", "30", "-i", str(folder / "%05d.png"),
            "-i", str(folder / "voice.wav"), "-c:v", "libx264", "-crf", "30", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "48k",
            "-movflags", "+faststart", str(PICTURES / "face_emotions.mp4"),
        ]  # fmt: skip
        subprocess.run(command, check=True)


def main() -> None:
    """Draw what was asked for, or everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["emotions", "plosives", "video"])
    parser.add_argument("--kit", type=Path, default=Path("../shared/kit"))
    parser.add_argument("--face", default="face")
    given = parser.parse_args()
    studio, pipeline = SampleStudio(), FacePipeline.load(given.face)
    if "emotions" in given.what:
        emotions(studio, pipeline)
    if "plosives" in given.what:
        plosives(studio, pipeline, given.kit)
    if "video" in given.what:
        video(studio, pipeline)


if __name__ == "__main__":
    main()
