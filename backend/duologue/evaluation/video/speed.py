"""What a clip costs, and what dropping or keeping structure costs beside the plain network; and whether the router is right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import torch

from duologue.datasets.corpus.video import Clip
from duologue.diffusion.flow import FlowSchedule
from duologue.diffusion.windows import Span
from duologue.evaluation.intervals import Sums, figure
from duologue.evaluation.video.figures import Interval
from duologue.evaluation.video.systems import conditions_of, generated
from duologue.video.experts import EXPERTS
from duologue.video.latents import latents_of
from duologue.video.pipeline import ClipInMaking, VideoPipeline
from duologue.video.sampling import sample_window
from duologue.video.scene import colours
from duologue.video.streams import MODES
from duologue.video.tokens import experts_wanted

_REPEATS: Final = 5
_MOMENT: Final = 0.5
"""At which the router is asked."""


def ratios(pipeline: VideoPipeline, clip: Clip, steps: int) -> dict[str, float]:
    """Return how many times as long as ``base`` other modes are sampled: processor time, the least of five."""
    conditions = conditions_of(clip)
    span = Span(0, latents_of(conditions.frames), 0)

    def seconds(mode: str) -> float:
        making = ClipInMaking(pipeline, conditions, 0)
        told, _ = making.told(span, known=MODES[mode].scene)
        noise = making.noise(span, both=False)
        spent = []
        with torch.inference_mode():
            for _ in range(_REPEATS):
                began = time.process_time()
                sample_window(pipeline.model.denoiser, told, noise, mode, steps=steps)
                spent.append(time.process_time() - began)
        return min(spent)

    base = seconds("base")
    return {f"ratio_{mode}_base": seconds(mode) / base for mode in ("asym", "add", "render")}


def seconds_of(pipeline: VideoPipeline, clip: Clip, mode: str, steps: int) -> float:
    """Return the seconds on the clock in which a clip's passes become pictures, warm: the least of three."""
    system = generated(pipeline, mode, steps)
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        system(clip)
        spent.append(time.perf_counter() - began)
    return min(spent)


@torch.inference_mode()
def router_accuracy(pipeline: VideoPipeline, clips: Sequence[Clip], mode: str) -> dict[str, Interval]:
    """Return the share of tokens that the router knows, over all blocks, halfway to noise: of ``hand``, ``head`` and ``both``."""
    sums: dict[str, list[Sums]] = {"head": [], "hand": [], "both": []}
    for clip in clips:
        conditions = conditions_of(clip)
        making = ClipInMaking(pipeline, conditions, int(clip.about["number"]))
        span = Span(0, latents_of(conditions.frames), 0)
        told, _ = making.told(span, known=True)
        assert told.masks is not None
        truth = pipeline.model.picture.encode(colours(clip.arrays["rgb"])[None].to(pipeline.device))
        t = truth.new_full((1,), _MOMENT)
        x = FlowSchedule().add_noise(truth, making.noise(span, both=False), t)
        network = pipeline.model.denoiser
        routes = network(x, t, network.prepare(told, mode, x.shape)).routes
        wanted = experts_wanted(told.masks)
        of: dict[str, Sums] = {}
        for name in ("head", "hand"):
            index = EXPERTS.index(name)
            right = sum(int(((logits.argmax(-1) == index) & (wanted == index)).sum()) for logits in routes)
            of[name] = (float(right), float((wanted == index).sum()) * len(routes))
        of["both"] = (of["head"][0] + of["hand"][0], of["head"][1] + of["hand"][1])
        for name, counted in of.items():
            sums[name].append(counted)
    return {name: figure(counted).to_json() for name, counted in sums.items()}
