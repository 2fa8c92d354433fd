"""Passes on their way up and pictures on their way down: nothing is lost, doubled or taken for something else."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.passes.contract import PASSES, Passes
from duologue.passes.pictures import MAKERS, RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.wire import clip, messages, pictures
from duologue.wire.framing import MAX_FRAME, MAX_TOTAL, Packet, decode, encode
from duologue.wire.pass_upload import CHUNK, PassUpload
from duologue.wire.render_messages import LeftMessage, PassesMessage, PicturesMessage
from hypothesis import given, settings
from hypothesis import strategies as st

COUNTS = st.sampled_from([1, 5, 17])
SIDES = st.sampled_from([16, 32, 48])


def held(frames: int, size: tuple[int, int], seed: int = 0) -> HeldPasses:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    for name, about in PASSES.items():
        shape = (frames, size[1], size[0]) if about.channels == 1 else (frames, size[1], size[0], about.channels)
        arrays[name] = rng.integers(0, 256, shape).astype(about.dtype)
    return HeldPasses(Passes(**arrays, depth_range=(1.0, 2.0)), 15.0)


def digests(upload: PassUpload) -> tuple[str, ...]:
    until = time.monotonic() + 20
    while (found := upload.digests()) is None:
        assert time.monotonic() < until
        time.sleep(0.001)
    return found


def accepted(received: tuple[int, ...], grant: int) -> messages.Accepted:
    return messages.Accepted("j", "k", "uploading", 0, received, grant)


@settings(deadline=None, max_examples=25)
@given(COUNTS, SIDES, SIDES, st.sampled_from(list(MAKERS)), st.booleans(), st.integers(CHUNK, 4 * CHUNK), st.data())
def test_passes_arrive_as_they_are_whatever_breaks_between(
    frames: int, width: int, height: int, backend: str, region: bool, step: int, data: Any
) -> None:
    passes = held(frames, (width, height))
    before = np.random.default_rng(1).integers(0, 256, (frames, height, width, 3)).astype(np.uint8)
    since = (
        pictures.Left("final", 1, data.draw(st.binary(min_size=1, max_size=200))) if data.draw(st.booleans()) else None
    )
    names = clip.names_of(RenderSettings(backend, region="hand" if region else ""), left=since is not None)
    source = clip.Source(passes, lambda start, stop: before[start:stop], since)
    upload = PassUpload(source, names, lambda: None)
    declared = digests(upload)
    arrived = dict.fromkeys(names, b"")

    def send(message: messages.Message, arrays: dict[str, Any]) -> bool:
        packet = decode([bytes(frame) for frame in encode(message, arrays)])
        assert isinstance(packet.message, PassesMessage)
        name, row = packet.message.name, packet.arrays["data"]
        assert row.dtype.str == clip.type_of(name)
        assert packet.message.offset * row.itemsize == len(arrived[name])
        arrived[name] += row.tobytes()
        return True

    grant = 0
    while sum(map(len, arrived.values())) < upload.total:
        grant += step
        if data.draw(st.booleans()):  # a new connection: the server says what it holds
            upload.go_on(accepted(tuple(len(arrived[name]) for name in names), grant))
        upload.grant(grant)
        upload.pump("j", send)
        assert upload.under_way == sum(map(len, arrived.values())) <= grant
    for name, sha256 in zip(names, declared, strict=True):
        if name == clip.LEFT:
            assert since is not None
            wanted = since.data
        else:
            values = before if name == clip.PREVIOUS else getattr(passes.passes, name)
            wanted = values[: 1 if name == "beauty" else frames].astype(clip.type_of(name)).tobytes()
        assert arrived[name] == wanted
        assert hashlib.sha256(arrived[name]).hexdigest() == sha256
        assert source.shapes.bytes(name) == len(arrived[name])


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 20),
    st.integers(0, 100),
    st.sampled_from([(16, 16), (27, 21), (832, 480), (1280, 720), (1168, 1199)]),
    st.data(),
)
def test_windows_fit_a_message_and_follow_each_other(frames: int, start: int, size: tuple[int, int], data: Any) -> None:
    """Small pictures go many at once; of one that no array holds its rows go one after the other."""
    rgb = np.random.default_rng(0).integers(0, 256, (frames, size[1], size[0], 3), np.uint8)
    left = data.draw(st.binary(max_size=3)) * 300_000
    joining, digest, found, kept, seq = pictures.Joining(size, start), pictures.PictureDigest(), [], None, 0
    for begin, row, part in pictures.cut(start, rgb):
        message = PicturesMessage("j" * 32, seq, begin, len(part), "draft", row, {"backend": "tiny"})
        sent = through(message, {"rgb": part})
        assert isinstance(sent.message, PicturesMessage)
        found += [window for window in [joining.add(sent.message, sent.arrays)] if window is not None]
        digest.add("draft", begin, part, row)
        seq += 1
    for offset, part in pictures.cut_left(left) if frames else ():
        sent = through(LeftMessage("j" * 32, seq, "draft", start + frames, offset, len(left)), {"data": part})
        assert isinstance(sent.message, LeftMessage)
        kept = joining.add_left(sent.message, sent.arrays)
        digest.add_left("draft", start + frames, offset, part)
        seq += 1
    assert [window.start for window in found] == [start, *[window.stop for window in found]][: len(found)]
    assert np.array_equal(np.concatenate([rgb[:0], *[window.rgb for window in found]]), rgb)
    assert kept == (pictures.Left("draft", start + frames, left) if frames else None)
    assert joining.hexdigest() == digest.hexdigest()


def through(message: messages.Message, arrays: dict[str, Any]) -> Packet:
    """A message as it arrives."""
    encoded = encode(message, arrays)
    assert max(map(len, encoded)) <= MAX_FRAME
    assert sum(map(len, encoded)) <= MAX_TOTAL
    return decode([bytes(frame) for frame in encoded])


def test_the_digest_is_the_one_that_the_page_describes() -> None:
    digest = pictures.PictureDigest()
    digest.add("final", 8, np.full((2, 16, 16, 3), 7, np.uint8))
    assert digest.hexdigest() == hashlib.sha256(b"final:8+2" + bytes([7]) * (2 * 16 * 16 * 3)).hexdigest()


@pytest.mark.parametrize(
    ("rgb", "more"),
    [
        (np.zeros((2, 16, 32, 3), np.uint8), {}),
        (np.zeros((1, 16, 16, 3), np.uint8), {}),
        (np.zeros((2, 16, 16, 3), np.float32), {}),
        (np.zeros((2, 8, 16, 3), np.uint8), {}),
        (np.zeros((1, 12, 16, 3), np.uint8), {"frames": 1, "row": 8}),
        (np.zeros((1, 0, 16, 3), np.uint8), {"frames": 1}),
        (None, {}),
    ],
)
def test_pictures_that_are_none(rgb: Any, more: dict[str, int]) -> None:
    message = replace(PicturesMessage("j", 0, 0, 2, "draft"), **more)
    with pytest.raises(DuologueError) as error:
        pictures.Joining((16, 16)).add(message, {} if rgb is None else {"rgb": rgb})
    assert error.value.reason == "window-malformed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"offset": 1}, "window-missing"),
        ({"start": 5}, "window-missing"),
        ({"label": "final"}, "window-missing"),
        ({"size": 3}, "window-missing"),
        ({"size": 2**40}, "window-malformed"),
    ],
)
def test_what_is_left_of_other_pictures(changes: dict[str, Any], reason: str) -> None:
    joining = pictures.Joining((16, 16))
    joining.add(PicturesMessage("j", 0, 0, 1, "draft"), {"rgb": np.zeros((1, 16, 16, 3), np.uint8)})
    message = LeftMessage("j", 1, "draft", 1, 0, 4)
    with pytest.raises(DuologueError) as error:
        joining.add_left(replace(message, **changes), {"data": np.zeros(4, np.uint8)})
    assert error.value.reason == reason
    assert joining.add_left(message, {"data": np.zeros(4, np.uint8)}) == pictures.Left("draft", 1, bytes(4))


@pytest.mark.parametrize(
    "name", ["reference.A.face.x", "A.face", "reference.A.feet", "reference.C.face", "reference", ""]
)
def test_a_reference_of_nobody(name: str) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(DuologueError) as error:
        clip.read_references({name: picture})
    assert error.value.reason == "unknown-label"
