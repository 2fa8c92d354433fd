"""One client's text, places and deaths cost that client's job, and nobody else's."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc

import numpy as np
import pytest
import zmq
from duologue.brief import Brief, transcript
from duologue.brief.speech import Transcript
from duologue.errors import DuologueError
from duologue.service.admission import check
from duologue.service.faults import dealer_to
from duologue.service.limits import Limits
from duologue.wire import messages
from duologue.wire.client import Client, Finished
from duologue.wire.framing import decode, encode
from servers import Server, brief, speech

CUE = "1\n00:00:01,000 --> 00:00:02,000\n"
HOSTILE = {
    "styling that never ends": ("srt", lambda n: CUE + "<" * n),
    "styling that ends nowhere": ("srt", lambda n: CUE + "{" * n),
    "hours": ("srt", lambda n: "1" * n + ":00:00,000 --> 00:00:02,000\nhello"),
    "blank lines before a comment": ("textgrid", lambda n: "\n" * n + "!"),
    "a quote that never ends": ("textgrid", lambda n: '"' + '""' * (n // 2) + "x"),
    "digits": ("textgrid", lambda n: "1" * n + "x"),
    "a number beyond all": ("textgrid", lambda n: '"ooTextFile" "TextGrid" 0 1 <exists> ' + "9" * n),
    "digits and dots": ("textgrid", lambda n: "1." * (n // 2)),
    "words in one line": ("json", lambda n: '[{"start": 0, "end": 9, "text": "' + "a " * (n // 2) + '"}]'),
    "words within words": ("json", lambda n: '{"words": ' + '[{"words": ' * min(n, 800) + "[]" + "}]" * min(n, 800) + "}"),
    "a time beyond all": ("json", lambda n: '[{"start": 0, "end": 1' + "0" * 400 + ', "text": "a"}]'),
    "words": ("text", lambda n: "a " * (n // 2)),
}  # fmt: skip


def seconds_to_parse(form: str, text: str) -> float:
    transcript._read.cache_clear()
    begun = time.process_time()
    with contextlib.suppress(DuologueError):  # anything else is a failure
        transcript.parse(Transcript(text, form))
    return time.process_time() - begun


@pytest.mark.parametrize("attack", HOSTILE)
def test_ten_times_the_transcript_takes_ten_times_as_long(attack: str) -> None:
    form, text = HOSTILE[attack]
    once, ten_times = (min(seconds_to_parse(form, text(n)) for _ in range(3)) for n in (20_000, 200_000))
    assert ten_times < 25 * once + 0.05  # a hundred times, where it is quadratic


def test_a_megabyte_of_markup_holds_nobody_up(server: Server) -> None:
    words = {"content": CUE + "<" * 1_000_000, "format": "srt"}
    hostile = Brief.from_json({"performers": {"A": {"transcript": words}, "B": {}}})
    with Client.connect(server.connection) as attacker, Client.connect(server.connection) as innocent:
        doomed = attacker.submit(hostile, speech(1))
        assert isinstance(list(innocent.submit(brief(), speech()))[-1], Finished)
        with contextlib.suppress(DuologueError):  # too large, or performed without those words
            list(doomed)
    assert server.router.pool.restarts == 0


def test_deaths_count_against_the_job_that_caused_them(start, connect) -> None:
    server = start(Limits(worker_restarts=1))
    client = connect(server.connection)
    for _ in range(3):  # two deaths each
        with pytest.raises(DuologueError) as failed:
            list(client.submit(brief(fault=104), speech(4)))
        assert failed.value.reason == "worker-died"
        assert server.router.pool.failure is None
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)


def test_a_place_tomorrow_costs_nothing_today() -> None:
    document = {
        "performers": {"A": {}, "B": {}},
        "constraints": [{"performer": "A", "seconds": 86_400.0, "x": 1.0, "z": 1.0}],
    }
    tracemalloc.start()
    begun = time.process_time()
    late = Brief.from_json(document, seconds=8.0)
    assert time.process_time() - begun < 0.2
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert late.constraints[0].seconds == 86_400.0  # it is left out of the take, and a notice says so


def test_briefs_that_take_the_servers_time_are_counted_against_who_sends_them(start, connect) -> None:
    server = start(Limits(brief_seconds=0.2, jobs_per_client=100))
    moods = [[index / 1000, "joy"] for index in range(50_000)]
    document = np.frombuffer(json.dumps({"performers": {"A": {"emotion": moods}, "B": {}}}).encode(), np.uint8)
    innocent = connect(server.connection)
    with dealer_to(server.connection) as dealer:
        dealer.send_multipart(encode(messages.Hello(protocol=(1, 1))))
        for index in range(30):
            message = messages.Open(str(index), (16_000, 16_000), (16_000, 16_000))
            dealer.send_multipart(encode(message, {"brief": document}))
        answers: list[messages.Message] = []
        while len([one for one in answers if not isinstance(one, messages.Welcome)]) < 30:
            assert dealer.poll(10_000, zmq.POLLIN)
            answers.append(decode(dealer.recv_multipart()).message)
    refused = [one for one in answers if isinstance(one, messages.ErrorMessage)]
    assert {one.reason for one in refused} == {"briefs-per-client"}
    assert len(refused) > 20
    assert innocent.ping() < 10


def test_a_server_that_was_busy_hears_its_workers_before_it_judges_them(start, connect, monkeypatch) -> None:
    server = start(Limits(worker_silence=1.0, worker_beat=0.2))
    client = connect(server.connection)
    answer = server.router._authority.answer

    def slowly() -> None:
        time.sleep(2.0)
        answer()

    job = client.submit(brief(ms=100), speech())
    monkeypatch.setattr(server.router._authority, "answer", slowly)
    connect(server.connection)
    assert isinstance(list(job)[-1], Finished)
    assert server.router.pool.restarts == 0


def test_a_track_too_long_for_its_rate_is_refused_before_it_comes_up() -> None:
    """What decoding would refuse after 900 MB have come up."""
    rate, document = 192_000, np.frombuffer(b'{"performers": {"A": {}, "B": {}}}', np.uint8)
    for minutes, fits in ((7, True), (8, False)):
        message = messages.Open("k", (rate, rate), (minutes * 60 * rate, 1))
        if fits:
            assert check(message, document, Limits()).seconds == minutes * 60
        else:
            with pytest.raises(DuologueError, match=r"7\.5 min is the limit at 192000 Hz") as refused:
                check(message, document, Limits())
            assert refused.value.reason == "audio-too-long"
