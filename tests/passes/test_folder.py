"""A clip on disk: as it was drawn, whole or not at all, and what ComfyUI is handed."""

from __future__ import annotations

import errno
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.passes import PASSES, Camera, Clip, Moment, Painter, PassFolder, load, merge, paint, png
from duologue.passes.comfy import grown, write_comfy
from duologue.passes.contract import HAND, HEAD, nearest_frames
from duologue.passes.options import Span, parse_frames, parse_size, usual_frames
from duologue.passes.references import crop, on_canvas, resized, shown_to_models
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from shapes import FRONT, ball, character, quad

SIZE = (64, 48)
CAMERA = Camera.looking((0.3, 1.5, 2.6), (0, 1.15, 0), aspect=64 / 48)


def moments(count: int = 5) -> list[Moment]:
    ben = character("ben", 2, 0.5, -1.2)
    return [Moment(merge([character("ada", 1, -0.5 + 0.01 * i, 1.2), ben]), CAMERA) for i in range(count)]


def fill(root: Path, wanted=tuple(PASSES), count: int = 5, **more) -> PassFolder:
    clip = moments(count)
    folder = PassFolder(root, Clip(SIZE, count, 15.0), wanted, {"source": "a test"}, **more)
    painter = Painter(SIZE, clip[0], None, (*wanted, "part", "depth"), 15.0)
    for i, now in enumerate(clip):
        folder.write(i, painter.draw(now, clip[i + 1] if i + 1 < count else None), {"frame": i})
    return folder


@settings(deadline=None)
@given(arrays(st.sampled_from([np.uint8, np.uint16]), array_shapes(min_dims=2, max_dims=2, max_side=9)), st.booleans())
def test_another_reader_reads_our_pictures(picture, coloured):
    picture = np.dstack([picture, picture // 2, picture // 3]) if coloured else picture
    np.testing.assert_array_equal(png._decode(png.encode(picture)), picture)
    if picture.dtype == np.uint8 or not coloured:  # Pillow reads 16 bits in grey alone
        import io

        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(png.encode(picture)))), picture)


def test_a_damaged_picture_is_named(tmp_path):
    path = tmp_path / "a.png"
    png.write(path, np.zeros((4, 4), np.uint8))
    whole = path.read_bytes()
    for broken in (b"", whole[:-20], whole[:40] + b"x" + whole[41:], b"GIF89a"):
        path.write_bytes(broken)
        with pytest.raises(DuologueError) as caught:
            png.read(path)
        assert caught.value.reason == "picture-malformed"
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(path)
    with pytest.raises(DuologueError, match="colour type 6"):
        png.read(path)


def test_what_is_read_is_what_was_drawn(tmp_path):
    fill(tmp_path / "clip").finish()
    drawn, read = paint(moments(), SIZE, fps=15.0), load(tmp_path / "clip")
    assert read.names == drawn.names
    for name in drawn.names:
        one, other = getattr(drawn, name).astype(np.float64), getattr(read, name).astype(np.float64)
        if name == "depth":
            np.testing.assert_array_equal(np.isinf(one), np.isinf(other))
            seen = np.isfinite(one)
            np.testing.assert_allclose(one[seen], other[seen], atol=0.002, err_msg="16-bit floats of 2 to 4 m")
        else:
            np.testing.assert_allclose(one, other, atol=1 / 64 if name == "flow" else 0, err_msg=name)
    assert read.depth_range == pytest.approx(drawn.depth_range)


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    folder = fill(tmp_path / "clip", ("part", "structure"), 1)
    before = {path: path.read_bytes() for path in (tmp_path / "clip").rglob("*") if path.is_file()}
    clip = moments(1)
    frame = Painter(SIZE, clip[0], None, ("part", "depth", "structure")).draw(clip[0])
    monkeypatch.setattr(Path, "write_bytes", _full)
    with pytest.raises(DuologueError) as caught:
        folder.write(0, frame, {})
    assert caught.value.reason == "disk-full"
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in (tmp_path / "clip").rglob("*") if path.is_file()} == before


def _full(self, data):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_clip_that_was_begun_goes_on_and_another_is_not_written_over(tmp_path):
    root = tmp_path / "clip"
    folder = fill(root, ("part", "depth"))
    (root / "part" / "0003.png").unlink()
    again = PassFolder(root, Clip(SIZE, 5, 15.0), ("part", "depth"), {"source": "a test"})
    assert [again.has(i) for i in range(5)] == [True, True, False, True, True]
    with pytest.raises(DuologueError, match="was not finished"):
        load(root)
    folder = fill(root, ("part", "depth"))
    folder.finish()
    assert PassFolder(root, Clip(SIZE, 5, 15.0), ("part", "depth"), {"source": "a test"}).complete
    for made_of, resume in (({"source": "other"}, True), ({"source": "a test"}, False)):
        with pytest.raises(DuologueError) as caught:
            PassFolder(root, Clip(SIZE, 5, 15.0), ("part", "depth"), made_of, resume=resume)
        assert caught.value.reason == "passes-there"
    again = fill(tmp_path / "cancelled", ("part", "depth"))
    again = PassFolder(again.root, Clip(SIZE, 5, 15.0), ("part", "depth"), {"source": "a test"}, resume=False)
    assert not any(again.has(i) for i in range(5)), "what was cancelled is made anew"
    mine = root / "notes.txt"
    mine.write_text("mine")
    PassFolder(root, Clip(SIZE, 5, 15.0), ("part",), {}, replace=True)
    assert not list(root.glob("depth/*"))
    assert mine.read_text() == "mine"


def test_what_is_no_clip_is_never_written_over(tmp_path):
    mine = tmp_path / "depth" / "0001.png"
    mine.parent.mkdir()
    mine.write_bytes(b"a render of mine")
    for replace in (False, True):
        with pytest.raises(DuologueError, match="no clip of passes") as caught:
            PassFolder(tmp_path, Clip(SIZE, 5, 15.0), ("part", "depth"), {}, replace=replace)
        assert caught.value.reason == "passes-there"
    assert mine.read_bytes() == b"a render of mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "clip.json").write_text("[1]")
    with pytest.raises(DuologueError, match="is damaged"):
        PassFolder(tmp_path / "other", Clip(SIZE, 5, 15.0), ("part",), {}, replace=True)


@pytest.mark.parametrize("missing", ["passes", "frames", "depth_range", "about_frames"])
def test_what_a_finished_clip_does_not_say_of_itself_is_named(tmp_path, missing):
    fill(tmp_path, ("part", "depth")).finish()
    about = json.loads((tmp_path / "clip.json").read_text())
    for value in (None, [{}], -1):
        (tmp_path / "clip.json").write_text(json.dumps({**about, missing: value}))
        with pytest.raises(DuologueError, match=missing) as caught:
            load(tmp_path)
        assert caught.value.reason == "passes-damaged"
    del about[missing]
    (tmp_path / "clip.json").write_text(json.dumps(about))
    if missing in {"depth_range", "about_frames"}:  # else it is another clip
        with pytest.raises(DuologueError, match=missing) as caught:
            PassFolder(tmp_path, Clip(SIZE, 5, 15.0), ("part", "depth"), {"source": "a test"})
        assert caught.value.reason == "passes-damaged"


def test_a_frame_of_which_nothing_is_known_is_named(tmp_path):
    folder = fill(tmp_path, ("part", "depth"))
    (tmp_path / ".frames" / "0002.json").write_text("{}")
    with pytest.raises(DuologueError, match=r"0002\.json") as caught:
        folder.finish()
    assert caught.value.reason == "passes-damaged"


@pytest.mark.parametrize("name", ["flow", "visible"])
def test_flow_and_what_it_is_seen_of_are_one_file(tmp_path, name):
    clip = moments(1)
    folder = PassFolder(tmp_path, Clip(SIZE, 1, 15.0), (name,), {})
    folder.write(0, Painter(SIZE, clip[0], None, (*folder.wanted, "part", "depth")).draw(clip[0]), {})
    assert folder.has(0)
    folder.finish()
    assert load(tmp_path).names == ("flow", "visible")


def test_what_is_missing_from_a_folder_is_named(tmp_path):
    with pytest.raises(DuologueError, match=r"has no clip\.json"):
        load(tmp_path)
    fill(tmp_path / "clip", ("part", "depth")).finish()
    with pytest.raises(DuologueError, match="has no pass flow"):
        load(tmp_path / "clip", ("flow",))
    png.write(tmp_path / "clip" / "part" / "0002.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DuologueError) as caught:
        load(tmp_path / "clip")
    assert caught.value.reason == "passes-mismatch"


# ComfyUI ----------------------------------------------------------------------------------------------------------------

NODES = {
    "UNETLoader": ({"unet_name", "weight_dtype"}, set(), ("MODEL",)),
    "CLIPLoader": ({"clip_name", "type"}, {"device"}, ("CLIP",)),
    "VAELoader": ({"vae_name"}, set(), ("VAE",)),
    "CLIPTextEncode": ({"text", "clip"}, set(), ("CONDITIONING",)),
    "LoadVideo": ({"file"}, set(), ("VIDEO",)),
    "GetVideoComponents": ({"video"}, set(), ("IMAGE", "AUDIO", "FLOAT")),
    "LoadImage": ({"image"}, set(), ("IMAGE", "MASK")),
    "ImageToMask": ({"image", "channel"}, set(), ("MASK",)),
    "WanVaceToVideo": (
        {"positive", "negative", "vae", "width", "height", "length", "batch_size", "strength"},
        {"control_video", "control_masks", "reference_image"},
        ("CONDITIONING", "CONDITIONING", "LATENT", "INT"),
    ),
    "ModelSamplingSD3": ({"model", "shift"}, set(), ("MODEL",)),
    "KSampler": (
        {
            "model",
            "seed",
            "steps",
            "cfg",
            "sampler_name",
            "scheduler",
            "positive",
            "negative",
            "latent_image",
            "denoise",
        },
        set(),
        ("LATENT",),
    ),
    "TrimVideoLatent": ({"samples", "trim_amount"}, set(), ("LATENT",)),
    "VAEDecode": ({"samples", "vae"}, set(), ("IMAGE",)),
    "CreateVideo": ({"images", "fps"}, {"audio"}, ("VIDEO",)),
    "SaveVideo": ({"video", "filename_prefix", "format", "codec"}, set(), ()),
}
"""Required inputs, optional ones and outputs, from Comfy-Org/ComfyUI at a125cd8 (12 October 2025): nodes.py and comfy_extras."""
TAKES = {
    "clip": "CLIP", "vae": "VAE", "model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "image": "IMAGE",
    "images": "IMAGE", "control_video": "IMAGE", "reference_image": "IMAGE", "control_masks": "MASK", "samples": "LATENT",
    "latent_image": "LATENT", "trim_amount": "INT", "video": "VIDEO",
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    pytest.importorskip("av", reason="PyAV is not installed (the extra `video`)")
    from duologue.passes.video import write_video

    root = tmp_path_factory.mktemp("clip")
    folder = fill(root)
    write_comfy(folder, write_video)
    folder.finish()
    return root


@pytest.mark.parametrize("name", ["workflow_control.json", "workflow_inpaint.json"])
def test_a_workflow_fits_comfyui_s_own_nodes(exported, name):
    graph = json.loads((exported / "comfy" / name).read_text())
    for node in graph.values():
        required, optional, _ = NODES[node["class_type"]]
        assert required <= node["inputs"].keys() <= required | optional, node
        for key, value in node["inputs"].items():
            if isinstance(value, list):
                outputs = NODES[graph[value[0]]["class_type"]][2]
                assert outputs[value[1]] == TAKES[key], (node["class_type"], key)
            elif key in {"file", "image"}:
                folder, _, file = value.partition("/")
                assert folder == "duologue"
                assert (exported / "comfy" / file).is_file()
    (vace,) = [node["inputs"] for node in graph.values() if node["class_type"] == "WanVaceToVideo"]
    assert (vace["width"], vace["height"], vace["length"]) == (*SIZE, 5)
    assert ("control_masks" in vace) == (name == "workflow_inpaint.json")


def video(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as file:
        assert file.streams.video[0].average_rate == Fraction(15)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def test_masks_are_white_where_it_is_generated_and_the_picture_is_grey_there(exported):
    clip = load(exported)
    comfy = exported / "comfy"
    masks = {kind: video(comfy / f"mask_{kind}.mp4")[..., 0] for kind in ("hand", "face", "inpaint")}
    for kind, part in (("hand", HAND), ("face", HEAD)):
        inside = (clip.part % 8 == part) & (clip.part > 8)
        assert inside.sum() > 50
        assert (masks[kind][inside] > 200).all(), kind
        assert masks[kind].max() > 250
        assert np.mean(masks[kind] < 20) > 0.7
    shown = video(comfy / "inpaint.mp4").astype(int)
    assert np.abs(shown[masks["inpaint"] > 250] - 127).mean() < 6
    outside = ~np.stack([grown(mask > 5, 6) for mask in masks["inpaint"]])  # H.264 shares colours between neighbours
    assert np.abs(shown - clip.beauty)[outside].mean() < 4
    depth = video(comfy / "control_depth.mp4")[..., 0].astype(int)
    assert depth.max() > 245
    assert (depth[np.isinf(clip.depth)] < 25).all()


@settings(deadline=None)
@given(st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_a_mask_grows_as_scipy_s_does(pixels, seed):
    from scipy.ndimage import binary_dilation

    mask = np.random.default_rng(seed).random((9, 13)) > 0.9
    square = np.ones((2 * pixels + 1, 2 * pixels + 1), bool)
    np.testing.assert_array_equal(grown(mask, pixels), binary_dilation(mask, square))


def test_references_show_one_person_on_white(exported):
    clip = load(exported)
    assert set(clip.references) == {"A", "B"}
    assert all({"full", "face"} <= set(views) for views in clip.references.values())
    both = np.array(Image.open(exported / "comfy" / "reference_AB.png"))
    assert both.shape == (*SIZE[::-1], 3)
    white = (both == 255).all(axis=2)
    assert 0.4 < white.mean() < 0.97
    assert not white[:, :32].all()
    assert not white[:, 32:].all()
    picture = np.full((8, 8, 3), 90, np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[2:6, 3:5] = True
    shown = crop(picture, mask)
    assert shown.shape == (6, 4, 3)
    assert (shown[1:5, 1:3] == 90).all()
    assert (shown[0] == 255).all()
    assert on_canvas([shown], (16, 16)).shape == (16, 16, 3)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_a_flat_picture_stays_flat_at_any_size(height, width, wanted):
    picture = np.full((height, width, 3), 77, np.uint8)
    assert (resized(picture, (wanted, wanted)) == 77).all()


def test_halving_takes_means():
    picture = np.array([[0, 100], [50, 250]], np.uint8)[..., None].repeat(3, 2)
    assert resized(picture, (1, 1)).tolist() == [[[100, 100, 100]]]


# What is asked for ------------------------------------------------------------------------------------------------------


def test_frames_and_sizes_as_they_are_typed():
    assert parse_frames("1:81") == Span(1, 81, 1)
    assert parse_frames("-3:13:4").count == 5
    assert parse_size("128") == (128, 128)
    assert parse_size("832x480") == (832, 480)
    assert usual_frames(1, 100) == Span(1, 81)
    assert usual_frames(5, 12) == Span(5, 9)
    assert [nearest_frames(n) for n in (1, 2, 3, 4, 5, 80, 82, 83, 84)] == [1, 1, 1, 5, 5, 81, 81, 81, 85]


@pytest.mark.parametrize(
    ("text", "reason", "offered"),
    [("1:80", "frames-shape", "81"), ("9:3", "frames-empty", "1:81"), ("1", "frames-malformed", "1:81"),
     ("1:5:0", "frames-malformed", "1:81")],
)  # fmt: skip
def test_frames_that_cannot_be_are_answered_with_some_that_can(text, reason, offered):
    with pytest.raises(DuologueError, match=offered) as caught:
        parse_frames(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "offered"), [("15", "16x16"), ("830x8", "830x16"), ("8x9999", "16x4096"), ("big", "832x480")]
)
def test_sizes_too(text, offered):
    with pytest.raises(DuologueError, match=offered) as caught:
        parse_size(text)
    assert caught.value.reason == "size-unsupported"


def test_the_command_refuses_before_a_blender_starts():
    from duologue.cli import app

    for arguments in (["--frames", "1:4"], ["--size", "9"], ["--pass", "colour"], ["--engine", "povray"]):
        with pytest.raises(DuologueError) as caught:
            app(["passes", "no.blend", "--out", "no", *arguments], standalone_mode=False)
        assert caught.value.exit_code == 2


def test_every_pass_of_a_moment_without_anybody_is_empty_but_right():
    empty = Moment(merge([ball((9, 9, 9)), quad((9, 9, 9), person=2, name="b")]), FRONT)
    drawn = Painter((32, 32), empty).draw(empty)
    assert set(drawn) == set(PASSES)
    for name, about in PASSES.items():
        assert drawn[name].shape == ((32, 32) if about.channels == 1 else (32, 32, about.channels))
    assert np.isinf(drawn["depth"]).all()
    assert not drawn["structure"].any()


def test_models_are_shown_no_more_than_a_message_holds(tmp_path):
    """A large clip's references shrink, a small one's stay; both sides alike."""
    rng = np.random.default_rng(0)
    (tmp_path / "reference").mkdir()
    small, large = rng.integers(0, 255, (90, 70, 3), np.uint8), np.full((1300, 900, 3), 77, np.uint8)
    png.write(tmp_path / "reference" / "A_face.png", small)
    png.write(tmp_path / "reference" / "B_full.png", large)
    found = shown_to_models(tmp_path)
    assert np.array_equal(found["A"]["face"], small)
    assert found["B"]["full"].shape == (600, 415, 3)
    assert (found["B"]["full"] == 77).all()
