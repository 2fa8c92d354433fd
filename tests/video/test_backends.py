"""Backends that need nothing from outside: what they make, go on with, leave alone and refuse; weights judged by headers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.errors import DuologueError
from duologue.passes.contract import Passes
from duologue.passes.sources import HeldPasses
from duologue.video.backends import BACKENDS, Backend, Pictures, Region, Wish, described, open_backend
from duologue.video.backends.headers import read_headers
from duologue.video.backends.memory import Need, choose
from duologue.video.backends.protocol import Event, main_pattern
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.video.latents import blocks
from duologue.video.scene import colours
from examples_backends import EVENTS, PEOPLE, clip, cropped
from examples_video import network
from safetensors.torch import save_file

CONFIG = VideoConfig.named("tiny")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with nothing of it at zero, its bases fitted to the clip."""
    made = VideoModel.untrained(CONFIG)
    made.denoiser.load_state_dict(network(CONFIG).state_dict())
    for basis, name in ((made.picture, "beauty"), (made.structure, "structure")):
        basis.fit([blocks(colours(clip().read(name, 0, 17))[None], begins=True).flatten(0, 3)])
    return made.save(tmp_path_factory.mktemp("video"), "video", {"steps": 0}).folder


def made_by(backend: Backend, passes: HeldPasses, wish: Wish, **options: object) -> np.ndarray:
    found = list(backend.generate(passes, PEOPLE, EVENTS, wish, **options))  # pyright: ignore[reportArgumentType]
    starts = [pictures.start for pictures in found]
    assert starts == sorted(starts)
    return np.concatenate([pictures.rgb for pictures in found])


def test_carried_is_the_pass_relit() -> None:
    backend = open_backend("carried")
    assert np.array_equal(made_by(backend, clip(), Wish()), clip().passes.relit)
    hand = (clip().passes.part == 19).sum() / (clip().passes.part > 0).sum()
    assert backend.report.notes[0].startswith(f"{100 * hand:.0f} %")


def at_the_edge(passes: HeldPasses, side: int) -> HeldPasses:
    """The clip with its last row and column repeated up to a square."""
    held, (width, height) = passes.passes, passes.size
    rows, columns = (np.minimum(np.arange(side), last - 1) for last in (height, width))
    return replace(passes, passes=replace(held, **{n: getattr(held, n)[:, rows][:, :, columns] for n in held.names}))


@pytest.mark.parametrize(("name", "mode"), [("carried", ""), ("tiny", "render"), ("tiny", "full"), ("tiny", "dropped")])
def test_odd_sizes_are_those_of_whole_blocks_cropped(weights: Path, name: str, mode: str) -> None:
    """Whole, a part again, and gone on with."""
    backend = open_backend(name, weights if name == "tiny" else None, size=(27, 21))
    odd, wish = cropped(clip(53), 27, 21), Wish(mode=mode, steps=2, seed=3)
    made = made_by(backend, odd, wish)
    assert np.array_equal(made, made_by(backend, at_the_edge(odd, 32), wish)[:, :21, :27])
    first = next(backend.generate(odd, PEOPLE, EVENTS, wish))
    rest = made_by(backend, odd, wish, since=Pictures(first.stop, first.rgb[:0], first.left))
    assert np.array_equal(np.concatenate([first.rgb, rest]), made)
    before = np.random.default_rng(0).integers(0, 255, made.shape, np.uint8)
    again = made_by(backend, odd, replace(wish, region=Region("hand", lambda start, stop: before[start:stop])))
    hand = odd.passes.part == 19
    assert np.array_equal(again[~hand], before[~hand])
    assert not np.array_equal(again[hand], before[hand])


@pytest.mark.parametrize("mode", ["render", "add", "stream", "full", "base", "dropped"])
def test_tiny_makes_every_mode(weights: Path, mode: str) -> None:
    backend = open_backend("tiny", weights)
    assert mode in backend.modes
    made = made_by(backend, clip(), Wish(mode=mode, steps=1))
    assert made.shape == (17, 32, 32, 3)
    assert backend.report.mode == mode
    assert len(backend.report.weights["video"]) == 64


def test_the_paper_s_word_for_base(weights: Path) -> None:
    backend = open_backend("tiny", weights)
    base, dropped = (made_by(backend, clip(), Wish(mode=mode, steps=2)) for mode in ("base", "dropped"))
    assert np.array_equal(base, dropped)


def test_a_run_that_is_gone_on_with_is_the_same(weights: Path) -> None:
    """Stopped after a window and taken up by another process, from what was left alone: the same pictures, bit for bit."""
    wish, passes = Wish(steps=2, seed=3), clip(53)
    whole = made_by(open_backend("tiny", weights), passes, wish)
    first = next(open_backend("tiny", weights).generate(passes, PEOPLE, EVENTS, wish))
    left = Pictures(first.stop, np.zeros((0, 0, 0, 3), np.uint8), first.left)
    rest = made_by(open_backend("tiny", weights), passes, wish, since=left)
    assert first.stop == 17
    assert np.array_equal(np.concatenate([first.rgb, rest]), whole)


def test_a_stopped_run_ends_with_what_was_whole(weights: Path) -> None:
    polls = iter(range(100))
    made = made_by(open_backend("tiny", weights), clip(53), Wish(steps=4), should_stop=lambda: next(polls) >= 6)
    assert len(made) == 17


@pytest.mark.parametrize("name", ["tiny", "carried"])
@pytest.mark.parametrize("region", ["hand", "face"])
def test_a_region_again_leaves_all_other_pixels(weights: Path, name: str, region: str) -> None:
    backend = open_backend(name, weights if name == "tiny" else None)
    passes = clip()
    before = np.random.default_rng(0).integers(0, 255, (17, 32, 32, 3)).astype(np.uint8)
    asked = Region(region, lambda start, stop: before[start:stop])
    made = made_by(backend, passes, Wish(steps=2, seed=9, region=asked))
    inside = np.isin(passes.passes.part, (19,) if region == "hand" else (10, 18))  # pyright: ignore[reportArgumentType]
    assert np.array_equal(made[~inside], before[~inside])
    assert (made[inside] != before[inside]).mean() > 0.9


def test_a_pattern_that_was_not_learned_is_said(weights: Path) -> None:
    backend = open_backend("tiny", weights)
    list(backend.generate(clip(), PEOPLE, (Event("pat-back", "A", "B", 0, 9),), Wish(steps=1)))
    assert "pat-back" in backend.report.notes[0]


def test_no_checkpoint_says_how_to_come_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.checkpoints.store.list_checkpoints", list)
    with pytest.raises(DuologueError) as error:
        open_backend("tiny")
    assert error.value.reason == "weights-missing"
    for words in ("duologue train video", "duologue models import", "--backend carried"):
        assert words in error.value.message


@pytest.mark.parametrize("name", ["wan-vace", "wan-cointeract", "wan-lora"])
def test_weights_of_one_s_own_are_asked_for(name: str, tmp_path: Path) -> None:
    for where in (None, tmp_path / "nowhere"):
        with pytest.raises(DuologueError) as error:
            open_backend(name, where)
        assert error.value.reason == "weights-missing"


def test_unknown_names() -> None:
    for ask in (
        lambda: open_backend("wan-vca"),
        lambda: open_backend("carried").generate(clip(), {}, (), Wish(mode="render")),
    ):
        with pytest.raises(DuologueError) as error:
            ask()
        assert error.value.reason == "unknown-label"
    with pytest.raises(DuologueError) as error:
        open_backend("wan-vca")
    assert "wan-vace" in error.value.message
    assert BACKENDS[0] == "carried"


def test_a_missing_pass_is_named() -> None:
    bare = HeldPasses(Passes(part=clip().passes.part), 15.0)
    with pytest.raises(DuologueError, match="relit") as error:
        list(open_backend("carried").generate(bare, {}, (), Wish()))
    assert error.value.reason == "passes-missing"


def test_what_happens_in_words() -> None:
    assert described(EVENTS) == "Two people face each other; the second person strokes the cheek of the first person."
    mine = Event("poke-nose", "A", "A", 0, 2)
    assert "pokes their own nose" in described([mine])
    assert "they talk" in described([])
    assert main_pattern([mine, *EVENTS]) == "stroke-cheek"


def reason(place: Path, check: dict[str, tuple[int, ...]] | None = None) -> tuple[str, str]:
    with pytest.raises(DuologueError) as error:
        read_headers(place).check(check or {}, "this model")
    return error.value.reason, error.value.message


def test_headers_of_one_file_and_of_shards(tmp_path: Path) -> None:
    parts = [{"a.weight": torch.ones(2, 3)}, {"b.weight": torch.ones(4, dtype=torch.bfloat16)}]
    for number, part in enumerate(parts):
        save_file(part, tmp_path / f"part-{number}.safetensors")
    index = {"weight_map": {"a.weight": "part-0.safetensors", "b.weight": "part-1.safetensors"}}
    (tmp_path / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    found = read_headers(tmp_path)
    assert {name: entry.shape for name, entry in found.items()} == {"a.weight": (2, 3), "b.weight": (4,)}
    assert found.numbers == 10
    assert found["b.weight"].dtype == "BF16"
    assert torch.equal(dict(found.tensors(["a.weight"]))["a.weight"], parts[0]["a.weight"])
    print_ = found.fingerprint()
    save_file({"a.weight": torch.zeros(2, 3)}, tmp_path / "part-0.safetensors")
    assert read_headers(tmp_path).fingerprint() != print_
    (tmp_path / "part-1.safetensors").unlink()
    assert reason(tmp_path)[0] == "weights-missing"
    assert "part-1.safetensors" in reason(tmp_path)[1]


def test_bad_weights_are_told_apart(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "model.pth")
    assert reason(tmp_path)[0] == "weights-unsafe"
    assert reason(tmp_path / "model.pth")[0] == "weights-unsafe"
    assert "model.pth" in reason(tmp_path)[1]
    path = tmp_path / "diffusion_pytorch_model.safetensors"
    save_file({"double_blocks.0.weight": torch.ones(50, 50)}, path)
    found, message = reason(tmp_path, {"patch_embedding.weight": (1,)})
    assert found == "weights-foreign"
    assert "patch_embedding.weight" in message
    assert "Flux" in message
    assert "has [9] there" in reason(tmp_path, {"double_blocks.0.weight": (9,)})[1]
    whole = path.read_bytes()
    for cut in (whole[:-100], whole[:20], b"", b"PK\x03\x04" + whole):
        path.write_bytes(cut)
        found, message = reason(tmp_path)
        assert found == "weights-damaged"
        assert path.name in message


def test_memory_is_asked_before() -> None:
    need = Need({"transformer": 28_000_000_000, "text_encoder": 11_000_000_000}, 700_000_000, 2_000_000_000)
    assert choose(need, "cuda:0", free=80_000_000_000) == "whole"
    assert choose(need, "cuda:0", free=34_000_000_000) == "models"
    assert choose(need, "cuda:0", free=12_000_000_000) == "blocks"
    for device, free in (("cuda:0", 2_000_000_000), ("cpu", 12_000_000_000)):
        with pytest.raises(DuologueError) as error:
            choose(need, device, free=free)
        assert error.value.reason == "memory-short"
    assert "3.54 GB a block at a time" in _short(need)


def _short(need: Need) -> str:
    with pytest.raises(DuologueError) as error:
        choose(need, "cuda:0", free=1)
    return error.value.message
