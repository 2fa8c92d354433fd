"""A face as Epic's Live Link Face app sends it over UDP: one packet a frame, to port 11111 by default.

All numbers are big-endian: version (u8, 6), device id and subject name (each an i32 length, then UTF-8), frame number (i32), part
of a frame (f32), frame rate as numerator and denominator (i32 each), the count of values (u8, 61) and the values (f32 each).

Sources, which agree: LLV (https://github.com/think-biq/LLV, which also names the lines of Unreal's receiver) and PyLiveLinkFace
(https://github.com/JimWest/PyLiveLinkFace; what it takes for a "$" before the id is the last byte of that length, 36). The values
come in the order of Unreal's EARFaceBlendShape, which has JawLeft before JawRight: Apple's, not that of the app's own CSV.
"""

from __future__ import annotations

import struct
import uuid
from typing import Any, Final

from numpy.typing import NDArray

from duologue import arkit
from duologue.units import FPS

PORT: Final = 11111
"""Where Unreal listens."""

VERSION: Final = 6
COUNT: Final = len(arkit.NAMES) + 9
"""The 52 shapes, then yaw, pitch and roll of the head, the left and the right eye."""

_TAIL: Final = struct.Struct(f">ifiiB{COUNT}f")


def packet(subject: str, frame: int, weights: NDArray[Any], *, fps: int = FPS, device: str = "") -> bytes:
    """Return the packet of one frame.

    The nine angles are 0, as in our CSV: the head turns with the body and the eyes with their shapes.

    Args:
        subject: what the receiver calls the face, such as ``"Duologue A"``.
        frame: counted from 0; the receiver reads the time off it.
        weights: (52,), in the order of ``arkit.NAMES``.
        fps: frames a second.
        device: an id of 36 characters; by default one made from the subject's name, the same every time.
    """
    device = device or device_id(subject)
    head = b"".join(_text(text) for text in (device, subject))
    values = [*weights.tolist(), *[0.0] * (COUNT - len(arkit.NAMES))]
    return bytes([VERSION]) + head + _TAIL.pack(frame, 0.0, fps, 1, COUNT, *values)


def device_id(subject: str) -> str:
    """Return the id of the phone that a subject might have come from: always the same for one name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"duologue {subject}")).upper()


def _text(text: str) -> bytes:
    coded = text.encode()
    return struct.pack(">i", len(coded)) + coded
