"""The lists of docs/reference/formats.md are true: each row has a maker of such files here, and each is read as that."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.arkit import NAMES
from duologue.diagnosis.files import examine_file
from duologue.interactions.track import InteractionTrack, Layer, Touch
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.skeleton import Skeleton
from duologue.rigs.rig_map import RigMap
from duologue.rigs.shape_map import ShapeMap

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"
Maker = Callable[[Path], Iterable[Path]]


def rows(page: str, header: str) -> list[str]:
    """Return the first cells of all tables whose first column is called so."""
    text = (PAGES / page).read_text(encoding="utf-8")
    tables = re.findall(rf"^\| {header} \|.*\n\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert tables
    return [line.split("|")[1].strip() for table in tables for line in table.splitlines()]


# --- sounds ---------------------------------------------------------------------------------------------------------

RATE = 16_000
HUM = 0.3 * np.sign(np.sin(2 * np.pi * 150 * np.arange(2 * RATE) / RATE))


def sounds(*kinds: tuple[str, str, str]) -> Maker:
    def make(folder: Path) -> Iterable[Path]:
        for suffix, container, subtype in kinds:
            path = folder / f"{container}_{subtype}{suffix}"
            soundfile.write(path, HUM, RATE, format=container, subtype=subtype)
            yield path

    return make


def piped(folder: Path) -> Iterable[Path]:
    (plain,) = sounds((".wav", "WAV", "PCM_16"))(folder)
    data = plain.read_bytes()
    at = data.index(b"data") + 4
    for size in (0x7FFFF000, 0x7FFFFF00, 0xFFFFFFFF, 0):
        path = folder / f"{size:x}.wav"
        path.write_bytes(data[:at] + struct.pack("<I", size) + data[at + 4 :])
        yield path


def encoded(*files: tuple[str, str, int]) -> Maker:
    """Sounds and videos as FFmpeg writes them: suffix, codec, rate."""

    def make(folder: Path) -> Iterable[Path]:
        av = pytest.importorskip("av", reason="PyAV is not installed (the extra `hear`)")
        for suffix, codec, rate in files:
            path = folder / f"{codec}{suffix}"
            with av.open(path, "w") as file:
                stream = file.add_stream(codec, rate=rate, layout="mono")
                if codec == "wmav2":
                    stream.codec_context.bit_rate = 96_000
                whole = av.AudioFrame.from_ndarray(HUM[None].astype(np.float32), "fltp", "mono")
                whole.sample_rate = RATE
                fifo = av.AudioFifo()
                for frame in av.AudioResampler(stream.codec_context.format, "mono", rate).resample(whole):
                    frame.pts = None
                    fifo.write(frame)
                while frame := fifo.read(stream.codec_context.frame_size or 1024, partial=True):
                    file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
            yield path

    return make


SOUNDS: dict[str, Maker] = {
    "WAV, PCM": sounds(
        *((".wav", "WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"))
    ),
    "WAV, A-law, µ-law, ADPCM": sounds(*((".wav", "WAV", kind) for kind in ("ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM"))),
    "WAV from a pipe": piped,
    "RF64, W64": sounds((".wav", "RF64", "PCM_16"), (".w64", "W64", "PCM_16")),
    "FLAC": sounds((".flac", "FLAC", "PCM_16"), (".flac", "FLAC", "PCM_24")),
    "Ogg Vorbis, Opus": sounds((".ogg", "OGG", "VORBIS"), (".opus", "OGG", "OPUS")),
    "MP3": sounds((".mp3", "MP3", "MPEG_LAYER_III")),
    "AIFF, AU, CAF": sounds((".aiff", "AIFF", "PCM_16"), (".au", "AU", "PCM_16"), (".caf", "CAF", "PCM_16")),
    "M4A, AAC, 3GP, AMR, WMA": encoded(
        (".m4a", "aac", 44_100), (".m4a", "alac", 48_000), (".aac", "aac", 48_000), (".3gp", "libopencore_amrnb", 8_000),
        (".amr", "libopencore_amrnb", 8_000), (".wma", "wmav2", 44_100),
    ),
    "MP4, MOV, MKV, WebM, AVI": encoded(
        (".mp4", "aac", 48_000), (".mov", "aac", 48_000), (".mkv", "flac", 48_000), (".webm", "libopus", 48_000),
        (".avi", "pcm_s16le", 48_000),
    ),
}  # fmt: skip


def test_every_sound_of_the_list_is_tried() -> None:
    assert rows("formats.md", "sound") == list(SOUNDS)


@pytest.mark.parametrize("row", SOUNDS)
def test_a_sound_is_heard_whole(row: str, tmp_path: Path) -> None:
    for path in SOUNDS[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        assert examined.kind == "a sound"
        assert examined.facts["length_s"] == pytest.approx(2.0, abs=0.15), path.name
        assert examined.facts["length_promised_s"] in (None, pytest.approx(2.0, abs=0.15)), path.name
        assert examined.facts["codec"]
        assert examined.facts["channels"] == 1
        assert examined.facts["speech_level_db"] == pytest.approx(-10.5, abs=2), path.name


# --- transcripts ----------------------------------------------------------------------------------------------------

GOOD, EVENING = {"start": 0.5, "end": 1.0}, {"start": 1.0, "end": 1.5}
SHORT = '"ooTextFile"\n"TextGrid"\n0 2 ! seconds\n<exists>\n1\n"IntervalTier" "words"\n0 2\n2\n0.5 1 "good"\n1 1.5 "evening"\n'
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0.5
            xmax = 1
            text = "good"
        intervals [2]:
            xmin = 1
            xmax = 1.5
            text = "evening"
"""
ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.50,Default,ANNA,0,0,0,,good evening
"""


def texts(*files: tuple[str, str | object]) -> Maker:
    def make(folder: Path) -> Iterable[Path]:
        for number, (suffix, content) in enumerate(files):
            path = folder / f"{number}{suffix}"
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
            yield path

    return make


def words(key: str = "word", **more: object) -> list[dict[str, object]]:
    return [{**GOOD, key: " good", **more}, {**EVENING, key: " evening", **more}]


LINE = {"start": 0.5, "end": 1.5, "text": " good evening"}
ENTRIES = [[0.5, 1.0, "good"], [1.0, 1.5, "evening"]]
TRANSCRIPTS: dict[str, Maker] = {
    "SubRip": texts((".srt", "1\n00:00:00,500 --> 00:00:01,500\ngood evening\n")),
    "WebVTT": texts((".vtt", "WEBVTT\n\nNOTE no\n\nname\n00:00.500 --> 00:01.500\n<v Anna>good evening\n")),
    "SubStation Alpha": texts((".ass", ASS), (".ssa", ASS)),
    "Praat TextGrid, long": texts((".TextGrid", LONG)),
    "Praat TextGrid, short": texts((".TextGrid", SHORT)),
    "openai-whisper, faster-whisper": texts(
        (".json", {"text": " good evening", "segments": [{**LINE, "words": words(probability=0.9)}]}),
        (".json", {"text": " good evening", "segments": [LINE]}),
        (".json", [{**LINE, "words": words(probability=0.9)}]),
    ),
    "WhisperX": texts((".json", {"segments": [{**LINE, "words": [words()[0], {"word": "evening"}]}], "word_segments": []})),
    "whisper.cpp": texts((".json", {"transcription": [{"offsets": {"from": 500, "to": 1500}, "text": " good evening"}]})),
    "Hugging Face pipelines": texts((".json", {"text": "", "chunks": [{"text": " good evening", "timestamp": [0.5, 1.5]}]})),
    "Montreal Forced Aligner": texts(
        (".json", {"tiers": {"words": {"type": "interval", "entries": ENTRIES}}}),
        (".json", {"xmin": 0, "tiers": [{"class": "IntervalTier", "name": "words", "entries": ENTRIES}]}),
    ),
    "gentle": texts((".json", {"transcript": "", "words": [{**words()[0], "case": "success"}, {"word": "evening"}]})),
    "aeneas": texts((".json", {"fragments": [{"begin": "0.5", "end": "1.5", "lines": ["good evening"]}]})),
    "vosk": texts(
        (".json", {"result": words(conf=1.0), "text": "good evening"}),
        (".json", "\n".join(json.dumps({"result": [word], "text": ""}) for word in words(conf=1.0))),
    ),
    "Deepgram": texts((".json", {"results": {"channels": [{"alternatives": [{"transcript": "", "words": words()}]}]}})),
    "Amazon Transcribe": texts((".json", {"results": {"items": [
        {"start_time": str(word["start"]), "end_time": str(word["end"]), "alternatives": [{"content": word["word"]}]}
        for word in words()
    ]}})),
    "Google Speech-to-Text": texts((".json", {"results": [{"alternatives": [{"words": [
        {"startTime": f"{word['start']}s", "endTime": f"{word['end']}s", "word": word["word"]} for word in words()
    ]}]}]})),
    "AssemblyAI": texts((".json", {"status": "completed", "words": [
        {"text": word["word"], "start": round(1000 * word["start"]), "end": round(1000 * word["end"])} for word in words()
    ]})),
    "a list of words or lines": texts((".json", [LINE]), (".json", words("text"))),
    "text": texts((".txt", "good evening\n")),
}  # fmt: skip


def test_every_transcript_of_the_list_is_tried() -> None:
    assert rows("formats.md", "transcript") == list(TRANSCRIPTS)


@pytest.mark.parametrize("row", TRANSCRIPTS)
def test_a_transcript_is_read(row: str, tmp_path: Path) -> None:
    for path in TRANSCRIPTS[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        assert examined.kind == "a transcript"
        assert examined.facts["first_words"] == "good evening"
        if row != "text":
            assert examined.facts["first_s"] == pytest.approx(0.5)


# --- scripts --------------------------------------------------------------------------------------------------------

SCRIPTS: dict[str, Maker] = {
    "Fountain": texts(
        (".fountain", "Title: Roof\n\nINT. HALL - DAY\n\nANNA\n(quietly)\nLook up.\n\nBEN\nWhy me?\n"),
        (".spmd", "ANNA\nLook up.\n\nBEN\nWhy me?\n"),
    ),
    "plain text": texts((".txt", "ANNA: (quietly) Look up.\nBEN: Why me?\n")),
}


def test_every_script_of_the_list_is_tried() -> None:
    assert rows("formats.md", "script") == list(SCRIPTS)


@pytest.mark.parametrize("row", SCRIPTS)
def test_a_script_is_read(row: str, tmp_path: Path) -> None:
    for path in SCRIPTS[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        if path.suffix == ".txt":
            assert any(f.subject == "script" and "ANNA 1, BEN 1" in f.found for f in examined.findings)
        else:
            assert (examined.facts["cast"], examined.facts["words"]) == (["ANNA", "BEN"], 4)


# --- bodies and faces -----------------------------------------------------------------------------------------------

SKELETON = Skeleton.builtin("duologue60")


def bvh_file(path: Path, order: str = "ZXY", scale: float = 0.01, *, moved: bool = False) -> Path:
    frames = 30
    rotations = np.zeros((frames, 60, 3))
    rotations[:, 4, 0] = 0.3 * np.sin(np.arange(frames) / 5)
    root = np.tile([0.0, SKELETON.offsets[0, 1], 0.0], (frames, 1))
    translations = np.broadcast_to(SKELETON.offsets, rotations.shape).copy() if moved else None
    write_bvh(path, BvhClip(SKELETON, rotations, root, 30.0, translations, (order,) * 60), scale=scale)
    return path


def any_order(folder: Path) -> Iterable[Path]:
    for order in ("XYZ", "YZX", "ZXY"):
        yield bvh_file(folder / f"{order}.bvh", order)
    yield bvh_file(folder / "moved.bvh", moved=True)


def any_unit(folder: Path) -> Iterable[Path]:
    for number, scale in enumerate((1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)):
        yield bvh_file(folder / f"{number}.bvh", scale=scale)


def strange(folder: Path) -> Iterable[Path]:
    text = bvh_file(folder / "plain.bvh").read_text()
    changed = {
        "mark": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "cr": text.replace("\n", "\r"),
        "motion": text.replace("\nMOTION\n", "\nMotion\n"),
        "joint": text.replace("JOINT Spine1\n", "JOINT MOTION_Spine1\n"),
        "end": text + "\x1a",
    }
    for name, content in changed.items():
        path = folder / f"{name}.bvh"
        path.write_bytes(content.encode())
        yield path
    (folder / "utf16.bvh").write_bytes(text.encode("utf-16"))
    yield folder / "utf16.bvh"


BVHS: dict[str, Maker] = {
    "any rotation order and channels": any_order,
    "any unit": any_unit,
    "as strangers write it": strange,
}


def test_every_bvh_of_the_list_is_tried() -> None:
    assert rows("formats.md", "BVH") == list(BVHS)


@pytest.mark.parametrize("row", BVHS)
def test_a_bvh_is_read(row: str, tmp_path: Path) -> None:
    for path in BVHS[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        assert (examined.facts["joints"], examined.facts["frames"], examined.facts["fps"]) == (60, 30, 30.0), path.name
        assert examined.facts["height_m"] == pytest.approx(1.7, abs=0.15), path.name
        assert examined.facts["moving_joints"] == 1


def table(first: str, cells: Iterable[str], names: Iterable[str]) -> str:
    header = ",".join([first, *names])
    return "\n".join([header, *(f"{cell},{','.join(['0.5'] * len(NAMES))}" for cell in cells)])


def live_link(folder: Path) -> Iterable[Path]:
    pascal = [name[0].upper() + name[1:] for name in NAMES]
    cells = [f"10:11:{12 + k // 60:02}:{k % 60:02}.250,61" for k in range(90)]
    text = table("Timecode,BlendShapeCount", cells, pascal)
    saved = {"plain": text.encode(), "utf16": text.encode("utf-16"), "semicolons": text.replace(",", ";").encode()}
    saved["commas"] = text.replace(",", ";").replace("0.5", "0,5").encode()
    for name, data in saved.items():
        (folder / f"{name}.csv").write_bytes(data)
        yield folder / f"{name}.csv"


def by_time(folder: Path) -> Iterable[Path]:
    short = [re.sub("(Left|Right)$", lambda side: f"_{side[1][0]}", name) for name in NAMES]
    for number, names in enumerate((NAMES, short)):
        path = folder / f"{number}.csv"
        path.write_text(table("time", [str(k / 60) for k in range(90)], names))
        yield path


FACES: dict[str, Maker] = {"Live Link Face": live_link, "a table with a `time` column": by_time}


def test_every_face_table_of_the_list_is_tried() -> None:
    assert rows("formats.md", "face table") == list(FACES)


@pytest.mark.parametrize("row", FACES)
def test_a_face_table_is_read(row: str, tmp_path: Path) -> None:
    for path in FACES[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        assert examined.facts["shapes"] == "52 of 52"
        assert examined.facts["length_s"] == pytest.approx(1.5, abs=0.05)


# --- characters -----------------------------------------------------------------------------------------------------


def test_the_scenes_of_the_list_are_tried_in_blender() -> None:
    tests = PAGES.parent.parent / "tests" / "blender" / "test_examine.py"
    assert rows("formats.md", "scene") == [".blend"]
    assert "def test_damaged_and_compressed_files" in tests.read_text(encoding="utf-8")


@pytest.mark.parametrize(("header", "known"), [("rig map", RigMap.names()), ("shape map", ShapeMap.names())])
def test_every_map_is_in_the_list(header: str, known: tuple[str, ...]) -> None:
    listed = {name for cell in rows("rigs.md", header) for name in re.findall(r"`(\w+)`", cell)}
    assert listed - {"structure"} == set(known)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not here")
def test_what_espeak_writes_to_a_pipe_is_read(tmp_path: Path) -> None:
    import subprocess

    said = subprocess.run(["espeak-ng", "--stdout", "good evening to you"], capture_output=True, check=True).stdout
    (tmp_path / "a.wav").write_bytes(said)
    examined = examine_file(tmp_path / "a.wav")
    assert examined.usable
    assert examined.facts["length_s"] == pytest.approx((len(said) - 44) / 2 / examined.facts["rate_hz"], abs=0.001)


# --- performances ---------------------------------------------------------------------------------------------------


def touches(folder: Path) -> Iterable[Path]:
    asked = {"pattern": "poke-nose", "performer": "A", "seconds": 1.0, "until": 1.5}
    touch = Touch(asked, "poke-nose", "A", "A", "right", "", 0.5, 1.0, 1.5, 2.0)
    layers = tuple(Layer((bone,), np.full((45, 1, 3), 0.1, np.float32)) for bone in ("RightHand", "Head"))
    contact, points = np.ones((45, 1), np.float32), np.ones((45, 1, 3), np.float32)
    InteractionTrack(15, (layers[0], layers[1]), (touch,), contact, points).save(folder / "interactions.safetensors")
    yield folder / "interactions.safetensors"


PERFORMANCES: dict[str, Maker] = {"interactions.safetensors": touches}


def test_every_file_of_a_performance_of_the_list_is_tried() -> None:
    assert rows("formats.md", "of a performance") == list(PERFORMANCES)


@pytest.mark.parametrize("row", PERFORMANCES)
def test_a_file_of_a_performance_is_read(row: str, tmp_path: Path) -> None:
    for path in PERFORMANCES[row](tmp_path):
        examined = examine_file(path)
        assert examined.usable, (path.name, examined.findings)
        assert examined.facts["frames"] == 45
        assert examined.facts["starts_s"] == 0.5
        assert examined.facts["touches"] == ["poke-nose, A with the right hand"]
