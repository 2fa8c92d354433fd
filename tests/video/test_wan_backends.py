"""Wan's backends on random models of diffusers' own classes: what they make, what they refuse, and what equals what."""

# pyright: reportPrivateImportUsage=false
# diffusers exports its classes lazily, which pyright does not see.

from __future__ import annotations

import shutil
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.errors import DuologueError
from duologue.video.backends import Region, Wish, open_backend
from duologue.video.conditions import Conditions
from duologue.video.keys import from_wan, to_wan
from duologue.video.network import VideoDenoiser
from examples_backends import EVENTS, PEOPLE, clip, cropped
from examples_video import drawn
from safetensors.torch import load_file, save_file
from test_backends import at_the_edge, made_by

pytest.importorskip("diffusers")
pytest.importorskip("PIL")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")
wan = pytest.importorskip("examples_wan")
parts = pytest.importorskip("duologue.video.backends.wan_denoiser")

SIZE = (32, 32)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a backend asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def vace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wan.write_vace(tmp_path_factory.mktemp("vace"))


@pytest.fixture(scope="module")
def parts_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wan.write_parts(tmp_path_factory.mktemp("parts"))


@pytest.mark.parametrize("mode", ["depth", "pose"])
def test_vace_makes_pictures(vace: Path, mode: str) -> None:
    backend = open_backend("wan-vace", vace, size=SIZE)
    one, again, other = (
        made_by(backend, clip(9), Wish(mode=mode, steps=2, seed=seed, prompt="two people")) for seed in (1, 1, 2)
    )
    assert one.shape == (9, 32, 32, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert backend.report.mode == mode
    assert set(backend.report.weights) == {"transformer", "vae", "text_encoder"}


def test_vace_is_shown_control_and_people(vace: Path) -> None:
    """Other depth, other references, another text: other pictures."""
    backend = open_backend("wan-vace", vace, size=SIZE)
    passes = clip(5)
    plain = made_by(backend, passes, Wish(steps=2))
    flat = replace(passes, passes=replace(passes.passes, depth=np.ones_like(passes.passes.depth)))
    nobody = next(backend.generate(passes, {}, EVENTS, Wish(steps=2))).rgb
    changed = [made_by(backend, flat, Wish(steps=2)), nobody, made_by(backend, passes, Wish(steps=2, prompt="cheek"))]
    assert all(not np.array_equal(plain, one) for one in changed)


def test_vace_a_region_and_a_stop(vace: Path) -> None:
    backend = open_backend("wan-vace", vace, size=SIZE)
    before = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3)).astype(np.uint8)
    region = Region("hand", lambda start, stop: before[start:stop])
    made = made_by(backend, clip(5), Wish(steps=2, region=region))
    inside = clip(5).passes.part == 19
    assert np.array_equal(made[~inside], before[~inside])
    assert not np.array_equal(made[inside], before[inside])
    polls = iter(range(100))
    assert not list(backend.generate(clip(5), PEOPLE, EVENTS, Wish(steps=4), lambda: next(polls) >= 3))


def test_vace_goes_on_from_the_last_pictures(vace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.video.backends.wan_vace.USUAL", 9)
    passes, wish = clip(17), Wish(steps=1, seed=4)
    found = list(open_backend("wan-vace", vace, size=SIZE).generate(passes, PEOPLE, EVENTS, wish))
    assert [(one.start, one.stop) for one in found] == [(0, 9), (9, 13), (13, 17)]
    rest = made_by(open_backend("wan-vace", vace, size=SIZE), passes, wish, since=found[0])
    assert np.array_equal(np.concatenate([found[0].rgb, rest]), np.concatenate([one.rgb for one in found]))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda root: (root / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "weights-missing"),
        (lambda root: shutil.rmtree(root / "tokenizer"), "weights-missing"),
        (lambda root: (root / "text_encoder" / "config.json").unlink(), "weights-missing"),
        (
            lambda root: (root / "text_encoder" / "model.safetensors").rename(root / "text_encoder" / "model.pth"),
            "weights-unsafe",
        ),
        (
            lambda root: shutil.copyfile(
                root / "vae" / "diffusion_pytorch_model.safetensors",
                root / "transformer" / "diffusion_pytorch_model.safetensors",
            ),
            "weights-foreign",
        ),
        (
            lambda root: (root / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(
                (root / "transformer" / "diffusion_pytorch_model.safetensors").read_bytes()[:-64]
            ),
            "weights-damaged",
        ),
    ],
)
def test_bad_folders_are_told_before_loading(vace: Path, tmp_path: Path, spoil: object, reason: str) -> None:
    root = tmp_path / "weights"
    shutil.copytree(vace, root)
    spoil(root)  # pyright: ignore[reportCallIssue]
    with pytest.raises(DuologueError) as error:
        open_backend("wan-vace", root, size=SIZE)
    assert error.value.reason == reason
    assert str(root) in error.value.message


def test_little_memory_is_told_before_loading(vace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.video.backends.memory.free_memory", lambda _: 1000)
    with pytest.raises(DuologueError) as error:
        open_backend("wan-vace", vace, size=SIZE)
    assert error.value.reason == "memory-short"


def test_without_diffusers(vace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.video.backends.wan_parts.find_spec", lambda _: None)
    with pytest.raises(DuologueError, match=r"duologue\[wan\]") as error:
        open_backend("wan-vace", vace, size=SIZE)
    assert error.value.reason == "backend-unavailable"


def headers_of(folder: Path) -> object:
    from duologue.video.backends.headers import read_headers

    return read_headers(folder)


def test_wan_in_our_stack_is_wan(tmp_path: Path) -> None:
    """Every size is read off the headers, and what Wan has not says nothing: its velocity is diffusers'."""
    theirs = wan.transformer()
    theirs.save_pretrained(tmp_path)
    config = parts.without_ours(parts.wan_config(headers_of(tmp_path), tmp_path))
    assert (config.width, config.layers, config.heads, config.text_width) == (24, 2, 2, wan.TEXT)
    ours = parts.build(config, headers_of(tmp_path), "cpu")
    x, text, t = drawn(1, 16, 3, 8, 8), drawn(1, 7, wan.TEXT, seed=3), torch.tensor([0.6])
    told = Conditions(torch.tensor([0]), text=text)
    x0 = ours(x, t, ours.prepare(told, "base", x.shape)).x0
    velocity = theirs(x, 1000 * t, text).sample
    torch.testing.assert_close(x0, x - 0.6 * velocity, atol=1e-4, rtol=0)


def test_in_sixteen_bits_it_is_nearly_the_same(tmp_path: Path) -> None:
    wan.transformer().save_pretrained(tmp_path)
    config = parts.without_ours(parts.wan_config(headers_of(tmp_path), tmp_path))
    x, text, t = drawn(1, 16, 3, 8, 8), drawn(1, 7, wan.TEXT, seed=3), torch.tensor([0.6])
    made = []
    for half in (False, True):
        net = parts.build(config, headers_of(tmp_path), "cpu", half=half)
        told = Conditions(torch.tensor([0]), text=text)
        made.append(net(x, t, net.prepare(told, "base", x.shape)).x0)
    assert made[1].dtype == torch.float32
    assert 0 < (made[0] - made[1]).abs().mean() < 0.02 * made[0].abs().mean()


def lora_folder(root: Path) -> tuple[Path, VideoDenoiser]:
    """Wan's parts, a plain transformer, and an adapter that was 'trained': drawn."""
    from duologue.video.backends.wan_adapter import adapt, save_adapter

    wan.write_parts(root)
    wan.transformer().save_pretrained(root / "transformer")
    headers = headers_of(root / "transformer")
    config = replace(
        parts.wan_config(headers, root / "transformer"), expert_width=4, spatial=2, temporal=2, prompts=2, window=3
    )
    net = VideoDenoiser(config)
    net.load_state_dict(from_wan(dict(headers.tensors()), net.state_dict()))  # pyright: ignore[reportAttributeAccessIssue]
    trained = adapt(net, rank=3)
    assert 0 < sum(p.numel() for p in trained.parameters()) < sum(p.numel() for p in net.parameters())
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    save_adapter(trained, config, root / "adapter", "adapter", {"steps": 0})
    return root, net.eval()


def test_an_adapter_comes_back(tmp_path: Path) -> None:
    """Merged into Wan's weights it is what it was beside them; in 16 bits on disk."""
    root, net = lora_folder(tmp_path)
    backend = open_backend("wan-lora", root, size=SIZE)
    built = backend.network()  # pyright: ignore[reportAttributeAccessIssue]
    x, text, t = drawn(1, 16, 3, 8, 8), drawn(1, 7, wan.TEXT, seed=3), torch.tensor([0.6])
    told = Conditions(torch.tensor([2]), text=text, structure=drawn(1, 16, 3, 8, 8, seed=8))
    mine, theirs = (one(x, t, one.prepare(told, "render", x.shape)).x0 for one in (built, net))
    off = (mine - theirs).abs().mean()
    assert off < 0.02 * theirs.abs().mean()
    plain = parts.build(net.config, headers_of(root / "transformer"), "cpu")
    assert (plain(x, t, plain.prepare(told, "render", x.shape)).x0 - theirs).abs().mean() > 10 * off


def test_lora_makes_pictures_and_goes_on(tmp_path: Path) -> None:
    root, _ = lora_folder(tmp_path)
    backend = open_backend("wan-lora", root, size=SIZE)
    wish = Wish(steps=1, seed=2, prompt="two people")
    found = list(backend.generate(clip(17), PEOPLE, EVENTS, wish))
    assert [one.start for one in found] == [0, 9]
    rest = made_by(open_backend("wan-lora", root, size=SIZE), clip(17), wish, since=found[0])
    assert np.array_equal(rest, found[1].rgb)
    other = replace_base(tmp_path)
    with pytest.raises(DuologueError, match="another size of Wan") as error:
        open_backend("wan-lora", other, size=SIZE)
    assert error.value.reason == "checkpoint-foreign"


def replace_base(root: Path) -> Path:
    """The same folder with a Wan of other sizes."""
    import diffusers

    shutil.rmtree(root / "transformer")
    diffusers.WanTransformer3DModel(**{**wan.SIZES, "num_layers": 1}).save_pretrained(root / "transformer")
    return root


def cointeract_folder(root: Path) -> Path:
    """Wan's parts, S2V's transformer in the original layout, and tensors by CoInteract's names."""
    wan.write_parts(root)
    theirs = wan.transformer()
    config_folder = root / "plain"
    theirs.save_pretrained(config_folder)
    config = parts.without_ours(parts.wan_config(headers_of(config_folder), config_folder))
    ours = parts.build(config, headers_of(config_folder), "cpu").state_dict()
    shutil.rmtree(config_folder)
    torch.manual_seed(3)
    width = config.width
    base = {name: value.contiguous() for name, value in to_wan(ours, "original").items()}
    base |= {
        "trainable_cond_mask.weight": torch.randn(3, width),
        "audio_injector.injector.0.q.weight": torch.randn(2, 2),
    }
    save_file(base, root / "diffusion_pytorch_model.safetensors")
    (root / "config.json").write_text('{"num_heads": 2}')
    own: dict[str, torch.Tensor] = {
        "depth_patch_embedding.weight": torch.randn(width, 16, 1, 2, 2),
        "depth_patch_embedding.bias": torch.randn(width),
        "depth_cond_mask.weight": torch.randn(1, width),
        "blocks.0.self_attn.q.lora_A.default.weight": torch.randn(4, width),
        "blocks.0.self_attn.q.lora_B.default.weight": torch.randn(width, 4),
        "blocks.1.ffn.ffn_base.0.lora_A.default.weight": torch.randn(4, width),
        "blocks.1.ffn.ffn_base.0.lora_B.default.weight": torch.randn(wan.INNER, 4),
    }
    for block in range(wan.LAYERS):
        ffn = f"blocks.{block}.ffn"
        own |= {
            f"{ffn}.router.0.weight": torch.randn(width // 2, width),
            f"{ffn}.router.3.weight": torch.randn(3, width // 2),
            f"{ffn}.router.3.bias": torch.randn(3),
            f"blocks.{block}.depth_modulation": torch.randn(1, 6, width),
        }
        for name in ("hand_expert", "face_expert"):
            own |= {
                f"{ffn}.{name}.fc1.weight": torch.randn(5, width),
                f"{ffn}.{name}.fc2.weight": torch.randn(width, 5),
            }
    save_file(own, root / "checkpoint.safetensors")
    return root


def test_cointeract_s_tensors_find_their_places(tmp_path: Path) -> None:
    root = cointeract_folder(tmp_path)
    own, base = load_file(root / "checkpoint.safetensors"), load_file(root / "diffusion_pytorch_model.safetensors")
    backend = open_backend("wan-cointeract", root, size=SIZE)
    found = backend.network().state_dict()  # pyright: ignore[reportAttributeAccessIssue]
    experts = "blocks.1.experts"
    assert torch.equal(found[f"{experts}.experts.0.2.weight"], own["blocks.1.ffn.face_expert.fc2.weight"])
    assert torch.equal(found[f"{experts}.experts.1.0.weight"], own["blocks.1.ffn.hand_expert.fc1.weight"])
    assert not found[f"{experts}.experts.2.2.weight"].any()
    # base, hand, face there; head, hand, base here
    assert torch.equal(found[f"{experts}.router.3.bias"], own["blocks.1.ffn.router.3.bias"].flip(0))
    table = torch.cat([base["blocks.0.modulation"], own["blocks.0.depth_modulation"]])
    assert torch.equal(found["blocks.0.table"], table)
    lora = [own[f"blocks.0.self_attn.q.lora_{part}.default.weight"] for part in "BA"]
    torch.testing.assert_close(
        found["blocks.0.attention.query.weight"], base["blocks.0.self_attn.q.weight"] + lora[0] @ lora[1]
    )
    inner = [own[f"blocks.1.ffn.ffn_base.0.lora_{part}.default.weight"] for part in "BA"]
    torch.testing.assert_close(
        found["blocks.1.feedforward.0.weight"], base["blocks.1.ffn.0.weight"] + inner[0] @ inner[1]
    )
    kinds = base["trainable_cond_mask.weight"]
    torch.testing.assert_close(found["enter.bias"], base["patch_embedding.bias"] + kinds[0])
    torch.testing.assert_close(found["kinds"][0], kinds[1] - kinds[0])
    assert torch.equal(found["kinds"][-1], own["depth_cond_mask.weight"][0])


@pytest.mark.parametrize("mode", ["dropped", "full"])
def test_cointeract_makes_pictures(tmp_path: Path, mode: str) -> None:
    backend = open_backend("wan-cointeract", cointeract_folder(tmp_path), size=SIZE)
    wish = Wish(mode=mode, steps=1, prompt="two people")
    made = made_by(backend, clip(9), wish)
    assert made.shape == (9, 32, 32, 3)
    assert backend.report.notes[0].startswith("1 tensors of Wan2.2-S2V and 0 of CoInteract's")
    told = (
        next(backend.generate(clip(9), PEOPLE, EVENTS, replace(wish, prompt=text))) for text in ("two people", "cheek")
    )
    one, other = (pictures.left["latents"] for pictures in told)
    assert np.abs(one - other).max() > 1e-5  # most of 512 tokens are empty


@pytest.mark.parametrize("name", ["wan-vace", "wan-lora", "wan-cointeract"])
def test_odd_sizes_are_those_of_whole_blocks_cropped(tmp_path: Path, name: str) -> None:
    written = {
        "wan-vace": wan.write_vace,
        "wan-lora": lambda root: lora_folder(root)[0],
        "wan-cointeract": cointeract_folder,
    }
    backend = open_backend(name, written[name](tmp_path), size=(27, 21))
    odd = cropped(clip(5), 27, 21)
    before = np.random.default_rng(0).integers(0, 255, (5, 21, 27, 3), np.uint8)
    wish = Wish(steps=1, prompt="two people", region=Region("hand", lambda start, stop: before[start:stop]))
    made, whole = (made_by(backend, passes, replace(wish, region=None)) for passes in (odd, at_the_edge(odd, 32)))
    assert np.array_equal(made, whole[:, :21, :27])
    hand = odd.passes.part == 19
    assert np.array_equal(made_by(backend, odd, wish)[~hand], before[~hand])


def test_cointeract_without_its_own_file(tmp_path: Path) -> None:
    root = cointeract_folder(tmp_path)
    shutil.copyfile(root / "diffusion_pytorch_model.safetensors", root / "checkpoint.safetensors")
    with pytest.raises(DuologueError, match="hand_expert") as error:
        open_backend("wan-cointeract", root, size=SIZE)
    assert error.value.reason == "weights-foreign"
    (root / "checkpoint.safetensors").unlink()
    with pytest.raises(DuologueError, match=r"checkpoint\.safetensors") as error:
        open_backend("wan-cointeract", root, size=SIZE)
    assert error.value.reason == "weights-missing"
