"""A message's fields out of a JSON object and into one.

A field without a default must be present; a field that this version does not know is ignored, so that a newer peer of the same
major version may add some. Text is bounded, numbers are finite and not negative, lists are short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_type_hints

from duologue.errors import DuologueError
from duologue.wire import messages, render_messages
from duologue.wire.fields import Json, bad_field, checked
from duologue.wire.messages import Message

TYPES: Final[Mapping[str, type[Message]]] = {
    kind.TYPE: kind
    for kind in (
        messages.Hello, messages.Welcome, messages.Open, messages.Accepted, messages.Audio, messages.TakeMessage,
        messages.AudioEnd, messages.Grant, messages.WindowMessage, messages.ProgressMessage, messages.NoticeMessage,
        messages.Credit, messages.Done, messages.Cancel, messages.Cancelled, messages.Resume, messages.ErrorMessage,
        messages.Ping, messages.Pong, render_messages.Render, render_messages.PassesMessage,
        render_messages.PicturesMessage, render_messages.LeftMessage,
    )
}  # fmt: skip
"""All messages by what the header calls them."""
HINTS: Final = {name: get_type_hints(kind) for name, kind in TYPES.items()}
"""The types of every message's fields."""


def to_json(message: Message) -> Json:
    """Return the message's fields as a JSON object."""
    return {item.name: getattr(message, item.name) for item in fields(message)}


def from_json(kind: str, values: Mapping[str, Any]) -> Message:
    """Build the message of type ``kind`` from a JSON object.

    Raises:
        DuologueError: UNIMPLEMENTED ``message-unknown``; INVALID_ARGUMENT ``message-field`` (missing, of the wrong type, too
            large), with the field named.
    """
    cls = TYPES.get(kind)
    if cls is None:
        raise DuologueError("UNIMPLEMENTED", "message-unknown", f"this version does not know the message {kind[:32]!r}")
    checked_fields: dict[str, Any] = {}
    for item in fields(cls):
        if item.name in values:
            checked_fields[item.name] = checked(values[item.name], HINTS[kind][item.name], f"{kind}.{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise bad_field(f"{kind}.{item.name}", "is missing")
    return cls(**checked_fields)
