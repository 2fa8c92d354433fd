"""Face tables as phones and spreadsheets write them: the rate is found from the timecodes, what is missing is filled and said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.datasets.readers.live_link import FaceCapture, read_face_csv
from duologue.errors import DuologueError
from duologue.take.export import write_live_link

HEADER = "Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft"


def code(frame: int, rate: int, *, begin: float = 45_000, mark: str = ":") -> str:
    """Return the timecode of a frame, by SMPTE's rules; with a semicolon numbers are dropped."""
    count = round(begin * rate) + frame
    if mark == ";":  # as SMPTE ST 12-1 has it: of each minute but the tenth the first numbers are left out
        drop, minute = rate // 15, 60 * rate - rate // 15
        tens, rest = divmod(count, 10 * minute + drop)
        count += 9 * drop * tens + (drop * ((rest - drop) // minute) if rest > drop else 0)
    seconds, part = divmod(count, rate)
    hours = seconds // 3600 % 24
    return f"{hours:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{part:02}"


def table(folder: Path, codes: Iterable[str], *, fps: float, header: str = HEADER) -> Path:
    """Write a table whose jaw opens with the time that has really passed: a second a tenth."""
    path = folder / "take.csv"
    path.write_text("\n".join([header, *(f"{c},61,{k / fps / 10:.6f},0.5" for k, c in enumerate(codes))]))
    return path


def jaw(face: FaceCapture) -> np.ndarray:
    return face.weights[:, INDEX["jawOpen"]]


def is_true_to_time(face: FaceCapture, seconds: float, within: float = 0.02) -> None:
    """The jaw tells the time, so every frame has to lie where it was recorded."""
    assert len(face.weights) / 30 == pytest.approx(seconds, abs=0.1)
    np.testing.assert_allclose(jaw(face) * 10, np.arange(len(face.weights)) / 30, atol=within)


@pytest.mark.parametrize("rate", [24, 25, 30, 48, 50, 60, 120])
def test_any_rate_is_found(tmp_path: Path, rate: int) -> None:
    face = read_face_csv(table(tmp_path, (code(k, rate) for k in range(5 * rate)), fps=rate))
    is_true_to_time(face, 5)
    assert (round(face.rate, 3), face.notes) == (rate, ())


def test_what_we_write_ourselves_is_read_as_it_was(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).uniform(0, 1, (100, 52)).astype(np.float32)
    write_live_link(tmp_path / "a.csv", weights)
    np.testing.assert_allclose(read_face_csv(tmp_path / "a.csv").weights, weights, atol=1e-6)


def test_a_camera_of_30_under_a_clock_of_60(tmp_path: Path) -> None:
    """As the app writes it: 12:27:47:47.169, 12:27:47:49.169, 12:27:47:51.168, … (public recordings have these)."""
    frames = 47.169 + 1.9997 * np.arange(300)
    codes = [f"12:27:{int(47 + f // 60):02}:{int(f % 60):02}.{round(f % 1 * 1000) % 1000:03}" for f in frames]
    face = read_face_csv(table(tmp_path, codes, fps=60 / 1.9997))
    is_true_to_time(face, 10)
    assert face.rate == pytest.approx(30.0045, abs=0.01)


@pytest.mark.parametrize(("rate", "begin"), [(30, 45_000), (60, 45_000), (30, 44_990), (60, 86_390)])
def test_dropped_frame_numbers_are_counted(tmp_path: Path, rate: int, begin: int) -> None:
    """Over minutes, and the tenth, and midnight: 29.97 and 59.94 frames a second."""
    count = 660 * rate if rate == 30 else 75 * rate
    face = read_face_csv(
        table(tmp_path, (code(k, rate, begin=begin, mark=";") for k in range(count)), fps=rate / 1.001)
    )
    is_true_to_time(face, count / rate * 1.001)
    assert face.notes == ()


def test_dropped_frame_numbers_are_seen_without_a_semicolon(tmp_path: Path) -> None:
    codes = [code(k, 30, mark=";").replace(";", ":") for k in range(130 * 30)]
    is_true_to_time(read_face_csv(table(tmp_path, codes, fps=30 / 1.001)), 130.13, within=0.005)


def test_midnight_is_passed(tmp_path: Path) -> None:
    face = read_face_csv(table(tmp_path, (code(k, 60, begin=86_397) for k in range(360)), fps=60))
    is_true_to_time(face, 6)


def test_rows_of_one_timecode_are_spread(tmp_path: Path) -> None:
    """Sixty rows a second under a clock that counts thirty."""
    face = read_face_csv(table(tmp_path, (code(k // 2, 30) for k in range(600)), fps=60))
    is_true_to_time(face, 10)
    assert face.notes == ("300 of 600 rows have the time of the row before; they were spread until the next",)


def test_milliseconds_in_the_frames_place(tmp_path: Path) -> None:
    codes = [f"00:00:{k // 30:02}:{k % 30 * 1000 // 30:02}" for k in range(150)]
    is_true_to_time(read_face_csv(table(tmp_path, codes, fps=30)), 5)


def test_a_clock_with_decimals(tmp_path: Path) -> None:
    codes = [f"00:00:{k // 50:02}.{k % 50 * 20:03}" for k in range(250)]
    is_true_to_time(read_face_csv(table(tmp_path, codes, fps=50)), 5)


@pytest.mark.parametrize(("name", "one"), [("time", 1.0), ("timestamp_ms", 1000.0), ("Time (s)", 1.0)])
def test_plain_numbers(tmp_path: Path, name: str, one: float) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([f"{name},jawOpen", *(f"{k / 24 * one:.4f},{k / 240:.6f}" for k in range(120))]))
    is_true_to_time(read_face_csv(path), 5)


def test_stretches_without_rows_are_filled_and_said(tmp_path: Path) -> None:
    numbers = [k for k in range(600) if not 100 <= k < 160 and k != 400]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(f"{code(k, 60)},61,{k / 600:.6f},0.5" for k in numbers)]))
    face = read_face_csv(path)
    is_true_to_time(face, 10)
    assert face.notes == ("61 rows are missing in 2 places, 1.02 s at most; they were filled in",)


@pytest.mark.parametrize("empty", ["0,,", "0,0.0,0.0", "61,,", "0"])
def test_rows_of_a_lost_face_are_filled_and_said(tmp_path: Path, empty: str) -> None:
    rows = [
        f"{code(k, 60)},{empty}" if 200 <= k < 230 or k < 3 else f"{code(k, 60)},61,{k / 600:.6f},0.5"
        for k in range(600)
    ]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]))
    face = read_face_csv(tmp_path / "a.csv")
    is_true_to_time(face, 10, within=0.06)  # before the first face nothing is known
    assert face.weights[:, INDEX["eyeBlinkLeft"]].min() == 0.5
    assert face.notes == ("33 of 600 rows have no face; they were filled in between their neighbours",)


def test_a_row_of_another_time_is_left_out_and_said(tmp_path: Path) -> None:
    codes = [code(k, 60) for k in range(600)]
    codes[300] = code(0, 60)
    face = read_face_csv(table(tmp_path, codes, fps=60))
    is_true_to_time(face, 10)
    assert "1 rows lie before one that is above them, and were left out" in face.notes


def semicolons(text: str) -> str:
    return text.replace(".", "\0").replace(",", ";").replace("\0", ",")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    "saved", [str, semicolons, lambda text: text.replace(",", "\t")], ids=["commas", "semicolons", "tabs"]
)
def test_as_spreadsheets_save_it(tmp_path: Path, encoding: str, saved: Callable[[str], str]) -> None:
    rows = [f"{code(k, 60)}.250,61,{k / 600:.6f},0.5" for k in range(300)]
    (tmp_path / "a.csv").write_bytes((saved("\r\n".join([HEADER, *rows])) + "\r\n\r\n").encode(encoding))
    face = read_face_csv(tmp_path / "a.csv")
    is_true_to_time(face, 5)
    assert len(face.missing) == len(NAMES) - 2


def test_an_hours_recording_is_no_document(tmp_path: Path) -> None:
    """Documents may have 4 MB; two minutes of all 61 columns have more."""
    rows = (f"{code(k, 60)},61,{k / 600:.6f},0.5" + ",0.1234567890" * 59 for k in range(7200))
    (tmp_path / "a.csv").write_text("\n".join([HEADER + "".join(f",x{k}" for k in range(59)), *rows]))
    assert len(read_face_csv(tmp_path / "a.csv").weights) == 3600


@pytest.mark.parametrize("times", [("0", "inf"), ("0", "1e9"), ("nan", "1")])
def test_times_that_cannot_be_are_named(tmp_path: Path, times: tuple[str, str]) -> None:
    (tmp_path / "a.csv").write_text("\n".join(["time,jawOpen", *(f"{time},0.5" for time in times)]))
    with pytest.raises(DuologueError) as caught:
        read_face_csv(tmp_path / "a.csv")
    assert caught.value.reason == "face-csv-malformed"


def test_what_is_too_short_to_tell_says_what_was_assumed(tmp_path: Path) -> None:
    face = read_face_csv(table(tmp_path, (code(k, 60) for k in range(20)), fps=60))
    assert face.notes == ("it is too short to tell its rate; its timecodes were taken to count 60 frames a second",)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([f"{k},61,0.1,0.2" for k in range(90)], "says no rate"),
        ([f"00:00:{k:02}:00.000,61,0.1,0.2" for k in range(50)], "they say no rate"),
        ([f"{code(k, 60)},0,," for k in range(90)], "no row has a face"),
        ([f"{code(k % 60, 60)},61,0.1,0.2" for k in range(240)], "time does not go forward"),
        (["12:00:00:00,61,0.1,0.2"] * 90, "the same time"),
        (["nan,61,0.1,0.2", "0:0:0:1,61,0.1,0.2"], "no timecode"),
        (["noon,61,0.1,0.2", "12:00:00:01,61,0.1,0.2"], "no timecode"),
    ],
)
def test_what_has_no_times_is_named(tmp_path: Path, rows: list[str], problem: str) -> None:
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]))
    with pytest.raises(DuologueError, match=problem) as caught:
        read_face_csv(tmp_path / "a.csv")
    assert caught.value.reason == "face-csv-malformed"
