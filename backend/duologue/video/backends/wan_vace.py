"""Wan VACE (arXiv 2503.07598) through diffusers: depth or pose as control, a mask, both people on one reference picture.

Longer clips are made in segments of 81 frames, each of which is shown the last five pictures of the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from duologue.diffusion.windows import Span, spans
from duologue.labels import check
from duologue.passes.comfy import grown
from duologue.passes.options import USUAL
from duologue.passes.pictures import MAKERS
from duologue.passes.references import on_canvas
from duologue.passes.shading import as_bytes, inverse_depth
from duologue.passes.sources import PassSource
from duologue.video.backends import memory
from duologue.video.backends.padding import cropped, padded
from duologue.video.backends.protocol import Event, Pictures, References, Report, Wish, described
from duologue.video.backends.wan_parts import Part, dtype_of, folder_of, library, work
from duologue.video.backends.wan_text import NEGATIVE, WanText

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

_OVERLAP: Final = 5
_GUIDANCE: Final = 5.0
_GROWN: Final = 64
"""A region is grown by one pixel in so many of the shorter side: VACE needs room for an outline of its own."""
_PARTS: Final = "transformer, vae, text_encoder, tokenizer and scheduler, as diffusers has them"


class WanVaceBackend:
    """See ``protocol.Backend``. Weights: a folder of Wan2.1-VACE in diffusers' layout.

    Raises:
        DuologueError: ``backend-unavailable``; what :meth:`.Part.open` and :func:`.memory.choose` raise.
    """

    name = "wan-vace"
    modes, needs = MAKERS[name].modes, MAKERS[name].needs

    def __init__(self, weights: Path | None, device: str = "cpu", size: tuple[int, int] = (832, 480)) -> None:
        self._root = folder_of(weights, self.name, _PARTS)
        diffusers = library()
        self._device = device
        self._transformer = Part.open(self._root / "transformer", diffusers.WanVACETransformer3DModel)
        self._vae = Part.open(self._root / "vae", diffusers.AutoencoderKLWan)
        self._text = WanText(self._root, device)
        parts = {"transformer": self._transformer, "vae": self._vae, "text_encoder": self._text.part}
        sizes = {name: part.bytes(device) for name, part in parts.items()}
        config = self._transformer.config
        width = int(config["num_attention_heads"]) * int(config["attention_head_dim"])
        block = sizes["transformer"] // max(int(config["num_layers"]), 1)
        calls = work(size, USUAL, width, int(config["ffn_dim"]), 2 if device.startswith("cuda") else 4)
        self._tier = memory.choose(memory.Need(sizes, block, calls), device)
        self.weights = {name: part.headers.fingerprint() for name, part in parts.items()}
        self._pipe: Any = None
        self.report = Report(self.name)

    def steps(self, preset: str) -> int:
        """See ``protocol.Backend``."""
        return MAKERS[self.name].steps_of(preset)

    def generate(
        self,
        passes: PassSource,
        references: References,
        events: Sequence[Event],
        wish: Wish,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        since: Pictures | None = None,
    ) -> Iterator[Pictures]:
        """See ``protocol.Backend``."""
        mode = check(wish.mode or self.modes[0], self.modes, field="--mode")
        self.report = Report(self.name, mode, wish.steps or self.steps("draft"), dict(self.weights))
        if self._tier != "whole":
            self.report.notes.append(f"memory is short: held {self._tier} at a time, which is slower")
        prompts = [wish.prompt or described(events), NEGATIVE]
        whole, wish = padded(passes, wish)
        asked = _Asked(whole, wish, mode, _people(references, whole.size))
        return cropped(self._made(asked, prompts, should_stop, since), passes.size)

    def _made(
        self, asked: _Asked, prompts: list[str], should_stop: Callable[[], bool], since: Pictures | None
    ) -> Iterator[Pictures]:
        import torch

        segments = list(spans(asked.passes.frames, USUAL, overlap=_OVERLAP))
        last = None if since is None else _last(since, asked.passes.size, {span.stop for span in segments})
        done = 0 if since is None else since.stop
        if should_stop():
            return
        told = [torch.from_numpy(text)[None] for text in self._text.encode(prompts, on_device=self._tier != "blocks")]
        pipe = self._loaded()
        for span in segments:
            if span.stop <= done:
                continue
            made = self._segment(pipe, asked, span, last, told, should_stop)
            if made is None:
                return
            last = made[-_OVERLAP:]
            fresh = made[span.known :]
            start = span.start + span.known
            region = asked.wish.region
            yield Pictures(start, fresh if region is None else region.put(asked.passes, start, fresh), {"last": last})

    def _segment(  # noqa: PLR0917
        self, pipe: Any, asked: _Asked, span: Span, last: Bytes | None, told: list[Any], should_stop: Callable[[], bool]
    ) -> Bytes | None:
        """Return the frames of a segment; None where it was stopped."""
        import torch

        if should_stop():
            return None
        stopped: list[bool] = []

        def after_step(pipe: Any, step: int, moment: Any, values: dict[str, Any]) -> dict[str, Any]:
            del step, moment
            if should_stop():
                stopped.append(True)
                pipe._interrupt = True
            return values

        video, mask = asked.control(span, last)
        width, height = asked.passes.size
        dtype = dtype_of(self._device)
        positive, negative = (text.to(self._device, dtype) for text in told)
        frames = pipe(
            prompt_embeds=positive,
            negative_prompt_embeds=negative,
            video=video,
            mask=mask,
            reference_images=asked.people,
            height=height,
            width=width,
            num_frames=span.stop - span.start,
            num_inference_steps=self.report.steps,
            guidance_scale=_GUIDANCE,
            generator=torch.Generator().manual_seed(asked.wish.seed * 1_000_003 + span.start),
            callback_on_step_end=after_step,
            output_type="np",
        ).frames[0]
        return None if stopped else np.clip(np.rint(frames * 255), 0, 255).astype(np.uint8)

    def _loaded(self) -> Any:
        if self._pipe is not None:
            return self._pipe
        import torch

        diffusers = library()
        pipe = diffusers.WanVACEPipeline.from_pretrained(
            str(self._root), transformer=self._transformer.load(dtype_of(self._device)), vae=self._vae.load(torch.float32),
            text_encoder=None, tokenizer=None, local_files_only=True,
        )  # fmt: skip
        pipe.set_progress_bar_config(disable=True)
        if self._tier == "whole":
            pipe.to(self._device)
        elif self._tier == "models":
            pipe.enable_model_cpu_offload(device=self._device)
        else:
            pipe.transformer.enable_group_offload(
                onload_device=torch.device(self._device), offload_device=torch.device("cpu"),
                offload_type="block_level", num_blocks_per_group=1,
            )  # fmt: skip
            pipe.vae.to(self._device)
        self._pipe = pipe
        return pipe


class _Asked:
    """One run: what control, mask and references are."""

    def __init__(self, passes: PassSource, wish: Wish, mode: str, people: list[Any] | None) -> None:
        self.passes, self.wish, self.mode, self.people = passes, wish, mode, people

    def control(self, span: Span, last: Bytes | None) -> tuple[list[Any], list[Any]]:
        """Return control and mask of a segment as pictures: white is made, black is as the control shows it."""
        from PIL import Image

        start, stop = span.start, span.stop
        control = self._drawn(start, stop)
        white = np.ones(control.shape[:3], bool)
        if self.wish.region is not None:
            by = max(1, round(min(self.passes.size) / _GROWN))
            white = np.stack([grown(mask, by) for mask in self.wish.region.mask(self.passes, start, stop)])
            control = np.where(white[..., None], control, self.wish.region.previous(start, stop))
        if last is not None and span.known:
            control[: span.known], white[: span.known] = last[-span.known :], False
        masks = white.astype(np.uint8) * 255
        return [Image.fromarray(one) for one in control], [Image.fromarray(one, "L").convert("RGB") for one in masks]

    def _drawn(self, start: int, stop: int) -> Bytes:
        if self.mode == "pose":
            return self.passes.read("pose", start, stop).copy()
        near, far = self.passes.depth_range
        depth = self.passes.read("depth", start, stop).astype(np.float32)
        return np.repeat(as_bytes(inverse_depth(depth, near, far) * 255.0)[..., None], 3, axis=-1)


def _last(since: Pictures, size: tuple[int, int], ends: set[int]) -> Bytes:
    """Return the pictures that a segment left."""
    from duologue.video.pipeline import left_malformed

    last = np.asarray(since.left.get("last", ()))
    wanted = (min(_OVERLAP, since.stop), size[1], size[0], 3)
    if since.stop not in ends or last.shape != wanted or last.dtype != np.uint8:
        raise left_malformed()
    return last


def _people(references: References, size: tuple[int, int]) -> list[Any] | None:
    """Return both people beside each other as one picture: VACE was trained on one."""
    from PIL import Image

    full = [found["full"] for _, found in sorted(references.items()) if "full" in found]
    return [Image.fromarray(on_canvas(full, size))] if full else None
