# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets and a film of the touches that touch_pictures.py has drawn. Needs pillow and av."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from duologue.labels import FACE_INTERACTIONS, INTERACTIONS
from PIL import Image, ImageDraw

TILE = 192
SHOWN = (0.2, 0.33, 0.5, 0.67, 0.8)
"""What a sheet shows of each touch from afar, as shares of its way from setting out to being back."""
ON_A_PAGE = 6
"""Touches on a sheet."""
RATE = 7
"""Frames a second of the film: about twice as fast as it is."""
SHOTS = 13
"""Frames of each touch in the film."""
ACROSS, LINE = 3, 24
"""Characters beside each other in the film, at most, and pixels of the text above them."""
SOME = ("poke-nose", "stroke-cheek", "cup-cheek", "shake-hands", "high-five", "pat-back", "arm-round-shoulders")
"""What the small clip shows."""
MOST = 950_000
"""Bytes of the film; the clip has half of it."""


@dataclass(frozen=True)
class Drawn:
    """A touch: who does what on ``own`` or the ``partner``'s body."""

    who: str
    pattern: str
    target: str

    def folder(self, out: Path) -> Path:
        return out / self.who / f"{self.target} {self.pattern}"

    def frames(self, out: Path, view: str) -> list[Path]:
        """Return what is drawn of it, ``far`` or ``near``."""
        return sorted(self.folder(out).glob(f"{view}_*.png"))


def wanted(who: str, patterns: Sequence[str], targets: Sequence[str] = ("own", "partner")) -> list[Drawn]:
    """Return the touches to draw of somebody: on their own face, and then on the partner."""
    every = [Drawn(who, pattern, target) for target in targets for pattern in patterns]
    return [one for one in every if one.target == "partner" or one.pattern in FACE_INTERACTIONS]


def pages(out: Path, who: str) -> None:
    """Write sheets of what is drawn of a character: a line a touch, moments from afar and then from near."""
    there = [one for one in wanted(who, INTERACTIONS) if one.frames(out, "near")]
    for page in range(0, len(there), ON_A_PAGE):
        lines = [_line(out, one) for one in there[page : page + ON_A_PAGE]]
        picture = Image.new("RGB", (max(line.width for line in lines), TILE * len(lines)), (137, 142, 149))
        for row, line in enumerate(lines):
            picture.paste(line, (0, row * TILE))
        picture.save(out / f"{who} {page // ON_A_PAGE + 1}.png")


def _line(out: Path, one: Drawn) -> Image.Image:
    far, near = one.frames(out, "far"), one.frames(out, "near")
    files = [far[round(share * (len(far) - 1))] for share in SHOWN] + near
    line = Image.new("RGB", (TILE * len(files), TILE))
    for column, file in enumerate(files):
        with Image.open(file) as tile:
            line.paste(tile, (column * TILE, 0))
    ImageDraw.Draw(line).text((5, 4), f"{one.pattern} {one.target}", fill=(255, 255, 255))
    return line


def film(out: Path, who: Sequence[str], patterns: Sequence[str], into: Path) -> None:
    """Write ``touch.mp4``, what is drawn of everybody, and ``touch.webp``, some of it: each as good as its size allows."""
    there = [name for name in who if any(one.frames(out, "far") for one in wanted(name, patterns))]
    everything = [
        one for one in wanted("", patterns) if all(replace(one, who=name).frames(out, "far") for name in there)
    ]
    size = TILE * min(len(there), ACROSS), TILE * -(-len(there) // ACROSS) + LINE
    for crf in (28, 31, 34, 37, 40):
        _video(into / "touch.mp4", (frame for one in everything for frame in _clip(out, there, one, size)), size, crf)
        if (into / "touch.mp4").stat().st_size < MOST:
            break
    some = [one for one in everything if one.target == "partner" and one.pattern in SOME]
    first, *more = [frame for one in some for frame in _clip(out, there, one, size)]
    told: Any = {"save_all": True, "append_images": more, "duration": 1000 // RATE, "loop": 0, "method": 4}
    for quality in (75, 60, 45, 30):
        first.save(into / "touch.webp", quality=quality, **told)
        if (into / "touch.webp").stat().st_size < MOST // 2:
            break
    for name in ("touch.mp4", "touch.webp"):
        print(f"{name}: {(into / name).stat().st_size // 1000} kB")


def _video(path: Path, frames: Iterator[Image.Image], size: tuple[int, int], crf: int) -> None:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream: Any = file.add_stream("libx264", rate=RATE, options={"crf": str(crf), "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_image(frame)))
        file.mux(stream.encode(None))


def _clip(out: Path, who: Sequence[str], touch: Drawn, size: tuple[int, int]) -> Iterator[Image.Image]:
    """Yield the same touch on several characters beside each other, a line of text above them."""
    drawn = [replace(touch, who=name).frames(out, "far") for name in who]
    whom = "oneself" if touch.target == "own" else "the partner"
    for share in np.linspace(0.0, 1.0, SHOTS):
        picture = Image.new("RGB", size, (59, 64, 71))
        ImageDraw.Draw(picture).text((6, 6), f"{touch.pattern.replace('-', ' ')}, {whom}", fill=(255, 255, 255))
        for place, files in enumerate(drawn):
            with Image.open(files[round(share * (len(files) - 1))]) as tile:
                picture.paste(tile, (place % ACROSS * TILE, LINE + place // ACROSS * TILE))
        yield picture
