"""A folder of passes for ComfyUI and VACE: control videos, masks, a reference picture, and workflows that use them.

VACE (arXiv 2503.07598) generates where a mask is white, and is shown grey 127 there. It takes one control video (several at once
were never trained) and one reference picture. ``comfy/`` goes to ``ComfyUI/input/duologue``, where the workflows look for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.files.atomic import write_text
from duologue.passes import png
from duologue.passes.contract import to_size, whole_blocks
from duologue.passes.folder import PassFolder, range_of, read_pass
from duologue.passes.pictures import inside
from duologue.passes.references import on_canvas, write_references
from duologue.passes.shading import as_bytes, inverse_depth
from duologue.passes.video import WriteVideo

Bytes = NDArray[np.uint8]
Draw = Callable[[int], Bytes]

FOLDER: Final = "comfy"
INPUT: Final = "duologue"
"""The folder below ``ComfyUI/input`` that the workflows name."""
_GREY: Final = 127
_TOUCHES: Final = 26
"""Of the contact's nearness, 0..255: 7.5 mm away, three times what a vertex and its sensor are off."""
_GROWN: Final = 64
"""Masks are grown by one in so many pixels of the shorter side, eight at 512: VACE needs room for an outline of its own."""

_MODEL, _ENCODER, _VAE = (
    "wan2.1_vace_1.3B_fp16.safetensors", "umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan_2.1_vae.safetensors",
)  # fmt: skip
_NEGATIVE: Final = "blurry, low quality, deformed hands, extra fingers, fused fingers, static, watermark, text"


def write_comfy(folder: PassFolder, write_video: WriteVideo) -> list[str]:
    """Write ``comfy/`` of a folder whose frames are all there; return its files' names. What is there already stays.

    Raises:
        DuologueError: what ``write_video`` and :func:`.png.write` raise.
    """
    target = folder.root / FOLDER
    target.mkdir(exist_ok=True)
    written: list[str] = []
    for name, draw in _videos(folder).items():
        if not (target / name).is_file():
            write_video(target / name, _pictures(folder, draw), folder.fps)
        written.append(name)
    found = write_references(folder)
    shown = {f"reference_{person}.png": [views["full"]] for person, views in found.items() if "full" in views}
    if len(shown) > 1:
        shown["reference_AB.png"] = [picture for pictures in shown.values() for picture in pictures]
    for name, pictures in shown.items():
        png.write(target / name, on_canvas(pictures, whole_blocks(folder.size)))
        written.append(name)
    reference = next(reversed(shown), "")
    for name, graph in _workflows(folder, written, reference).items():
        write_text(target / name, json.dumps(graph, indent=1) + "\n")
        written.append(name)
    return written


def _pictures(folder: PassFolder, draw: Draw) -> Iterator[Bytes]:
    """Yield each frame's picture in whole blocks: ComfyUI's nodes take no other sizes."""
    for index in range(folder.count):
        yield to_size(draw(index)[None], whole_blocks(folder.size))[0]


def _videos(folder: PassFolder) -> dict[str, Draw]:
    """Return what each video's frames are, of those whose passes the folder has."""
    has = set(folder.wanted)
    near, far = range_of(folder.records())
    grow = max(1, round(min(folder.size) / _GROWN))

    def stored(name: str) -> Draw:
        return lambda index: read_pass(folder.root, name, index)

    def depth(index: int) -> Bytes:
        return _grey(inverse_depth(read_pass(folder.root, "depth", index), near, far) * 255.0)

    def mask(*kinds: str) -> Draw:
        return lambda index: _grey(255.0 * grown(_chosen(folder, index, kinds), grow))

    def inpaint(index: int) -> Bytes:
        beauty, white = read_pass(folder.root, "beauty", index), mask("hand", "contact")(index)
        return np.where(white > 127, np.uint8(_GREY), beauty)

    videos: dict[str, tuple[set[str], Draw]] = {
        "control_depth.mp4": ({"depth"}, depth),
        "control_pose.mp4": ({"pose"}, stored("pose")),
        "control_normal.mp4": ({"normal"}, stored("normal")),
        "mask_hand.mp4": ({"part"}, mask("hand")),
        "mask_face.mp4": ({"part"}, mask("face")),
        "mask_contact.mp4": ({"contact"}, mask("contact")),
        "mask_inpaint.mp4": ({"part", "contact", "beauty"}, mask("hand", "contact")),
        "inpaint.mp4": ({"part", "contact", "beauty"}, inpaint),
    }
    return {name: draw for name, (needs, draw) in videos.items() if needs <= has}


def _chosen(folder: PassFolder, index: int, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return where hands, faces or contact are in a frame (H, W)."""
    chosen = np.zeros(folder.size[::-1], bool)
    for kind in kinds:
        if kind == "contact":
            chosen |= read_pass(folder.root, "contact", index)[..., 0] >= _TOUCHES
        else:
            chosen |= inside(read_pass(folder.root, "part", index), kind)
    return chosen


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return a mask (H, W) grown by so many pixels to all sides: the largest in a square, rows first, then columns."""
    for axis in (0, 1):
        wide = [(pixels, pixels) if k == axis else (0, 0) for k in range(2)]
        summed = np.cumsum(np.pad(mask, wide).astype(np.int32), axis=axis)
        summed = np.pad(summed, [(1, 0) if k == axis else (0, 0) for k in range(2)])
        count = mask.shape[axis]
        mask = np.take(summed, np.arange(count) + 2 * pixels + 1, axis) > np.take(summed, np.arange(count), axis)
    return mask


def _grey(values: NDArray[Any]) -> Bytes:
    return np.repeat(as_bytes(values)[..., None], 3, axis=2)


def _workflows(folder: PassFolder, files: list[str], reference: str) -> dict[str, dict[str, Any]]:
    """Return the workflows that the folder's files allow: the whole picture from depth, and hands and contact in the picture."""
    graphs: dict[str, dict[str, Any]] = {}
    if "control_depth.mp4" in files:
        graphs["workflow_control.json"] = workflow(folder, "control_depth.mp4", "", reference)
    if "inpaint.mp4" in files:
        graphs["workflow_inpaint.json"] = workflow(folder, "inpaint.mp4", "mask_inpaint.mp4", reference)
    return graphs


def workflow(folder: PassFolder, control: str, mask: str, reference: str) -> dict[str, Any]:
    """Return a workflow in the format of ComfyUI's API (``POST /prompt``), of ComfyUI's own nodes alone.

    ``mask``, ``reference``: files, or nothing.
    """
    nodes = _nodes(folder, control)
    vace = nodes["vace"][1]
    if mask:
        nodes["mask"] = ("LoadVideo", {"file": f"{INPUT}/{mask}"})
        nodes["mask frames"] = ("GetVideoComponents", {"video": ["mask", 0]})
        nodes["masks"] = ("ImageToMask", {"image": ["mask frames", 0], "channel": "red"})
        vace["control_masks"] = ["masks", 0]
    if reference:
        nodes["reference"] = ("LoadImage", {"image": f"{INPUT}/{reference}"})
        vace["reference_image"] = ["reference", 0]
    numbers = {name: str(i) for i, name in enumerate(nodes, start=1)}

    def numbered(value: Any) -> Any:
        return [numbers[value[0]], value[1]] if isinstance(value, list) else value

    return {
        numbers[name]: {
            "class_type": kind,
            "inputs": {key: numbered(value) for key, value in inputs.items()},
            "_meta": {"title": name},
        }
        for name, (kind, inputs) in nodes.items()
    }


def _nodes(folder: PassFolder, control: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what every workflow has, by name: each node's kind and inputs, of which lists are outputs of other nodes."""
    width, height = whole_blocks(folder.size)
    vace: dict[str, Any] = {
        "positive": ["positive", 0], "negative": ["negative", 0], "vae": ["vae", 0], "width": width, "height": height,
        "length": folder.count, "batch_size": 1, "strength": 1.0, "control_video": ["control frames", 0],
    }  # fmt: skip
    return {
        "model": ("UNETLoader", {"unet_name": _MODEL, "weight_dtype": "default"}),
        "encoder": ("CLIPLoader", {"clip_name": _ENCODER, "type": "wan"}),
        "vae": ("VAELoader", {"vae_name": _VAE}),
        "positive": ("CLIPTextEncode", {"text": "two people talking, natural light", "clip": ["encoder", 0]}),
        "negative": ("CLIPTextEncode", {"text": _NEGATIVE, "clip": ["encoder", 0]}),
        "control": ("LoadVideo", {"file": f"{INPUT}/{control}"}),
        "control frames": ("GetVideoComponents", {"video": ["control", 0]}),
        "vace": ("WanVaceToVideo", vace),
        "shift": ("ModelSamplingSD3", {"model": ["model", 0], "shift": 8.0}),
        "sampler": ("KSampler", {
            "model": ["shift", 0], "seed": 0, "steps": 20, "cfg": 6.0, "sampler_name": "uni_pc", "scheduler": "simple",
            "positive": ["vace", 0], "negative": ["vace", 1], "latent_image": ["vace", 2], "denoise": 1.0,
        }),
        "trimmed": ("TrimVideoLatent", {"samples": ["sampler", 0], "trim_amount": ["vace", 3]}),
        "decoded": ("VAEDecode", {"samples": ["trimmed", 0], "vae": ["vae", 0]}),
        "video": ("CreateVideo", {"images": ["decoded", 0], "fps": float(folder.fps)}),
        "saved": ("SaveVideo", {
            "video": ["video", 0], "filename_prefix": "duologue/take", "format": "mp4", "codec": "h264",
        }),
    }  # fmt: skip
