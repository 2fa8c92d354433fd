"""From a scene's passes to pictures, window by window: memory does not grow with the clip.

Latents follow each other in windows that share one: the last of a window is the next one's first, known, so that a seam is no
seam. The latents before it are told as motion, and the first picture stays in every window as what is carried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.pipeline import Pipeline, StoppedError
from duologue.diffusion.windows import Span, spans
from duologue.errors import DuologueError, invalid
from duologue.labels import check
from duologue.passes.contract import BLOCK, check_frames
from duologue.video.checkpoint import VideoModel
from duologue.video.conditions import Conditions, SceneWindow, VideoConditions
from duologue.video.config import CONDITIONS
from duologue.video.latents import SIDE, frames_of, latents_of
from duologue.video.sampling import STEPS, sample_window
from duologue.video.scene import as_bytes, colours, crop_of, crops_of, encode_scene, heard, references_of
from duologue.video.streams import MODES
from duologue.video.tokens import block_any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class VideoWindow:
    """Frames ``start`` to ``start + n``: ``pictures`` (n, H, W, 3) uint8, sRGB."""

    start: int
    pictures: NDArray[np.uint8]
    left: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, "NDArray[Any]"])
    """What the next window goes on from: ``latents`` (C, m, h, w) float32, the last ones, and the ``last`` picture (H, W, 3)."""

    @property
    def stop(self) -> int:
        """The first frame after it."""
        return self.start + len(self.pictures)


class VideoPipeline(Pipeline[VideoConditions, VideoWindow]):
    """A video checkpoint, ready to make any number of clips."""

    def __init__(self, model: VideoModel, device: str = "cpu") -> None:
        self.model, self.device = model.to(device).eval().requires_grad_(False), device

    @classmethod
    def load(cls, checkpoint: str | Path | Checkpoint = "video", device: str = "cpu") -> VideoPipeline:
        """See ``Pipeline``."""
        return cls(VideoModel.load(open_checkpoint(checkpoint), device), device)

    def stream(  # noqa: PLR0917
        self,
        conditions: VideoConditions,
        seed: int = 0,
        steps: int = STEPS,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        mode: str = "render",
        since: VideoWindow | None = None,
    ) -> Iterator[VideoWindow]:
        """Yield the clip in consecutive windows; see ``Pipeline``. A stopped stream ends with the window before.

        ``mode``: one of ``streams.MODES``. ``since``: a window that the same arguments gave before (its pictures may be left out,
        ``start`` being its end then): only those after it are made, as they would have been.

        Raises:
            DuologueError: INVALID_ARGUMENT ``unknown-label`` for a mode, pattern or condition that there isn't, ``steps``,
                ``frames-empty``, ``frames-shape``, ``size-unsupported``, ``passes-missing`` for a mode that needs the scene,
                ``left-malformed``.
        """
        _check(self.model, conditions, steps, strengths or {}, mode)
        clip = ClipInMaking(self, conditions, seed)
        if since is not None:
            clip.go_on(since, self._ends(conditions.frames))
        return self._windows(clip, steps, strengths or {}, should_stop, mode)

    def _ends(self, frames: int) -> set[int]:
        """Return the frames before which a clip's windows end."""
        return {
            frames_of(span.start, span.stop).stop
            for span in spans(latents_of(frames), self.model.config.window, overlap=1)
        }

    @torch.inference_mode()
    def _windows(
        self,
        clip: ClipInMaking,
        steps: int,
        strengths: Mapping[str, float],
        should_stop: Callable[[], bool],
        mode: str,
    ) -> Iterator[VideoWindow]:
        for span in spans(latents_of(clip.conditions.frames), self.model.config.window, overlap=1):
            noise = clip.noise(span, both=MODES[mode].stream == "full")
            if frames_of(span.start, span.stop).stop <= clip.done:
                continue
            told, scene = clip.told(span, known=MODES[mode].scene)
            try:
                latents = sample_window(
                    self.model.denoiser,
                    told,
                    noise,
                    mode,
                    steps=steps,
                    strengths=strengths,
                    kept=clip.kept(span),
                    should_stop=should_stop,
                )
            except StoppedError:
                return
            yield clip.shown(span, latents, scene)


class ClipInMaking:
    """A clip being made: what is the same in all windows, and what a window leaves to the next."""

    def __init__(self, pipeline: VideoPipeline, conditions: VideoConditions, seed: int) -> None:
        self.model, self.device, self.conditions = pipeline.model, pipeline.device, conditions
        self._generator = torch.Generator().manual_seed(seed)
        self._latents: Tensor | None = None
        """The last ones made, (1, C, m, h, w): of the motion before the next window, and its first."""
        self._last: NDArray[np.uint8] | None = conditions.first
        self.done = 0
        """Frames that are there already: their windows' noise is drawn, for that of the next to be the same, and no more."""
        crops, seen = crops_of(conditions.crops)
        crops = crops.to(self.device).float() / 255
        thing = conditions.crops.get(("thing", "face"))
        shown = [*seen[0, :, 0].tolist(), 1.0] if thing is not None else seen[0, :, 0].tolist()
        objects = None if thing is None else colours(crop_of(thing))[None].to(self.device)
        patterns = self.model.config.patterns
        self._always = Conditions(
            pattern=torch.tensor([1 + patterns.index(conditions.pattern) if conditions.pattern else 0]),
            references=references_of(self.model, crops, objects),
            shown=torch.tensor([shown]),
            crops=crops,
            seen=seen,
            identity=None if conditions.embedding is None else torch.from_numpy(conditions.embedding)[None].float(),
            text=None if conditions.text is None else torch.from_numpy(conditions.text)[None].float(),
            unsaid=None if conditions.unsaid is None else torch.from_numpy(conditions.unsaid)[None].float(),
        ).to(self.device)

    def go_on(self, since: VideoWindow, ends: set[int]) -> None:
        """Take up what a window left behind, as if it had just been made.

        Raises:
            DuologueError: INVALID_ARGUMENT ``left-malformed``: no window of this clip and network left it.
        """
        width, height = self.conditions.size
        latents, last = (np.asarray(since.left.get(name, ())) for name in ("latents", "last"))
        count = latents.shape[1] if latents.ndim == 4 else 0
        whole = latents.shape == (self.model.config.channels, count, height // SIDE, width // SIDE)
        if not (since.stop in ends and whole and 0 < count <= self.model.config.motion + 1):
            raise left_malformed()
        if last.shape != (height, width, 3) or last.dtype != np.uint8 or not np.isfinite(latents).all():
            raise left_malformed()
        self.done = since.stop
        self._latents = torch.from_numpy(np.array(latents, np.float32))[None].to(self.device)
        self._last = np.array(last)

    def told(self, span: Span, *, known: bool) -> tuple[Conditions, SceneWindow | None]:
        """Return what a window depends on, and its scene where it is ``known``."""
        frames, begins = frames_of(span.start, span.stop), span.start == 0
        told = self._always
        if self._last is not None:
            held = self.model.picture.encode(colours(self._last)[None, None].to(self.device))
            first = held if self._latents is None else self._latents[:, :, -1:]
            told = replace(told, known=first, held=held)
        if self._latents is not None and self._latents.shape[2] > 1:
            told = replace(told, motion=self._latents[:, :, :-1])
        if (audio := self.conditions.audio) is not None and self.model.config.audio_width:
            features = torch.from_numpy(audio[frames].astype(np.float32))[None].to(self.device)
            told = replace(told, audio=heard(features, begins=begins))
        if not known or self.conditions.scene is None:
            return told, None
        scene = self.conditions.scene(frames.start, frames.stop)
        encoded = encode_scene(self.model, scene, self.device, begins=begins)
        told = replace(told, structure=encoded.structure, masks=encoded.masks)
        if self.conditions.first is not None:
            told = replace(told, carried=encoded.carried, hole=encoded.hole)
        return told, scene

    def kept(self, span: Span) -> tuple[Tensor, Tensor] | None:
        """Return a window's latents as they were made before, and which of them stay."""
        if self.conditions.kept is None:
            return None
        frames, begins = frames_of(span.start, span.stop), span.start == 0
        before = self.conditions.kept(frames.start, frames.stop)
        latents = self.model.picture.encode(colours(before.pictures)[None].to(self.device), begins=begins)
        again = torch.from_numpy(np.ascontiguousarray(before.again))[None].to(self.device)
        return latents, ~block_any(again, begins=begins)

    def noise(self, span: Span, *, both: bool) -> Tensor:
        """Return the noise of a window's fresh latents, of structure too where ``both`` are made."""
        width, height = self.conditions.size
        channels = self.model.config.channels * (2 if both else 1)
        shape = (1, channels, span.stop - span.start, height // SIDE, width // SIDE)
        return torch.randn(shape, generator=self._generator).to(self.device)

    def shown(self, span: Span, latents: Tensor, scene: SceneWindow | None) -> VideoWindow:
        """Decode a window with the detail of what was carried, keep what the next one needs, and return its fresh frames."""
        begins = span.start == 0
        pictures = self.model.picture.decode(latents, begins=begins)
        if scene is not None and self.conditions.first is not None:
            carried = colours(scene.carried)[None].to(self.device)
            pictures = self.model.picture.detailed(pictures, carried, begins=begins)
        made = as_bytes(pictures[0])
        if begins and self.conditions.first is not None:
            made[0] = self.conditions.first
        if self.conditions.kept is not None:
            frames = frames_of(span.start, span.stop)
            before = self.conditions.kept(frames.start, frames.stop)
            made = np.where(before.again[..., None], made, before.pictures)
        together = latents if self._latents is None else torch.cat([self._latents[:, :, :-1], latents], dim=2)
        self._latents = together[:, :, -(self.model.config.motion + 1) :].clone()
        self._last = made[-1]
        first = frames_of(span.start, span.stop).start
        fresh = 0 if begins else frames_of(span.start + span.known, span.stop).start - first
        left = {"latents": self._latents[0].float().cpu().numpy(), "last": made[-1]}
        return VideoWindow(first + fresh, made[fresh:], left)


def left_malformed() -> DuologueError:
    """Return the error for what pictures were to go on from, where it is not what the same run left."""
    text = (
        "what is to be gone on from is not what such a run leaves; remove it (.left.safetensors), and all is made anew"
    )
    return invalid("left-malformed", text)


def _check(
    model: VideoModel, conditions: VideoConditions, steps: int, strengths: Mapping[str, float], mode: str
) -> None:
    check(mode, tuple(MODES), field="mode")
    for name in strengths:
        check(name, CONDITIONS, field="strengths")
    if conditions.pattern:
        check(conditions.pattern, model.config.patterns, field="pattern")
    if not 1 <= steps <= 50:
        raise invalid("steps", f"{steps} steps; choose 1 to 50 (4 is plenty).", field="steps")
    check_frames(conditions.frames, field="frames")
    if any(side < BLOCK or side % BLOCK for side in conditions.size):
        width, height = conditions.size
        text = (
            f"{width} x {height} pixels are not whole blocks of {BLOCK}, as the network takes them; backends pad them"
        )
        raise invalid("size-unsupported", text, field="size")
    if MODES[mode].scene and conditions.scene is None:
        raise invalid("passes-missing", f"the mode {mode} needs the scene's passes; base does without.", field="mode")
