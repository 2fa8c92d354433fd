# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of the properties: what was changed. Properties know nobody who acts on them; registration says who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec

P = ParamSpec("P")


class Event(Generic[P]):
    """Something that happens, with at most one listener. Until there is one, nothing comes of it."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._listener: Callable[P, None] | None = None

    def connect(self, listener: Callable[P, None]) -> None:
        """Have ``listener`` called each time."""
        self._listener = listener

    def disconnect(self) -> None:
        """Call nobody any more."""
        self._listener = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell the listener."""
        if self._listener is not None:
            self._listener(*args, **kwargs)


character_changed = Event[Any, bool]()
"""A performer's settings were changed in what decides how its character is recognised. The second argument: also look for meshes
and shapes that have come or gone."""
transcript_changed = Event[Any]()
"""Another file of words was chosen, or read otherwise: the transcript's settings."""
take_chosen = Event[Any]()
"""Another take was clicked in the list: the scene."""
take_plays = Event[Any, str]()
"""A take was put on the characters: the scene, and what the take is known by."""
parts_shown = Event[Any]()
"""What of a take is to play was changed: the entry."""
tuning_changed = Event[Any]()
"""A row of the face tuning was changed: the scene."""

ALL = (character_changed, transcript_changed, take_chosen, take_plays, parts_shown, tuning_changed)
