"""How prominent words are: the network is the published one, and it hears which word of a real sentence is leant on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from duologue.brief.transcript import Word
from duologue.files import safetensors
from duologue.files.folders import demo_brief
from duologue.speech import prominence as module
from duologue.speech.prominence import WEIGHTS, ProminenceTrack, prominence, prominence_frames

WORDS = [Word(0.3, 0.6, "one"), Word(0.6, 0.75, "two"), Word(1.1, 1.9, "three")]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)


def test_it_is_the_published_network(noise: np.ndarray) -> None:
    """The same layers by torch's own convolutions and spectrogram, and transformers' mel bands."""
    torch = pytest.importorskip("torch")
    audio_utils = pytest.importorskip("transformers.audio_utils")
    arrays, _ = safetensors.load(WEIGHTS)
    weights = {name: torch.tensor(np.asarray(array, np.float32)) for name, array in arrays.items()}

    def convolution(values, name):
        return torch.nn.functional.conv1d(values, weights[f"{name}.weight"], weights[f"{name}.bias"], padding="same")

    begin = int(0.3 * 16_000) - 1024
    heard = torch.tensor(noise[begin : int(1.9 * 16_000) + 1024])[None]
    padded = torch.nn.functional.pad(heard[None], (432, 432), mode="reflect")[0]
    window = torch.hann_window(1024)
    spectra = torch.stft(padded, 1024, hop_length=160, window=window, center=False, return_complex=True)[0]
    bands = audio_utils.mel_filter_bank(513, 80, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    magnitude = torch.sqrt(spectra.abs() ** 2 + 1e-6)
    hidden = convolution(torch.log((torch.tensor(bands.T).float() @ magnitude).clamp(min=1e-5))[None], "input_layer")
    for layer in range(6):
        hidden = torch.relu(convolution(hidden, f"frame_encoder.{2 * layer}"))
    offset = begin / 16_000
    edges = [round((time - offset) * 100) for time in (offset, 0.3, 0.6, 0.75, 1.1, 1.9)]
    sums = [hidden[0, :, first:last].sum(1) for first, last in pairwise(edges)]
    embedded = torch.stack(sums, 1)[None]
    for layer in range(6):
        embedded = torch.relu(convolution(embedded, f"word_decoder.{2 * layer}"))
    scores = torch.sigmoid(convolution(embedded, "output_layer"))[0, 0].numpy()
    np.testing.assert_allclose(prominence(noise, WORDS), scores[[1, 2, 4]], atol=2e-3)


def test_frames_hold_a_words_score_and_are_zero_between(noise: np.ndarray) -> None:
    scores, frames = prominence(noise, WORDS), prominence_frames(noise, WORDS, 60)
    assert frames.shape == (60,)
    assert np.all(frames[9:18] == scores[0])
    assert np.all(frames[33:57] == scores[2])
    assert not frames[:9].any()
    assert not frames[24:33].any()
    assert not prominence_frames(noise, [], 60).any()


def test_long_speech_is_heard_in_blocks_and_sounds_the_same(noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.tile(noise, 4)
    words = [Word(at, at + 0.3, "x") for at in np.arange(0.2, 7.4, 0.4)]
    whole = prominence(samples, words)
    monkeypatch.setattr(module, "_BLOCK", 200)
    blocks = prominence(samples, words)
    assert len(blocks) == len(words)
    assert np.median(np.abs(blocks - whole)) < 0.1


def test_a_track_finds_the_same_a_stretch_at_a_time_in_any_order(noise: np.ndarray) -> None:
    samples = np.tile(noise, 12)
    words = [Word(at, at + 0.3, "x") for at in np.arange(0.2, 23.0, 0.4)]
    whole = prominence_frames(samples, words, 720)
    later, earlier = ProminenceTrack(samples, words), ProminenceTrack(samples, words)
    pieces = [later.frames(start, start + 90) for start in range(0, 720, 90)]
    backwards = [earlier.frames(start, start + 90) for start in range(630, -1, -90)][::-1]
    np.testing.assert_array_equal(np.concatenate(pieces), np.concatenate(backwards))
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=2e-3)
    assert not ProminenceTrack(samples, []).frames(10, 20).any()


def test_words_that_overlap_or_lie_after_the_end_have_a_score(noise: np.ndarray) -> None:
    words = [Word(0.2, 0.9, "long"), Word(0.5, 0.7, "inside"), Word(1.99, 2.4, "late"), Word(3.0, 3.5, "gone")]
    scores = prominence(noise, words)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


def test_in_the_demo_content_is_leant_on_more_than_articles() -> None:
    pytest.importorskip("soxr")
    soundfile = pytest.importorskip("soundfile")
    from duologue.brief import Brief
    from duologue.brief.transcript import parse
    from duologue.speech.resample import resample

    brief = Brief.load(demo_brief())
    light: list[float] = []
    strong: list[float] = []
    for performer in brief.performers:
        samples, rate = soundfile.read(Path(str(performer.speech.path)), dtype="float32")
        words = parse(performer.transcript)
        scores = prominence(resample(samples, rate, 16_000), words)
        for word, score in zip(words, scores.tolist(), strict=True):
            (
                light
                if word.text.lower() in {"a", "the", "to", "it", "and", "my", "for", "are", "we", "me"}
                else strong
            ).append(score)
    assert np.mean(strong) > 1.5 * np.mean(light)
