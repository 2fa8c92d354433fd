"""``duologue doctor FILE``: what is read from each kind of file, and why not."""

import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.arkit import NAMES
from duologue.cli import app
from duologue.diagnosis import scenes
from duologue.diagnosis.files import examine_file
from duologue.motion.bvh import BvhClip, write_bvh
from duologue.motion.skeleton import Skeleton
from duologue.shots.report import report_of, write_report
from duologue.take import Take, Track
from typer.testing import CliRunner

RATE = 16_000


def voice(path: Path, seconds: float = 2.0, offset: float = 0.0, **options: str) -> Path:
    """A second of silence, then a loud hum."""
    time = np.arange(int(seconds * RATE)) / RATE
    hum = 0.25 * np.sign(np.sin(2 * np.pi * 150 * time)) * (time >= 1)
    soundfile.write(path, hum + offset, RATE, **options)
    return path


def problems(path: Path) -> list[str]:
    return [finding.subject for finding in examine_file(path).findings if finding.state == "fail"]


def test_a_sound(tmp_path: Path) -> None:
    facts = examine_file(voice(tmp_path / "a.flac")).facts
    assert (facts["container"].split()[0], facts["rate_hz"], facts["channels"]) == ("FLAC", RATE, 1)
    assert facts["length_s"] == facts["length_promised_s"] == 2.0
    assert facts["peak_db"] == pytest.approx(-12.04, abs=0.1)
    assert facts["speech_share"] == pytest.approx(0.5, abs=0.1)


def test_a_sound_whose_header_promises_what_is_not_there(tmp_path: Path) -> None:
    whole = voice(tmp_path / "a.wav").read_bytes()
    at = whole.index(b"data") + 4
    (tmp_path / "piped.wav").write_bytes(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :])
    piped = examine_file(tmp_path / "piped.wav")
    assert piped.usable
    assert piped.facts["length_s"] == 2.0
    assert piped.facts["length_promised_s"] is None
    assert "read to its end" in piped.findings[0].found
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    cut = examine_file(tmp_path / "cut.wav")
    assert problems(cut.path) == ["audio-truncated"]
    assert cut.facts["length_promised_s"] == 2.0
    assert cut.exit_code == 2


def test_a_transcript(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    text = "1\n00:00:00,200 --> 00:00:01,400\n[door slams] Good café\n\n2\n00:00:01,900 --> 00:00:03,000\nSit down\n"
    path.write_bytes(text.encode("cp1252"))
    examined = examine_file(path)
    facts = examined.facts
    assert (facts["format"], facts["encoding"][:5], facts["words"], facts["entries"]) == ("SubRip (SRT)", "cp125", 4, 2)
    assert (facts["first_s"], facts["last_s"]) == (0.2, 3.0)
    assert (facts["first_words"], facts["last_words"]) == ("Good café Sit down",) * 2
    assert "door slams" in examined.findings[0].found
    assert examined.usable
    path.write_text("1\n00:00:xx --> 00:00:01,400\nGood\n")
    assert not examine_file(path).usable


def test_text_without_a_suffix_of_a_transcript_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "words.doc").write_text("Good evening.")
    examined = examine_file(tmp_path / "words.doc")
    assert ".txt" in examined.kind
    assert problems(examined.path) == ["file-unknown"]


def bvh(path: Path) -> Path:
    skeleton = Skeleton.builtin("duologue60")
    root = np.tile([0.0, skeleton.offsets[0, 1], 0.0], (90, 1))
    write_bvh(path, BvhClip(skeleton, np.zeros((90, 60, 3)), root, 60.0), scale=0.01)
    return path


def test_a_bvh_by_its_content(tmp_path: Path) -> None:
    examined = examine_file(bvh(tmp_path / "walk.txt"))
    facts = examined.facts
    assert (facts["joints"], facts["frames"], facts["fps"], facts["length_s"]) == (60, 90, 60.0, 1.5)
    assert facts["unit"].startswith("centimetre")
    assert facts["joints_found"] >= 50
    assert facts["rig_map"]
    assert examined.usable
    text = (tmp_path / "walk.txt").read_text()
    (tmp_path / "cut.bvh").write_text(text[: len(text) * 2 // 3])
    assert problems(tmp_path / "cut.bvh") == ["bvh-truncated"]
    (tmp_path / "odd.bvh").write_text(text.replace("LeftArm", "Tentacle"))
    assert problems(tmp_path / "odd.bvh") == ["skeleton-unknown"]


def test_a_face_table(tmp_path: Path) -> None:
    names = [name for name in NAMES if name != "tongueOut"]
    rows = [",".join(["time", *names])] + [f"{k / 30},{','.join([str(k / 90)] * 51)}" for k in range(90)]
    (tmp_path / "face.csv").write_text("\n".join(rows))
    examined = examine_file(tmp_path / "face.csv")
    assert examined.facts["shapes"] == "51 of 52"
    assert any("tongueOut" in finding.found for finding in examined.findings)
    assert examined.usable
    (tmp_path / "sheet.csv").write_text("name,price\nbread,2\n")
    assert problems(tmp_path / "sheet.csv") == ["face-csv-malformed"]


def brief(folder: Path, **performer: object) -> Path:
    for name in "ab":
        voice(folder / f"{name}.wav")
    document = {"performers": {"A": {"speech": "a.wav", **performer}, "B": {"speech": "b.wav"}}}
    (folder / "brief.json").write_text(json.dumps(document))
    return folder / "brief.json"


def test_a_brief_and_a_folder_of_them(tmp_path: Path) -> None:
    path = brief(tmp_path, transcript="Good evening to you. (laughs)")
    examined = examine_file(path)
    assert examined.kind == "a brief"
    assert examined.facts["length_s"] == 2.0
    assert "4 without times" in examined.facts["A"]
    assert any("laughs" in finding.found for finding in examined.findings)
    assert examine_file(tmp_path).facts == {"shots": 1}
    (tmp_path / "b.wav").unlink()
    assert problems(path) == ["speech-not-found"]
    folder = examine_file(tmp_path)
    assert [finding.subject for finding in folder.findings] == ["brief"]
    assert folder.exit_code == 3


def some_take() -> Take:
    skeleton = Skeleton.builtin("duologue60")
    one = Track(np.zeros((30, 3)), np.zeros((30, 60, 3)), np.zeros((30, 52)), np.ones(30, bool), np.zeros(30, np.uint8))
    return Take(skeleton, (one, one), {})


def test_a_take_and_its_folder(tmp_path: Path) -> None:
    take = some_take()
    take.save(tmp_path / "take.safetensors")
    assert examine_file(tmp_path / "take.safetensors").facts["digest"] == take.digest()
    assert [f.subject for f in examine_file(tmp_path).findings] == ["report"]
    write_report(tmp_path / "report.json", report_of(take, ["A.bvh"], (), {}))
    unfinished = examine_file(tmp_path)
    assert unfinished.usable
    assert "A.bvh" in unfinished.findings[0].found
    (tmp_path / "A.bvh").write_text("HIERARCHY")
    assert not examine_file(tmp_path).findings
    data = (tmp_path / "take.safetensors").read_bytes()
    (tmp_path / "take.safetensors").write_bytes(data[:-10])
    assert problems(tmp_path) == ["tensors-malformed"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.fbx", b"Kaydara FBX Binary  \0" + bytes(100), "FBX"),
        ("a.vrm", b"glTF" + bytes(100), "VRM"),
        ("a.wav", b"", "empty"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        ("a.bin", bytes(range(256)) * 9, "no text"),
        ("report.json", b'{"files": [], "take": {}}', "report"),
        ("a.wav", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    ],
)
def test_what_is_not_read_is_said_by_its_content(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    examined = examine_file(tmp_path / name)
    assert said in examined.kind
    assert problems(examined.path) == ["file-unknown"]


def test_an_archive_is_named(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
    (tmp_path / "take.wav").write_bytes(buffer.getvalue())
    assert "ZIP" in examine_file(tmp_path / "take.wav").kind


SUFFIXES = (".wav", ".flac", ".mp3", ".srt", ".TextGrid", ".json", ".bvh", ".toml", ".safetensors", ".csv", ".txt")
DAMAGED = (
    b"RIFF\x10\0\0\0WAVEfmt ", b"\xff\xfbgarbage", b"{", b"HIERARCHY\nROOT", b"\x00\x01\x02" * 99, b"\xff\xfeh\0i\0",
)  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_has_a_reason_and_no_traceback(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    examined = examine_file(path)
    assert "fault" not in [finding.subject for finding in examined.findings]
    assert examined.usable or problems(path)


def test_pipes_missing_files_and_loops_of_links_are_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "nothing") == ["file-not-found"]
    os.mkfifo(tmp_path / "pipe")
    assert problems(tmp_path / "pipe") == ["not-a-file"]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert problems(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    assert problems(tmp_path / "folder") == ["file-unknown"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_scene_that_no_blender_survives_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.blend").write_bytes(b"BLENDER-v500")
    starts = """print('{"duologue": "progress", "stage": "scene", "done": 0, "total": 1}', flush=True); """
    for before, reason, code in ((starts, "blend-unreadable", 3), ("", "blender-ended", 1)):
        script = f"import os, signal; {before}os.kill(os.getpid(), signal.SIGSEGV)"
        monkeypatch.setattr(scenes, "find_blender", lambda script=script: [sys.executable, "-c", script])
        examined = examine_file(tmp_path / "a.blend")
        assert ([f.subject for f in examined.findings], examined.exit_code) == ([reason], code)


def doctor(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *map(str, arguments)], standalone_mode=False)
    code = result.return_value if result.exit_code == 0 else result.exit_code
    return int(code or 0), result.stdout


def test_the_command_prints_and_exits(tmp_path: Path) -> None:
    good = voice(tmp_path / "a [b].wav")
    code, said = doctor(good)
    assert code == 0
    assert "a [b].wav: a sound" in said
    assert "length               2.0 s" in said
    assert "promised" in said
    shutil.copy(good, tmp_path / "b.wav")
    (tmp_path / "b.wav").write_bytes(good.read_bytes()[:20])
    code, said = doctor(good, tmp_path / "b.wav", "--json")
    assert code == 2
    told = json.loads(said)["files"]
    assert [one["usable"] for one in told] == [True, False]
    assert told[0]["facts"]["length_s"] == 2.0
    assert doctor(tmp_path / "nothing.wav")[0] == 3
