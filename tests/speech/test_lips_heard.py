"""Closures that the ear hears: in the order of time, whole across chunks, and none where the words are known."""

import numpy as np
import torch
from duologue.speech.encoder import EncodedSpeech, EncoderConfig, SpeechEncoder
from duologue.speech.lips_heard import lips_heard, told_or_heard
from duologue.speech.phones import INDEX, PHONES, Phone


class Heard(EncodedSpeech):
    """Speech of which it is known how likely each phone is, (T, 40)."""

    names_phones = True

    def __init__(self, likely: np.ndarray) -> None:
        self.likely = likely
        self.asked: list[int] = []

    def phones(self, who: int, start: int, stop: int) -> np.ndarray:
        self.asked.append(stop)
        return self.likely[start:stop]


def likely(frames: int, **spans: list[tuple[int, int, float]]) -> Heard:
    """Silence but for phones in frames [start, stop)."""
    table = np.zeros((frames, len(PHONES)), np.float32)
    for name, stretches in spans.items():
        for start, stop, chance in stretches:
            table[start:stop, INDEX[name]] = chance
    table[:, 0] = 1 - table.sum(1)
    return Heard(table)


def test_what_is_heard_over_the_edge_of_a_chunk_is_one_phone() -> None:
    # A b that two phones share, one m from frame 58 to 63 (chunks are 60 frames), a p that is doubted, and an f.
    speech = likely(150, B=[(10, 12, 0.3)], P=[(10, 12, 0.3), (100, 102, 0.25)], M=[(58, 63, 0.9)], F=[(30, 33, 0.8)])
    phones = list(lips_heard(speech, 0, 150))
    assert [(p.name, round(p.start * 30 + 0.5), round(p.end * 30 + 0.5)) for p in phones if p.name != "SIL"] == [
        ("P", 10, 12),
        ("F", 30, 33),
        ("P", 58, 63),
    ]
    starts = [phone.start for phone in phones]
    assert starts == sorted(starts)
    assert max(p.end for p in phones) <= 150 / 30


def test_sound_is_not_heard_ahead_of_what_is_asked_for() -> None:
    speech = likely(600, P=[(10, 13, 0.9), (500, 503, 0.9)])
    coming = lips_heard(speech, 0, 600)
    assert next(coming).name == "P"
    assert next(coming).name == "SIL"
    assert max(speech.asked) == EncodedSpeech.CHUNK


def test_known_words_are_not_overheard() -> None:
    speech = likely(90, P=[(10, 13, 0.9)])
    told = [Phone(1.0, 1.1, "M")]
    assert list(told_or_heard(told, speech, 0, slice(0, 90))) == told
    heard = [p for p in told_or_heard([], speech, 0, slice(300, 390)) if p.name == "P"]
    assert [round(p.start * 30 + 0.5) for p in heard] == [310]


def test_an_ear_without_a_head_hears_none() -> None:
    encoder = SpeechEncoder(EncoderConfig.tiny()).eval()
    speech = EncodedSpeech(encoder, np.zeros((2, 32000), np.float32))
    assert not list(lips_heard(speech, 0, 60))


def test_phones_at_motion_frames_are_those_of_the_whole_track() -> None:
    torch.manual_seed(0)
    encoder = SpeechEncoder(EncoderConfig.tiny(phone_head=True)).eval()
    track = np.random.default_rng(0).standard_normal(16000 * 4).astype(np.float32) * 0.1
    every = encoder.log_posteriors(track)
    mine = EncodedSpeech(encoder, np.stack([track, 0 * track])).phones(0, 30, 60)
    at = np.arange(30, 60) / 30 * 50 - 0.5  # logits lie between those of the two nearest 20 ms
    low = np.floor(at).astype(int)
    between = every[low] + (at - low)[:, None] * (every[low + 1] - every[low])
    expected = np.exp(between) / np.exp(between).sum(-1, keepdims=True)
    late = np.roll(expected, 3, axis=0)
    assert np.abs(mine - expected).mean() < 0.3 * np.abs(mine - late).mean()
