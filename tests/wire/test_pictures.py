"""Passes on their way up and pictures on their way down: nothing is lost, doubled or taken for something else."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.passes.contract import PASSES, Passes
from duologue.passes.pictures import MAKERS, RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.wire import clip, messages, pictures
from duologue.wire.framing import MAX_FRAME, MAX_TOTAL, decode, encode
from duologue.wire.pass_upload import CHUNK, PassUpload
from duologue.wire.render_messages import PassesMessage, PicturesMessage
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
    passes, size = held(frames, (width, height)), (width, height)
    before = np.random.default_rng(1).integers(0, 256, (frames, height, width, 3)).astype(np.uint8)
    names = clip.names_of(RenderSettings(backend, region="hand" if region else ""))
    upload = PassUpload(passes, names, lambda start, stop: before[start:stop], lambda: None)
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
        source = before if name == clip.PREVIOUS else getattr(passes.passes, name)
        wanted = source[: 1 if name == "beauty" else frames].astype(clip.type_of(name))
        assert arrived[name] == wanted.tobytes()
        assert hashlib.sha256(arrived[name]).hexdigest() == sha256
        assert clip.bytes_of(name, frames, size) == len(arrived[name])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40), st.integers(0, 100), st.sampled_from([(16, 16), (832, 480), (1280, 720), (1168, 1184)]))
def test_windows_fit_a_message_and_follow_each_other(frames: int, start: int, size: tuple[int, int]) -> None:
    rgb = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, size[1], size[0], 3))
    digest, end = pictures.PictureDigest(), start
    for seq, (begin, part) in enumerate(pictures.cut(start, rgb)):
        message = PicturesMessage("j" * 32, seq, begin, len(part), "draft", {"backend": "tiny"})
        encoded = encode(message, {"rgb": part})
        assert len(encoded[2]) <= MAX_FRAME
        assert sum(map(len, encoded)) <= MAX_TOTAL
        packet = decode(encoded)
        assert isinstance(packet.message, PicturesMessage)
        window = pictures.from_arrays(packet.message, packet.arrays, size)
        assert window.start == end
        assert np.array_equal(window.rgb, part)
        digest.add(window.label, window.start, window.rgb)
        end = window.stop
    assert end == start + frames


def test_the_digest_is_the_one_that_the_page_describes() -> None:
    digest = pictures.PictureDigest()
    digest.add("final", 8, np.full((2, 16, 16, 3), 7, np.uint8))
    assert digest.hexdigest() == hashlib.sha256(b"final:8+2" + bytes([7]) * (2 * 16 * 16 * 3)).hexdigest()


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((2, 16, 32, 3), np.uint8),
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros((2, 16, 16, 3), np.float32),
        None,
    ],
)
def test_pictures_that_are_none(rgb: Any) -> None:
    with pytest.raises(DuologueError) as error:
        pictures.from_arrays(PicturesMessage("j", 0, 0, 2, "draft"), {} if rgb is None else {"rgb": rgb}, (16, 16))
    assert error.value.reason == "window-malformed"


@pytest.mark.parametrize(
    "name", ["reference.A.face.x", "A.face", "reference.A.feet", "reference.C.face", "reference", ""]
)
def test_a_reference_of_nobody(name: str) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(DuologueError) as error:
        clip.read_references({name: picture})
    assert error.value.reason == "unknown-label"
