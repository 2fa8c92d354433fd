# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview video: H.264 and AAC through Blender's own FFmpeg, drawn by Workbench, EEVEE or Cycles.

Workbench and EEVEE draw with OpenGL, which a machine without libEGL and Mesa (or a GPU's driver) does not have: there Blender
ends at once. Cycles needs neither; :func:`imitate_workbench` makes it draw much the same picture. It still takes
about three times as long (both characters are searched by rays anew each frame), so every second frame is drawn and shown twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import bpy

from ..scene import compat, compositing
from ..scene.data import image_strip
from ..scene.paths import as_it_is, as_output
from . import cameras, laying

if TYPE_CHECKING:
    from bpy.types import Material, Scene, Strip

OnFrame = Callable[[int, int], None]

Engine = Literal["workbench", "eevee", "cycles", "software"]
"""``software`` is Cycles made to look and last like Workbench."""

SIZE: Final = (1280, 720)

SPLIT_WIDE: Final = (1280, 400)
SPLIT_FACE: Final = (640, 320)
_SPLIT: Final = (
    ("wide", SPLIT_WIDE, (0.0, 160.0)), ("close A", SPLIT_FACE, (-320.0, -200.0)), ("close B", SPLIT_FACE, (320.0, -200.0)),
)  # fmt: skip
"""The parts of a split picture, whose they are and where: both whole above, a face in each half below."""

SOFTWARE_STEP: Final = 2
SOFTWARE_PERCENT: Final = 75
"""What the software look draws: every second frame, at three quarters of the size, smoothed when it is enlarged."""

_LAMPS: Final = (
    # towards the light in the camera's axes (right, up, towards it), diffuse, highlight, softness
    ((-0.50, 0.50, 0.70), (0.88, 0.79, 0.68), (0.10, 0.09, 0.08), 0.20),
    ((0.75, 0.05, 0.55), (0.21, 0.25, 0.31), (0.0, 0.0, 0.0), 0.60),
    ((0.55, 0.55, -0.63), (0.60, 0.56, 0.48), (0.12, 0.12, 0.12), 0.0),
    ((-0.85, 0.20, -0.50), (0.32, 0.41, 0.52), (0.08, 0.08, 0.08), 0.0),
)
"""Workbench's four lamps: a warm key from beside the camera, a cool fill, and two behind that part hair from the wall."""
_AMBIENT: Final = (0.16, 0.16, 0.17)

_STUDIO: Final = ((-0.45, 0.55, 0.70, 0.78), (0.75, 0.10, 0.55, 0.22), (0.0, -0.6, 0.3, 0.10))
"""The software look's lights: direction in the camera's axes (right, up, towards it) and strength."""


def set_output(scene: Scene, path: Path, size: tuple[int, int] = SIZE) -> None:
    """Make the scene's output an MP4 that plays everywhere."""
    render = scene.render
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.use_file_extension = False
    render.use_overwrite = True
    render.use_sequencer = False  # strips give the sound; as pictures they would hide the scene
    render.filepath = as_output(path)
    compat.choose_video(scene)
    ffmpeg: Any = render.ffmpeg
    ffmpeg.format = "MPEG4"
    ffmpeg.codec = "H264"
    ffmpeg.constant_rate_factor = "HIGH"
    ffmpeg.ffmpeg_preset = "REALTIME"
    ffmpeg.gopsize = 30
    ffmpeg.audio_codec = "AAC"
    ffmpeg.audio_bitrate = 160


def set_engine(scene: Scene, engine: Engine) -> None:
    """Choose what draws, with settings for a preview: two people, a few hundred frames, two CPU cores."""
    scene.render.use_simplify = False
    if engine == "workbench":
        _set_workbench(scene)
    elif engine == "eevee":
        _draw_with(scene, compat.eevee()).taa_render_samples = 16
    else:
        _set_cycles(scene, samples=1 if engine == "software" else 48, bounces=0 if engine == "software" else 4)
        if engine == "software":
            imitate_workbench(scene)


def _draw_with(scene: Scene, engine: str) -> Any:
    """Choose an engine and return its settings: which there are depends on the add-ons that are on, so no type can say."""
    render: Any = scene.render
    render.engine = engine
    return getattr(scene, {"BLENDER_WORKBENCH": "display", "CYCLES": "cycles"}.get(engine, "eevee"))


def _set_workbench(scene: Scene) -> None:
    display = _draw_with(scene, "BLENDER_WORKBENCH")
    display.render_aa = "OFF"  # without a GPU, smoothing costs five times the drawing
    shading = display.shading
    shading.light = "STUDIO"
    shading.studio_light = "paint.sl"  # the one of Blender's own that leaves no face in the dark
    # A texture where a material has one, its viewport colour elsewhere; a texture whose file is lost would be magenta.
    shading.color_type = "MATERIAL" if _textures_are_lost() else "TEXTURE"
    shading.show_specular_highlight = True
    shading.show_cavity = shading.show_shadows = shading.show_object_outline = False
    compat.view_plainly(scene)


def light_workbench() -> None:
    """Light Workbench's pictures so that both skins, hair, brows and eyes read. A preference: for processes that save none."""
    system = bpy.context.preferences.system
    system.use_studio_light_edit = True
    for lamp, (towards, diffuse, highlight, softness) in zip(system.solid_lights, _LAMPS, strict=True):
        lamp.use = True
        length = sum(value * value for value in towards) ** 0.5
        lamp.direction = [value / length for value in towards]
        lamp.diffuse_color, lamp.specular_color, lamp.smooth = diffuse, highlight, softness
    system.light_ambient = _AMBIENT


def _textures_are_lost() -> bool:
    images = [image for image in bpy.data.images if image.source == "FILE" and image.users and not image.packed_file]
    return any(not Path(bpy.path.abspath(image.filepath, library=image.library)).is_file() for image in images)


def _set_cycles(scene: Scene, samples: int, bounces: int) -> None:
    scene.render.use_persistent_data = True
    cycles = _draw_with(scene, "CYCLES")
    cycles.device = "CPU"
    cycles.samples = samples
    cycles.use_adaptive_sampling = bounces > 0
    cycles.use_denoising = bounces > 0
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = bounces
    compat.view_plainly(scene)


def imitate_workbench(scene: Scene) -> None:
    """Replace every material's shader by its viewport colour under studio lights fixed to the camera.

    Nothing is left to chance in such a picture: no light is sampled and no ray bounces, so one sample a pixel has no noise. The
    scene's materials are changed for good, so this belongs into a process that saves nothing.
    """
    for material in bpy.data.materials:
        _studio_shader(material)
    for ob in scene.objects:
        if ob.type == "LIGHT":
            ob.hide_render = True


def _studio_shader(material: Material) -> None:
    """Emission of colour times (ambient + sum of half-Lambert terms), normals in the camera's axes."""
    tree = compat.node_tree(material)
    image = tree.nodes.active if tree.nodes.active is not None and tree.nodes.active.type == "TEX_IMAGE" else None
    for node in [node for node in tree.nodes if node != image and node.type not in {"UVMAP", "TEX_COORD", "MAPPING"}]:
        tree.nodes.remove(node)
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    normal = tree.nodes.new("ShaderNodeVectorTransform")
    normal.vector_type, normal.convert_from, normal.convert_to = "NORMAL", "WORLD", "CAMERA"
    tree.links.new(geometry.outputs["Normal"], normal.inputs["Vector"])
    light = None
    for x, y, z, strength in _STUDIO:
        term = _lit(tree, normal.outputs["Vector"], (x, y, -z), strength)  # Cycles' camera looks along +Z
        light = term if light is None else _math(tree, "ADD", light, term)
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    if image is not None:
        tree.links.new(image.outputs["Color"], emission.inputs["Color"])
    else:
        emission.inputs["Color"].default_value = material.diffuse_color
    tree.links.new(light, emission.inputs["Strength"])
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])


def _lit(tree: Any, normal: Any, direction: tuple[float, float, float], strength: float) -> Any:
    dot = tree.nodes.new("ShaderNodeVectorMath")
    dot.operation = "DOT_PRODUCT"
    tree.links.new(normal, dot.inputs[0])
    length = sum(value * value for value in direction) ** 0.5
    dot.inputs[1].default_value = tuple(value / length for value in direction)
    half = _math(tree, "MULTIPLY_ADD", dot.outputs["Value"], 0.5, 0.5)
    return _math(tree, "MULTIPLY", _math(tree, "MULTIPLY", half, half), strength)


def _math(tree: Any, operation: str, *values: Any) -> Any:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for socket, value in zip(node.inputs, values, strict=False):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs["Value"]


def render(scene: Scene, video: Path, engine: Engine, on_frame: OnFrame, *, split: bool = False) -> None:
    """Draw the scene's frame range into ``video``; ``on_frame(done, total)`` is called after each frame.

    ``split``: what the scene's own cameras for it see (:mod:`.cameras`) in one picture, instead of what its camera sees.
    """
    set_engine(scene, engine)
    if not split:
        _draw(scene, video, SIZE, engine, on_frame)
        return
    for marker in scene.timeline_markers:
        marker.camera = None  # nothing of this scene is saved: each part is one camera's
    with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
        parts: list[tuple[Path, laying.Part]] = []
        for number, (view, size, middle) in enumerate(_SPLIT):
            scene.camera = cameras.view_of(scene, view)
            part = Path(folder, f"{number}.mp4")
            _draw(scene, part, size, engine, partial(_of_parts, on_frame, number))
            parts.append((part, (*middle, float(size[0]), float(size[1]))))
        set_output(scene, video)
        channel = _free_channel(scene)
        for i, (part, where) in enumerate(parts):
            laying.lay(scene, part, channel + i, scene.frame_start, where)
        scene.render.use_sequencer = True
        render_animation(scene, lambda done, total: None)


def _of_parts(on_frame: OnFrame, number: int, done: int, total: int) -> None:
    on_frame((number * total + done) // len(_SPLIT), total)


def _draw(scene: Scene, video: Path, size: tuple[int, int], engine: Engine, on_frame: OnFrame) -> None:
    """Draw what the scene's cameras see, ``size`` pixels large."""
    set_output(scene, video, size)
    if engine != "software":
        render_animation(scene, on_frame)
        return
    with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
        pictures = _draw_pictures(scene, Path(folder), on_frame)
        set_output(scene, video, size)
        strip = _show_pictures(scene, pictures)
        render_animation(scene, lambda done, total: None)
        compat.editor_of(scene).strips.remove(strip)


def render_animation(scene: Scene, on_frame: OnFrame) -> None:
    """Draw the frame range with what the scene is set to; ``on_frame(done, total)`` is called after each frame."""
    total = scene.frame_end - scene.frame_start + 1
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        on_frame(done, total)

    bpy.app.handlers.render_write.append(count)
    try:
        with compositing.files_kept():
            bpy.ops.render.render(animation=True, scene=scene.name)
    finally:
        bpy.app.handlers.render_write.remove(count)


def render_still(scene: Scene, path: Path) -> None:
    """Draw the frame that a scene is at, with what it is set to."""
    scene.render.filepath = as_output(path)
    with compositing.files_kept():
        bpy.ops.render.render(write_still=True, scene=scene.name)


def _draw_pictures(scene: Scene, folder: Path, on_frame: OnFrame) -> list[Path]:
    """Draw every second frame, a little smaller; return each frame's picture, every one of them twice."""
    compat.choose_image(scene, "JPEG")
    render = scene.render
    render.image_settings.quality = 95
    render.resolution_percentage = SOFTWARE_PERCENT
    frames = range(scene.frame_start, scene.frame_end + 1)
    pictures: list[Path] = []
    for frame in frames[::SOFTWARE_STEP]:
        scene.frame_set(frame)
        picture = folder / f"{frame:06}.jpg"
        render_still(scene, picture)
        pictures += [picture] * min(SOFTWARE_STEP, scene.frame_end + 1 - frame)
        on_frame(len(pictures), len(frames))
    return pictures


def _free_channel(scene: Scene) -> int:
    return 1 + max((strip.channel for strip in compat.editor_of(scene).strips), default=0)


def _show_pictures(scene: Scene, pictures: Sequence[Path]) -> Strip:
    """Lay the pictures over the scene in its sequencer, one a frame, filling the picture; sound strips stay as they are."""
    editor = compat.editor_of(scene)
    channel = _free_channel(scene)
    strip = editor.strips.new_image("Pictures", as_it_is(pictures[0]), channel, scene.frame_start, fit_method="FIT")
    for picture in pictures[1:]:
        image_strip(strip).elements.append(picture.name)
    compat.set_strip_length(strip, len(pictures))
    scene.render.use_sequencer = True
    return strip
