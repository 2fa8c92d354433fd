"""The whole line on real input: speech in, a folder with a performance out, through a real server with the shipped models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duologue.brief import Brief, PerformerBrief, Speech, Transcript
from duologue.files.folders import demo_brief
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import forward_kinematics
from duologue.performance import Performance
from duologue.speech.decode import load_pair
from duologue.take import Notice, Progress, Take, Window
from duologue.take.heard import Listener

pytestmark = pytest.mark.timeout(300)

KIT = Path(__file__).resolve().parents[3] / "shared" / "kit"


def brief_of(folder: Path, seconds: float, *, seed: int = 3) -> Path:
    """Write the first seconds of the demo's two voices and a brief for them."""
    demo = Brief.load(demo_brief())
    performers = {}
    for name, performer in zip("AB", demo.performers, strict=True):
        assert performer.speech.path is not None
        samples, rate = soundfile.read(performer.speech.path, dtype="float32")
        begin = int(4 * rate)  # both have something to say from here
        soundfile.write(folder / f"{name}.wav", samples[begin : begin + int(seconds * rate)], rate)
        performers[name] = {"speech": f"{name}.wav"}
    path = folder / "brief.json"
    path.write_text(json.dumps({"performers": performers, "seed": seed, "relationship": "co-workers"}))
    return path


@pytest.fixture(scope="module")
def performance() -> Performance:
    return Performance.load("cpu")


def test_perform_writes_the_folder_of_a_performance(tmp_path: Path) -> None:
    brief = brief_of(tmp_path, 8.0)
    out = tmp_path / "out"
    ended = subprocess.run(
        [sys.executable, "-m", "duologue", "perform", str(brief), "--out", str(out), "--no-preview", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert sorted(path.name for path in out.iterdir()) == sorted(report["files"])

    take = Take.load(out / "take.safetensors")
    assert take.complete
    assert take.frames == 240
    assert take.digest() == report["take"]["digest"]
    assert set(take.provenance["checkpoints"]) == {"body", "face"}

    # The exports say the same as the take: other tools get what we have.
    clip = read_bvh(out / "A.bvh")
    _, ours = forward_kinematics(take.skeleton, take.tracks[0].rotations, take.tracks[0].root_translation)
    _, theirs = forward_kinematics(clip.skeleton, clip.rotations, clip.root_translation)
    hand = take.skeleton.index("RightHand")
    assert np.abs(ours[:, hand] - theirs[:, clip.skeleton.index("RightHand")]).max() < 1e-3
    rows = (out / "B.csv").read_text().splitlines()
    jaw = rows[0].split(",").index("JawOpen")
    assert float(rows[100].split(",")[jaw]) == pytest.approx(float(take.tracks[1].weights[99, 17]), abs=1e-4)


def test_the_same_brief_is_the_same_take_bit_for_bit_and_another_seed_is_not(
    performance: Performance, tmp_path: Path
) -> None:
    brief = Brief.load(brief_of(tmp_path, 3.0))
    a, b, _ = load_pair(brief)

    def digest(seed: int) -> str:
        changed = replace(brief, seed=seed)
        windows = [event for event in performance.stream(changed, (a, b)) if isinstance(event, Window)]
        return Take.from_windows(performance.skeleton, windows, {}).digest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


@pytest.mark.skipif(find_spec("faster_whisper") is None, reason="the extra `hear` is not installed")
def test_words_that_nobody_wrote_down_are_heard_told_and_the_same_again(
    performance: Performance, tmp_path: Path
) -> None:
    brief = Brief.load(brief_of(tmp_path, 6.0))
    a, b, _ = load_pair(brief)

    def made(transcript: Transcript | None) -> tuple[str, Listener, list[str]]:
        changed = replace(
            brief, a=replace(brief.a, transcript=transcript), b=replace(brief.b, transcript=Transcript("", "none"))
        )
        heard, notes = Listener(), []
        events = list(performance.stream(changed, (a, b)))
        for event in events:
            if isinstance(event, Notice) and not heard.take(event):
                notes.append(event.message)
        windows = [event for event in events if isinstance(event, Window)]
        return Take.from_windows(performance.skeleton, windows, {}).digest(), heard, notes

    digest, heard, notes = made(None)
    said = " ".join(word.text.lower() for word in heard.words("A"))
    assert "roof" in said
    assert "purple" in said
    assert heard.words("B") == ()
    assert any("words were recognised" in note for note in notes)
    # From the cache as from the sound, asked for by name as by default.
    assert made(Transcript("", "recognise"))[0] == digest
    deaf, heard, notes = made(Transcript("", "none"))
    assert deaf != digest
    assert not heard.words("A")
    assert not any("recognised" in note for note in notes)


def test_the_first_window_comes_long_before_the_last(performance: Performance, tmp_path: Path) -> None:
    brief = Brief.load(brief_of(tmp_path, 16.0))
    a, b, _ = load_pair(brief)
    seen: list[Progress | Window] = []
    stages = []
    for event in performance.stream(brief, (a, b)):
        seen.append(event)
        if isinstance(event, Window):
            stages.append(event.end)
    assert stages[0] <= 150  # at most five of the sixteen seconds are made when the first window leaves
    assert stages[-1] == 480
    starts = [event.start for event in seen if isinstance(event, Window)]
    assert starts == [0, *stages[:-1]]


def test_feet_keep_to_the_floor_and_bodies_apart(performance: Performance, tmp_path: Path) -> None:
    from duologue.motion.capsules import pair_penetration

    brief = Brief.load(brief_of(tmp_path, 10.0))
    a, b, _ = load_pair(brief)
    windows = [event for event in performance.stream(brief, (a, b)) if isinstance(event, Window)]
    take = Take.from_windows(performance.skeleton, windows, {})
    skeleton = take.skeleton
    toes = skeleton.indices("LeftToeBase", "RightToeBase")
    rest = skeleton.rest_positions[toes, 1]
    for track in take.tracks:
        _, positions = forward_kinematics(skeleton, track.rotations, track.root_translation)
        below = rest - positions[:, toes, 1]
        assert below.max() < 0.02  # metres under where the toes are when the sole is on the floor
        assert np.linalg.norm(np.diff(track.root_translation, axis=0), axis=1).max() < 0.15  # nobody jumps
    assert (
        pair_penetration(
            skeleton,
            np.stack([track.rotations for track in take.tracks]),
            np.stack([track.root_translation for track in take.tracks]),
        ).percent
        < 0.5
    )


def test_the_silent_one_listens_and_the_speaker_speaks(performance: Performance, tmp_path: Path) -> None:
    brief = Brief.load(brief_of(tmp_path, 12.0))
    a, b, _ = load_pair(brief)
    from duologue import arkit
    from duologue.speech.features import speech_features
    from duologue.speech.text import TextEncoder

    windows = [event for event in performance.stream(brief, (a, b)) if isinstance(event, Window)]
    take = Take.from_windows(performance.skeleton, windows, {})
    text = TextEncoder.load()
    jaw = arkit.INDEX["jawOpen"]
    for sound, track in zip((a, b), take.tracks, strict=True):
        speaking = speech_features(sound, None, text).activity
        assert track.weights[speaking, jaw].mean() > 3 * track.weights[~speaking, jaw].mean()


@pytest.mark.skipif(not KIT.is_dir(), reason="../shared/kit is not here")
def test_two_recorded_people_on_the_two_channels_of_one_file(performance: Performance) -> None:
    recording = KIT / "speech_mfa" / "michaelandsickmichael.wav"
    brief = Brief(PerformerBrief(Speech(recording, channel=0)), PerformerBrief(Speech(recording, channel=1)))
    a, b, _ = load_pair(brief)
    windows = []
    for event in performance.stream(brief, (a, b), should_stop=lambda: len(windows) >= 2):
        if isinstance(event, Window):
            windows.append(event)
    assert all(np.isfinite(track.rotations).all() for window in windows for track in window.tracks)
    assert max(window.tracks[0].weights.max() for window in windows) > 0.2


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a process another way there")
def test_ctrl_c_keeps_the_part_that_was_made(tmp_path: Path) -> None:
    brief = brief_of(tmp_path, 20.0)
    out = tmp_path / "out"
    # A shell starts background jobs with Ctrl-C ignored, and children inherit that; not if it is handled here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "duologue", "perform", str(brief), "--out", str(out), "--no-preview", "--steps", "60"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    for line in process.stderr:  # the first window has come when the performing stage has got past nothing
        if line.startswith("performing:") and not line.startswith("performing: 0"):
            break
    process.send_signal(signal.SIGINT)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert process.returncode == 130, process.stderr.read()
    take = Take.load(out / "take.safetensors")
    assert not take.complete
    assert 0 < take.frames < 600
    assert (out / "A.bvh").exists()
    assert json.loads((out / "report.json").read_text())["take"]["complete"] is False
