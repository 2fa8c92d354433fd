# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's picture and clip, from what `duologue demo` made: `python -m tools.characters.demo_pictures DEMO [OUT]`.

DEMO is the demo's folder (take.safetensors, preview.mp4). Written into docs/pictures: `demo.jpg`, four of its shots; `demo.webp`,
its first seconds without sound, which GitHub shows in a page; `demo.mp4`, all of it with sound, small. Needs av and pillow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from duologue.arkit import NAMES
from duologue.staging.cut import Shot, cut
from duologue.staging.turns import moving, speaking
from duologue.take import Take
from duologue.units import FPS
from PIL import Image

from tools.characters.pictures import PICTURES

TILE: Final = (640, 360)
CLIP: Final = (560, 315)
CLIP_SECONDS: Final = 11.0
CLIP_STEP: Final = 3
"""Every third frame: ten a second."""
MOST: Final = 1_500_000
"""Bytes of the clip, and of the video."""
WANTED: Final = (("two", -1), ("over", 1), ("close", 0), ("close", 1))
"""The shots of the picture: what kind, and whose."""
_WORTH: Final = {
    "mouthSmile": 1.0,
    "jawOpen": 0.8,
    "browInnerUp": 0.5,
    "eyeBlink": -3.0,
    "eyeLookOut": -0.7,
    "eyeLookDown": -0.7,
}
_LIVELY: Final = np.array([_WORTH.get(name.removesuffix("Left").removesuffix("Right"), 0.0) for name in NAMES])
"""What makes a face worth a picture: it smiles or speaks, with eyes that are open."""


def main(demo: Path, out: Path) -> None:
    """Write all three."""
    video = demo / "preview.mp4"
    take = Take.load(demo / "take.safetensors")
    shots = cut(speaking(take), moving(take))
    wanted = [_moment(take, shots, size, subject) for size, subject in WANTED]
    seen = {n: frame for n, frame in enumerate(_frames(video)) if n in wanted or n < CLIP_SECONDS * FPS}
    _picture([seen[n] for n in wanted], out / "demo.jpg")
    _clip([frame for n, frame in sorted(seen.items()) if n < CLIP_SECONDS * FPS][::CLIP_STEP], out / "demo.webp")
    _small(video, out / "demo.mp4")
    for name in ("demo.jpg", "demo.webp", "demo.mp4"):
        print(f"{name}: {(out / name).stat().st_size // 1000} kB")


def _moment(take: Take, shots: list[Shot], size: str, subject: int) -> int:
    """Return the liveliest frame of the longest such shot; of the longest one of that face, or of all, where there is none."""
    of_face = [shot for shot in shots if shot.subject == subject]
    found = [shot for shot in of_face if shot.size == size] or of_face or shots
    longest = max(found, key=lambda shot: shot.stop - shot.start)
    faces = [track.weights for who, track in enumerate(take.tracks) if subject in {-1, who}]
    lively = sum(face[longest.start : longest.stop] @ _LIVELY for face in faces)
    return longest.start + int(np.argmax(lively))


def _frames(video: Path) -> Iterator[Image.Image]:
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            yield frame.to_image()


def _picture(frames: list[Image.Image], path: Path) -> None:
    width, height = TILE
    sheet = Image.new("RGB", (2 * width, 2 * height))
    for i, frame in enumerate(frames):
        sheet.paste(frame.resize(TILE, Image.Resampling.LANCZOS), ((i % 2) * width, (i // 2) * height))
    sheet.save(path, quality=88, optimize=True)


def _clip(frames: list[Image.Image], path: Path) -> None:
    """Write a picture that moves, as good as ``MOST`` allows."""
    small = [frame.resize(CLIP, Image.Resampling.LANCZOS) for frame in frames]
    for quality in (80, 70, 60, 50, 40, 30):
        small[0].save(
            path,
            save_all=True,
            append_images=small[1:],
            duration=1000 * CLIP_STEP // FPS,
            loop=0,
            quality=quality,
            method=4,
        )
        if path.stat().st_size < MOST:
            break


def _small(video: Path, path: Path) -> None:
    """Encode a video again, at half its size."""
    width, height = TILE
    with av.open(str(video)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as target:
        pictures: Any = target.add_stream("libx264", rate=FPS, options={"crf": "27", "preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound: Any = target.add_stream("aac", rate=source.streams.audio[0].rate)
        sound.bit_rate = 64_000
        for frame in source.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                fresh = av.VideoFrame.from_image(frame.to_image().resize(TILE, Image.Resampling.LANCZOS))
                fresh.pts, fresh.time_base = frame.pts, frame.time_base
                target.mux(pictures.encode(fresh))
            else:
                target.mux(sound.encode(frame))
        target.mux(pictures.encode(None))
        target.mux(sound.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES)
