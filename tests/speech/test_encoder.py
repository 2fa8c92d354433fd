"""Exact frame times, chunks that agree, levels that don't matter, and pretrained encoders from a folder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from duologue.errors import DuologueError
from duologue.speech.encoder import EncodedSpeech, EncoderConfig, SpeechEncoder, at_motion_frames, gain

TINY = EncoderConfig.tiny()


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    torch.manual_seed(0)
    return SpeechEncoder(TINY).eval()


@pytest.mark.parametrize("config", [TINY, EncoderConfig()])
def test_one_frame_for_every_twenty_milliseconds_whatever_the_receptive_field(config: EncoderConfig) -> None:
    with torch.inference_mode():
        assert SpeechEncoder(config).eval()(torch.zeros(1, 16000)).shape == (1, 50, config.hidden)


def test_frame_k_is_centred_on_its_own_sound() -> None:
    # Only the convolutions: their receptive field around sample 320 k + 160 must be symmetric.
    encoder = SpeechEncoder(TINY).eval()
    samples = torch.zeros(1, 16000, requires_grad=True)
    padded = torch.nn.functional.pad(samples, (encoder._margin, encoder._margin))
    encoder.model.feature_extractor(padded)[0, :, 25].sum().backward()
    assert samples.grad is not None
    touched = torch.nonzero(samples.grad[0])[:, 0]
    assert (touched.min() + touched.max()).item() / 2 == pytest.approx(25 * 320 + 160, abs=1.5)


def test_motion_frames_are_looked_up_at_their_own_time() -> None:
    seconds = ((torch.arange(100) + 0.5) / 50)[None, :, None]  # a feature that is its own time
    times = at_motion_frames(seconds, 15, 30)[0, :, 0]
    np.testing.assert_allclose(times, (np.arange(30) + 15) / 30, atol=1e-6)


def test_chunks_do_not_depend_on_how_they_are_asked_for(encoder: SpeechEncoder) -> None:
    samples = np.random.default_rng(0).standard_normal((2, 16000 * 9)).astype(np.float32) * 0.1
    whole = EncodedSpeech(encoder, samples).frames(0, 270)
    piecewise = EncodedSpeech(encoder, samples)
    pieces = [piecewise.frames(start, min(start + 45, 270)) for start in range(0, 270, 45)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=0)


def test_memory_does_not_grow_with_the_clip(encoder: SpeechEncoder) -> None:
    speech = EncodedSpeech(encoder, np.zeros((2, 16000 * 60), np.float32))
    for start in range(0, 1800, 60):
        speech.frames(start, start + 60)
    assert len(speech._chunks) <= 8


def test_past_the_end_there_is_silence(encoder: SpeechEncoder) -> None:
    short = EncodedSpeech(encoder, np.ones((2, 8000), np.float32)).frames(0, 90)
    assert short.shape == (2, 90, 16)
    assert bool(torch.isfinite(short).all())


def test_the_level_of_a_recording_does_not_matter() -> None:
    speech = np.random.default_rng(1).standard_normal(32000).astype(np.float32)
    assert gain(speech * 0.02) * 0.02 == pytest.approx(gain(speech * 0.5) * 0.5, rel=1e-4)
    assert gain(np.zeros(32000, np.float32)) <= 30


def test_a_pretrained_encoder_is_read_from_its_folder(encoder: SpeechEncoder, tmp_path: Path) -> None:
    encoder.model.save_pretrained(tmp_path)
    read = SpeechEncoder.pretrained(tmp_path).eval()
    x = torch.randn(1, 6400) * 0.1
    with torch.inference_mode():
        torch.testing.assert_close(read(x), encoder(x))


def test_a_folder_without_an_encoder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as error:
        SpeechEncoder.pretrained(tmp_path)
    assert error.value.reason == "encoder-unreadable"
    assert str(tmp_path) in str(error.value)


def test_strides_that_do_not_make_twenty_milliseconds_are_refused() -> None:
    with pytest.raises(DuologueError, match="320"):
        EncoderConfig(conv_strides=(16, 5, 2, 1))


def test_phones_of_a_long_track_are_those_of_its_pieces() -> None:
    torch.manual_seed(0)
    encoder = SpeechEncoder(EncoderConfig.tiny(phone_head=True)).eval()
    samples = np.random.default_rng(1).standard_normal(16000 * 23 + 100).astype(np.float32) * 0.1
    heard = encoder.log_posteriors(samples)
    assert heard.shape == (23 * 50, 40)
    np.testing.assert_allclose(np.exp(heard).sum(-1), 1, atol=1e-5)
    # What is heard at 9 to 11 s, across the seam of two pieces, hangs on the sound around it alone.
    alone = encoder.log_posteriors(
        samples[8 * 16000 : 12 * 16000] * np.float32(gain(samples) / gain(samples[8 * 16000 : 12 * 16000]))
    )
    np.testing.assert_allclose(heard[450:550], alone[50:150], atol=0.05)
    assert encoder.log_posteriors(samples[:100]).shape == (0, 40)


def test_an_encoder_without_a_head_says_so() -> None:
    with pytest.raises(DuologueError) as error:
        SpeechEncoder(TINY).eval().log_posteriors(np.zeros(16000, np.float32))
    assert error.value.reason == "encoder-no-phones"
