"""A performance over the wire: whole, in order, as it is made, and the same every time."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.service.limits import Limits
from duologue.take import Progress, Window
from duologue.units import Sound
from duologue.wire.client import Client, Finished, Notice
from duologue.wire.connection import Connection
from performances import FRAMES, window
from servers import brief, speech


def test_a_take_arrives_whole_and_as_it_was_made(server, connect) -> None:
    client = connect(server.connection)
    audio = speech(5.5)
    events: list = []
    windows = [event for event in client.perform(brief(seed=3), audio, events.append) if isinstance(event, Window)]
    loud = float(np.mean([np.abs(sound.samples).mean() for sound in audio]))
    assert [(part.start, part.frames) for part in windows] == [
        (0, 30),
        (30, 30),
        (60, 30),
        (90, 30),
        (120, 30),
        (150, 15),
    ]
    for part in windows:
        for got, expected_track in zip(part.tracks, window(3, part.start, part.frames, loud).tracks, strict=True):
            for name, array in expected_track.arrays().items():
                np.testing.assert_array_equal(got.arrays()[name], array)
    assert isinstance(events[-1], Finished)
    assert events[-1].windows == len(windows)
    progress = [event for event in events if isinstance(event, Progress) and event.stage == "body"]
    assert (progress[-1].done, progress[-1].total) == (12, 12)


def test_the_first_window_comes_long_before_the_whole_take(server, connect) -> None:
    client = connect(server.connection)
    begun = time.monotonic()
    times = []
    for event in client.perform(brief(ms=50), speech(12)):
        if isinstance(event, Window):
            times.append(time.monotonic() - begun)
    assert len(times) == 12
    assert times[0] < times[-1] / 3


def test_names_come_with_the_welcome_and_say_what_the_columns_mean(server, connect) -> None:
    client = connect(server.connection)
    assert client.performance["arkit_names"][0] == "eyeBlinkLeft"
    assert len(client.performance["joint_names"]) == 60
    assert client.server.limits["clip_seconds"] == Limits().clip_seconds


def test_one_brief_gives_one_take_and_another_seed_another(server, connect) -> None:
    client = connect(server.connection)

    def digest(seed: int) -> str:
        return list(client.submit(brief(seed=seed), speech(3)))[-1].digest

    assert digest(1) == digest(1) != digest(2)


def test_the_same_key_finds_the_same_job_and_does_not_perform_again(server, connect) -> None:
    first, second = connect(server.connection), connect(server.connection)
    one = [event for event in first.submit(brief(), speech(3), key="k") if isinstance(event, Window | Finished)]
    two = [event for event in second.submit(brief(), speech(3), key="k") if isinstance(event, Window | Finished)]
    assert len(one) == len(two) == 4
    assert one[-1] == two[-1]  # timings and all: they are those of the one job
    with pytest.raises(DuologueError) as refused:
        list(second.submit(brief(seed=2), speech(3), key="k"))
    assert refused.value.reason == "key-reused"
    louder = tuple(Sound(sound.samples * 2, sound.rate) for sound in speech(3))
    with pytest.raises(DuologueError, match="another brief or speech"):
        list(second.submit(brief(), louder, key="k"))


def test_tracks_of_unequal_length_and_rate_are_padded_and_it_is_said(server, connect) -> None:
    client = connect(server.connection)
    a, _ = speech(4, 48_000)
    _, b = speech(2, 8_000)
    events = list(client.submit(brief(), (a, b)))
    assert [event.end for event in events if isinstance(event, Window)][-1] == 4 * 30
    (notice,) = (event for event in events if isinstance(event, Notice))
    assert "B's track is 2.00 s shorter" in notice.message


def test_silence_is_refused_by_the_server_too(server, connect) -> None:
    client = connect(server.connection)
    silence = Sound(np.zeros(32_000, np.float32), 16_000)
    with pytest.raises(DuologueError) as refused:
        list(client.perform(brief(), (silence, silence)))
    assert (refused.value.reason, refused.value.field) == ("audio-silent", "performers")


def test_speech_far_larger_than_the_upload_credit_goes_up(start, connect) -> None:
    client = connect(start(Limits(upload_credit=300_000)).connection)
    windows = [event for event in client.perform(brief(steps=1), speech(20, 44_100)) if isinstance(event, Window)]
    assert windows[-1].end == 600


def test_many_clients_are_served_one_after_the_other_and_hear_their_place(server, connect) -> None:
    clients = [connect(server.connection) for _ in range(3)]
    jobs = [client.submit(brief(seed=seed, ms=20), speech(3)) for seed, client in enumerate(clients)]
    events = [list(job) for job in jobs]
    assert all(isinstance(those[-1], Finished) for those in events)
    assert len({those[-1].digest for those in events}) == 3
    assert any(isinstance(event, Progress) and event.stage == "queue" for those in events for event in those)


def test_a_reader_that_stops_reading_stops_the_stream_and_loses_nothing(start, connect) -> None:
    server = start()
    size = sum(array.nbytes for track in window(1, 0, FRAMES, 0.1).tracks for array in track.arrays().values())
    client = connect(server.connection, credit=3 * size + size // 2)
    job = client.submit(brief(steps=1), speech(40))
    first = job.next_event(30)
    assert first is not None
    until = time.monotonic() + 30
    (remembered,) = server.router.registry.jobs.values()
    while not remembered.over and time.monotonic() < until:  # the performance goes on, into the spool
        time.sleep(0.02)
    assert remembered.over
    client.ping()  # all that the server sent before its answer has arrived
    assert remembered.sent <= 5
    windows = [event for event in job if isinstance(event, Window)]
    assert [part.start for part in windows] == [seconds * 30 for seconds in range(40)]


def test_a_stopped_reader_does_not_pile_up_progress(server, connect) -> None:
    client = connect(server.connection)
    job = client.submit(brief(steps=40, ms=4), speech(3))
    assert job.wait_until_over(60)
    body = [event for event in job.drain(1000) if isinstance(event, Progress) and event.stage == "body"]
    assert len(body) <= 4  # at most one before each window, however many were sent


def test_cancel_takes_effect_within_a_step(server, connect) -> None:
    client = connect(server.connection)
    job = client.submit(brief(steps=1000, ms=20), speech(6))
    while not isinstance(event := job.next_event(30), Progress) or event.stage != "body":
        assert event is not None
    begun = time.monotonic()
    job.cancel()
    ending = list(job)[-1]
    assert isinstance(ending, Finished)
    assert ending.cancelled
    assert time.monotonic() - begun < 2.0  # a step lasts 20 ms; the rest is for a busy machine
    # The worker is free: the next performance begins and ends.
    assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)


def test_leaving_the_loop_cancels(start, connect) -> None:
    server = start()
    client = connect(server.connection)
    for event in client.perform(brief(steps=1000, ms=5), speech(6)):
        if isinstance(event, Progress):
            break
    (job,) = server.router.registry.jobs.values()
    until = time.monotonic() + 10
    while job.state != "cancelled" and time.monotonic() < until:
        time.sleep(0.02)
    assert job.state == "cancelled"


def test_cancelling_while_waiting_in_the_queue(server, connect) -> None:
    client = connect(server.connection)
    running = client.submit(brief(steps=200, ms=10), speech(3))
    waiting = client.submit(brief(seed=2), speech(3))
    while not isinstance(event := waiting.next_event(30), Progress) or event.stage != "queue":
        assert event is not None
    waiting.cancel()
    assert list(waiting)[-1] == Finished(0, cancelled=True)
    running.cancel()
    assert list(running)[-1].cancelled


def test_errors_of_the_performance_keep_their_names_and_tell_no_paths(start, connect, capfd) -> None:
    client = connect(start().connection)
    for fault, reason, code in (
        (101, "audio-silent", "INVALID_ARGUMENT"),
        (102, "performance-failed", "INTERNAL"),
        (105, "out-of-memory", "RESOURCE_EXHAUSTED"),
    ):
        with pytest.raises(DuologueError) as failed:
            list(client.perform(brief(fault=fault), speech()))
        assert (failed.value.reason, failed.value.code) == (reason, code)
        assert "/home" not in failed.value.message
        assert "Traceback" not in failed.value.message
    assert "/home/somebody" in capfd.readouterr().err  # the log has what the client has not
    assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)


def test_what_is_over_a_limit_is_refused_before_any_work(start, connect) -> None:
    server = start(Limits(clip_seconds=10, jobs_per_client=1))
    client = connect(server.connection)
    one = np.ones(1000, np.float32)
    for audio, reason in (
        (speech(11), "audio-too-long"),
        ((Sound(one, 1), Sound(one, 16_000)), "audio-rate"),
        ((Sound(one[:0], 16_000), Sound(one, 16_000)), "audio-empty"),
    ):
        with pytest.raises(DuologueError) as refused:
            list(client.perform(brief(), audio))
        assert refused.value.reason == reason
        assert refused.value.field == "performers.A.speech"
    running = client.submit(brief(steps=500, ms=10), speech(3))
    running.next_event(30)
    with pytest.raises(DuologueError) as refused:
        list(client.perform(brief(seed=9), speech(3)))
    assert refused.value.reason == "jobs-per-client"
    assert refused.value.retryable
    assert server.router.registry.queue == []


def test_a_finished_job_is_kept_for_a_while_and_then_leaves_no_file(start, connect, tmp_path: Path) -> None:
    server = start(Limits(keep=0.5))
    client = connect(server.connection)
    list(client.perform(brief(), speech(2)))
    until = time.monotonic() + 20
    while server.router.registry.jobs and time.monotonic() < until:
        time.sleep(0.05)
    assert not server.router.registry.jobs
    (folder,) = (tmp_path / "state" / "spool").iterdir()
    assert list(folder.iterdir()) == []


def test_the_journal_outlives_the_server_and_the_key_performs_again(start, connect, tmp_path: Path) -> None:
    server = start()
    client = connect(server.connection)
    job = client.submit(brief(steps=100, ms=10), speech(3), key="night")
    while not isinstance(job.next_event(30), Window):
        pass
    server.stop()

    def states() -> dict[str, str]:
        with sqlite3.connect(tmp_path / "state" / "jobs.sqlite") as table:
            return dict(table.execute("SELECT key, state FROM jobs"))

    assert states() == {"night": "retryable"}
    client.close()
    again = connect(start().connection)
    assert isinstance(list(again.submit(brief(steps=100, ms=0), speech(3), key="dawn"))[-1], Finished)
    assert states() == {"night": "retryable", "dawn": "done"}


def test_client_threads_end_and_closing_twice_is_fine(server) -> None:
    before = threading.active_count()
    for _ in range(3):
        client = Client.connect(server.connection)
        client.submit(brief(steps=1000, ms=5), speech())
        client.close()
        client.close()
    assert threading.active_count() == before
    with pytest.raises(DuologueError, match="closed"):
        list(client.submit(brief(), speech()))


def test_a_client_for_a_user_interface_never_blocks(server) -> None:
    begun = time.monotonic()
    with Client(server.connection) as client:
        job = client.submit(brief(ms=5), speech(4))
        assert time.monotonic() - begun < 0.5
        events: list = []
        until = time.monotonic() + 30
        while not (events and isinstance(events[-1], Finished)) and time.monotonic() < until:
            events += job.drain()
            time.sleep(0.01)
        assert sum(isinstance(event, Window) for event in events) == 4


def test_the_connection_file_is_private_whole_and_says_nothing_when_printed(server, tmp_path: Path) -> None:
    connection = server.connection
    path = tmp_path / "new" / "server.json"
    connection.save(path)
    assert Connection.load(path) == connection
    assert connection.client_secret not in repr(connection)
    assert json.loads(path.read_text())["protocol"] == "DUO/1"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        with pytest.raises(DuologueError) as refused:
            Connection.load(path)
        assert refused.value.reason == "connection-exposed"
    for text in ("", "{}", "[]", '{"endpoint": 3}', json.dumps({**vars(replace(connection, server_key="x"))})):
        path.unlink()
        path.touch(0o600)
        path.write_text(text)
        with pytest.raises(DuologueError) as refused:
            Connection.load(path)
        assert refused.value.reason == "connection-malformed"
    with pytest.raises(DuologueError) as refused:
        Connection.load(tmp_path / "none.json")
    assert refused.value.reason == "connection-missing"
