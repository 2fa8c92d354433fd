"""An adapter, trained on a random Wan of diffusers' own classes: it learns, Wan stays as it is, and the backend takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.training.loop import Optimisation
from duologue.video.backends import Wish, open_backend
from duologue.video.backends.wan_adapter import wans
from duologue.video.keys import to_wan
from duologue.video.sampling import sample_window
from duologue.video.training_settings import VideoTraining
from examples_backends import EVENTS, PEOPLE, clip
from safetensors.torch import load_file
from synthetic_clips import corpus

pytest.importorskip("diffusers")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")
wan = pytest.importorskip("examples_wan")
recipe = pytest.importorskip("duologue.recipes.wan_lora")
training = pytest.importorskip("duologue.video.backends.wan_training")

PARTS = {"expert_width": 4, "spatial": 2, "temporal": 2, "prompts": 2}
STEPS = 60


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = wan.write_parts(tmp_path_factory.mktemp("wan"))
    wan.noise_teller().save_pretrained(root / "transformer")
    return root


def rate(steps: int) -> Optimisation:
    return Optimisation(steps, 1e-2, batch=4, warm_up=10, betas=(0.9, 0.99), average=0.9)


def test_it_learns_a_clip_and_wan_stays_as_it_is(weights: Path, tmp_path: Path) -> None:
    """A clip is learned by heart; all that is Wan's is, bit for bit, what its files hold, which nobody has written."""
    files = {path: path.read_bytes() for path in weights.rglob("*.safetensors")}
    model, adapter = recipe.adapted(weights, rank=4, parts=PARTS)
    clips = recipe.encoded(model, weights, corpus(tmp_path / "clips", train=1), tmp_path)
    settings = VideoTraining(
        model.config, rate(STEPS), modes=(("add", 1.0),), mirrored=0.0, recoloured=0.0, sixteen=False
    )
    batch = training.AdapterTrainer(model, clips, settings, adapter).batch(np.random.default_rng(5), 0)
    assert batch.conditions.text is not None

    def error() -> float:
        with torch.inference_mode():
            made = sample_window(model.denoiser, batch.conditions, batch.noise[:, :16], "add", steps=4)
        return float((made - batch.truth.x0)[:, :, 1:].square().mean())

    before = error()
    training.train_on_wan(model, adapter, clips, tmp_path / "run", settings)
    assert error() < 0.3 * before
    assert all(path.read_bytes() == content for path, content in files.items())
    theirs = load_file(weights / "transformer" / "diffusion_pytorch_model.safetensors")
    mine = to_wan(wans(model.denoiser))
    assert len(mine) > 20
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    trained = {name for name, parameter in model.denoiser.named_parameters() if parameter.requires_grad}
    assert len(trained) == len(adapter.tensors())


def trained(weights: Path, folder: Path):
    if not (folder / "clips").is_dir():
        corpus(folder / "clips", train=1)
    return recipe.train_adapter(folder / "clips", weights, folder / "run", rank=4, optimisation=rate(2), parts=PARTS)


def test_a_stopped_run_goes_on_and_the_backend_takes_it(weights: Path, tmp_path: Path) -> None:
    whole = trained(weights, tmp_path)
    stamp = (tmp_path / "run" / "latents" / "picture.npy").stat().st_mtime_ns
    again = trained(weights, tmp_path)
    assert again.sha256 == whole.sha256
    assert (tmp_path / "run" / "latents" / "picture.npy").stat().st_mtime_ns == stamp
    for part in weights.iterdir():
        (tmp_path / part.name).symlink_to(part)
    (tmp_path / "adapter").symlink_to(whole.folder)
    backend = open_backend("wan-lora", tmp_path, size=(32, 32))
    made = list(backend.generate(clip(9), PEOPLE, EVENTS, Wish(steps=1, prompt="two people")))
    assert np.concatenate([one.rgb for one in made]).shape == (9, 32, 32, 3)
    assert backend.report.weights["adapter"] == whole.sha256


def test_what_is_said_of_clips(tmp_path: Path) -> None:
    clips = corpus(tmp_path, train=2)
    assert training.prompts_of(clips, clips.numbers("train")) == [
        "Two people face each other; the first person pokes the cheek of the second person.",
        "Two people face each other; the first person pokes the nose of the second person.",
    ]
