"""Files that were made to hang, to eat memory, or to be taken for something else: each ends in a named error, soon.

Attacks are carried out in a process of their own, where their time and memory are measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from duologue.files import safetensors
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, devices and limits of memory as POSIX has them")

ATTACK = """
import resource, sys, time
from pathlib import Path
from duologue.errors import DuologueError
from duologue.brief import Brief, Speech, Transcript
from duologue.brief.transcript import parse
from duologue.checkpoints.store import open_checkpoint
from duologue.files.encodings import read_foreign_text
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton
from duologue.rigs.rig_map import RigMap
from duologue.rigs.shape_map import ShapeMap
from duologue.shots.shot import read_shots
from duologue.speech.decode import load_speech
from duologue.take import Take
from duologue.wire.connection import Connection
import numpy, soundfile
started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for expression, path in zip(sys.argv[1::2], map(Path, sys.argv[2::2])):
    began = time.process_time()
    try:
        verdict = "read " + type(eval(expression)).__name__
    except DuologueError as error:
        verdict = f"{error.code} {error.reason}"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started) // 1024
    print(verdict, round(time.process_time() - began, 2), grown, flush=True)
"""

READERS = {
    "take": "Take.load(path)",
    "brief": "Brief.load(path)",
    "speech": "load_speech(Speech(path))",
    "skeleton": "Skeleton.load(path)",
    "bvh": "read_bvh(path)",
    "rig map": "RigMap.load(path)",
    "shape map": "ShapeMap.load(path)",
    "connection": "Connection.load(path)",
    "manifest": "read_shots(path, Path('out'))",
    "checkpoint": "open_checkpoint(path)",
}
SUFFIXES = {"brief": ".toml", "rig map": ".toml", "shape map": ".toml", "manifest": ".json", "skeleton": ".json"}


def attack(*attacks: tuple[str, Path], imports: str = "json") -> list[str]:
    """Carry out attacks, (reader, file) each, in one process; return what each came to: the error's code and reason.

    Fails when one hangs, took over two seconds, or they needed over 200 MB.
    """
    parts = [part for reader, path in attacks for part in (READERS.get(reader, reader), str(path))]
    with subprocess.Popen(
        [sys.executable, "-c", f"import {imports}\n{ATTACK}", *parts],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            done = process.communicate()[0].splitlines()
            pytest.fail(f"{attacks[len(done)][0]} hangs", pytrace=False)
    verdicts = [line.split() for line in out.splitlines()]
    assert len(verdicts) == len(attacks), f"{attacks[len(verdicts)][0]}: {err[-2000:]}"
    for (reader, _), (*_, seconds, megabytes) in zip(attacks, verdicts, strict=True):
        assert float(seconds) < 2, f"{reader}: {seconds} s"
        assert int(megabytes) < 200, f"{reader}: {megabytes} MB"
    return [" ".join(words[:-2]) for words in verdicts]


def refused_by_all(prepare: Callable[[Path], object], folder: Path) -> None:
    """Make one hostile file for every reader; none may read it."""
    attacks = []
    for number, reader in enumerate(READERS):
        path = folder / f"{number}{SUFFIXES.get(reader, '')}"
        prepare(path)
        attacks.append((reader, path))
    for (reader, _), verdict in zip(attacks, attack(*attacks), strict=True):
        assert not verdict.startswith("read"), reader


def test_a_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path: Path) -> None:
    refused_by_all(lambda path: os.mkfifo(path, 0o600), tmp_path)


def test_a_link_to_a_device_that_never_ends_is_not_read(tmp_path: Path) -> None:
    refused_by_all(lambda path: path.symlink_to("/dev/zero"), tmp_path)


def test_links_in_a_loop_lead_nowhere(tmp_path: Path) -> None:
    refused_by_all(lambda path: path.symlink_to(path.name), tmp_path)


def test_a_file_of_twelve_gigabytes_of_nothing_is_not_read_into_memory(tmp_path: Path) -> None:
    def sparse(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(12 * 2**30)
        path.chmod(0o600)

    refused_by_all(sparse, tmp_path)


def test_a_name_that_no_file_can_have_is_no_traceback(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 5000)
    attacks = [(reader, long.with_name(long.name + SUFFIXES.get(reader, ""))) for reader in READERS]
    attacks += [
        (read.replace("path", f"Path('a\\0b{SUFFIXES.get(reader, '')}')"), tmp_path) for reader, read in READERS.items()
    ]
    assert not [verdict for verdict in attack(*attacks) if verdict.startswith("read")]


@pytest.mark.parametrize("name", ["a\0b.wav", "x" * 5000 + ".wav", "loop.wav"])
def test_nor_is_one_that_a_brief_or_a_manifest_gives(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    speaks = {"performers": {who: {"speech": name} for who in "AB"}}
    (tmp_path / "brief.json").write_text(json.dumps(speaks))
    (tmp_path / "shots.json").write_text(json.dumps({"shots": [{"brief": name}]}))
    (tmp_path / "out.json").write_text(json.dumps({"shots": [{"brief": "brief.json", "out": name}]}))
    verdicts = attack(
        *[(kind, tmp_path / f"{file}.json") for kind, file in (("brief", "brief"), ("manifest", "shots"))]
    )
    assert not [verdict for verdict in verdicts if verdict.startswith("read")]
    attack(("manifest", tmp_path / "out.json"))


TOML = {
    "a key of 100,000 parts": ".".join(["a"] * 100_000) + " = 1\n",
    "a table of 100,000 parts": "[" + ".".join(["a"] * 100_000) + "]\n",
    "keys in an inline table": "x = {" + ".".join(["a"] * 100_000) + " = 1}\n",
    "with spaces": " . ".join(["a"] * 100_000) + " = 1\n",
    "quoted": ".".join(['"a"'] * 100_000) + " = 1\n",
    "arrays in arrays": "x = " + "[" * 100_000,
    "a number of a million digits": "seed = " + "9" * 900_000,
    "a key of a million letters": "a" * 900_000 + " = 1\n",
    "a long word": "seed = 'x" + "a" * 900_000 + "'\n",
}


def test_toml_that_takes_minutes_is_refused_first(tmp_path: Path) -> None:
    attacks = []
    for number, text in enumerate(TOML.values()):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        attacks += [(reader, path) for reader in ("brief", "rig map", "shape map")]
    assert [verdict for verdict in attack(*attacks) if not verdict.startswith("INVALID_ARGUMENT")] == []


JSON = {
    "deep": "[" * 500_000,
    "deep tables": '{"a":' * 200_000,
    "a million digits": '{"seed": ' + "9" * 1_000_000 + "}",
    "beyond a double": '{"seed": 1e999}',
    "not a number": '{"seed": NaN}',
    "infinite": '{"strengths": {"speech": -Infinity}}',
    "a long key": '{"' + "x" * 3_000_000 + '": 1}',
}


def test_json_is_bounded_as_well(tmp_path: Path) -> None:
    attacks = []
    for number, text in enumerate(JSON.values()):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        attacks += [("brief", path), ("skeleton", path)]
    assert [verdict for verdict in attack(*attacks) if verdict.startswith("read")] == []


def test_a_million_joints_are_no_skeleton(tmp_path: Path) -> None:
    count = 1_000_000
    header = {"names": ["a"] * count, "parents": [-1] + [0] * (count - 1), "offsets": []}
    path = tmp_path / "many.json"
    path.write_text(json.dumps(header))
    (verdict,) = attack(("skeleton", path))
    assert "skeleton" in verdict
    take = tmp_path / "many.safetensors"
    about = {"format": "take", "version": 1, "fps": 30, "skeleton": header}
    safetensors.save(take, {"x": np.zeros(1, np.float32)}, {"duologue": json.dumps(about)})
    assert attack(("take", take)) == ["DATA_LOSS tensors-malformed"]


def header_of(edit: Callable[[dict], None], tmp_path: Path) -> Path:
    """A take's file with its header changed and its bytes as they were."""
    skeleton = Skeleton.builtin("duologue60")
    n = 4
    track = Track(np.zeros((n, 3)), np.zeros((n, 60, 3)), np.zeros((n, 52)), np.zeros(n, bool), np.zeros(n, np.uint8))
    data = Take(skeleton, (track, track), {}).to_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    path = tmp_path / "edited.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    return path


def test_shapes_beyond_all_numbers_are_refused(tmp_path: Path) -> None:
    def huge(header: dict) -> None:
        header["A/weights"]["shape"] = [0, 2**62, 2**62]
        header["A/weights"]["data_offsets"] = [0, 0]

    assert attack(("take", header_of(huge, tmp_path))) == ["DATA_LOSS tensors-malformed"]


def test_a_header_of_a_hundred_megabytes_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "header.safetensors"
    text = b'{"__metadata__":{"x":"' + b"y" * 90_000_000 + b'"}}'
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    assert attack(("take", path)) == ["DATA_LOSS tensors-malformed"]


def test_a_checkpoint_that_is_a_pickle_or_lies_about_its_length_is_named(tmp_path: Path) -> None:
    attacks = []
    for number, model in enumerate(
        [pickle.dumps({"x": 1}), (2**60).to_bytes(8, "little") + b"{}", b"\x02" + bytes(7) + b"{}"]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = {"config.json": json.dumps({"model": "body"}).encode(), "model.safetensors": model}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        (folder / "manifest.json").write_text(json.dumps({"format": 1, "name": "x", "sha256": hashes}))
        attacks.append(("open_checkpoint(path).tensors()", folder))
    verdicts = attack(*attacks, imports="safetensors.torch")
    assert verdicts == ["DATA_LOSS checkpoint-malformed", "DATA_LOSS checkpoint-malformed", "read dict"]


SLOW_TEXT = {
    "srt": ("srt", "1\n00:00:00,000 --> 00:00:09,000\n" + "<" * 1_000_000),
    "srt, braces": ("srt", "1\n00:00:00,000 --> 00:00:09,000\n" + "{" * 1_000_000),
    "srt, half a tag": ("srt", "1\n00:00:00,000 --> 00:00:09,000\n" + "<a " * 300_000),
    "srt, words": ("srt", "1\n00:00:00,000 --> 00:00:09,000\n" + "a " * 100_000),
    "blank lines": ("textgrid", "\n" * 500_000),
    "quotes": ("textgrid", '"' * 999_999),
    "digits": ("textgrid", "1" * 900_000 + "x"),
    "signs": ("textgrid", "-" * 900_000),
    "srt, blank lines": ("srt", "\n" * 900_000),
    "srt, cues": ("srt", "00:00:00,000 --> 00:00:09,000\na\n" * 19_000),
    "srt, half a time": ("srt", "00:00:00,000 --> " + "1:" * 400_000),
    "srt, digits": ("srt", "1" * 900_000 + " -->"),
    "srt, spaces": ("srt", "00:00:00,000 --> 00:00:09,000\na" + " " * 900_000 + "\n\n\nb"),
    "srt, notes": ("srt", "00:00:00,000 --> 00:00:09,000\n" + "[(" * 400_000),
    "srt, names": ("srt", "00:00:00,000 --> 00:00:09,000\n" + "A " * 400_000),
    "vtt, tags": ("vtt", "WEBVTT\n\n00:00.000 --> 00:09.000\n" + "<v " * 300_000),
    "vtt, notes": ("vtt", "WEBVTT\n\n00:00.000 --> 00:09.000\nx" + "\n\nNOTE\n" * 100_000),
    "vtt, times": ("vtt", "WEBVTT\n\n00:00.000 --> 00:09.000\n" + "<00:00.000>" * 80_000),
    "ass, headings": ("ass", "[Script Info]\n[" + "a" * 900_000),
    "ass, braces": ("ass", "[Events]\nDialogue: 0,0:00:00.00,0:00:09.00,,,0,0,0,," + "{\\p" * 250_000),
    "ass, commas": ("ass", "[Events]\nDialogue: " + "," * 900_000),
    "ass, styles": ("ass", "[Script Info]\n" + "Style: x,,,\n" * 80_000),
    "comments": ("textgrid", "!" * 900_000),
    "text, notes": ("text", "[" * 900_000),
    "text, names": ("text", "Ab " * 300_000),
    "text, round": ("text", "(a" * 400_000),
    "json, documents": ("json", "{}" * 400_000),
    "json, spaces": ("json", " " * 900_000 + "x"),
    "json, no times": ("json", "[" + ",".join(['{"text":"a"}'] * 19_000) + "]"),
    "json, one time": ("json", '[{"text":"a","start":0,"end":1},' + ",".join(['{"text":"a"}'] * 19_000) + "]"),
    "json, half a note": ("json", "[" + ",".join(['{"text":"[a","start":0,"end":1}'] * 19_000) + "]"),
    "mfa": ("json", '{"tiers":[' + ",".join(["[]"] * 300_000) + "]}"),
}


UNREADABLE = {
    "zeros": bytes(3_000_000),
    "noise": np.random.default_rng(0).bytes(3_000_000),
    "western": b"\xe9t\xe9 " * 700_000,
    "no encoding": b"\x81\x8d\x8f\x90\x9d\xff" * 400_000,
    "half a UTF-16": b"\xff\xfe" + b"a\0" * 1_000_000 + b"\xd8",
}


def test_no_encoding_takes_long_to_guess(tmp_path: Path) -> None:
    attacks = []
    for number, data in enumerate(UNREADABLE.values()):
        path = tmp_path / str(number)
        path.write_bytes(data)
        attacks.append(("read_foreign_text(path)", path))
    attack(*attacks)


def test_no_transcript_keeps_its_reader_busy(tmp_path: Path) -> None:
    attacks = []
    for number, (form, text) in enumerate(SLOW_TEXT.values()):
        path = tmp_path / str(number)
        path.write_text(text)
        attacks.append((f"parse(Transcript(path.read_text(), {form!r}))", path))
    attack(*attacks)
