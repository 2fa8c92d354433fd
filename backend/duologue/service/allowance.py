"""Each key's share of the router's time: looking at a brief of a megabyte takes some tenths of a second, and everybody waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from duologue.service.admission import busy


class Allowance:
    """A bucket of seconds for each key, which fills as time goes."""

    def __init__(self, burst: float, share: float) -> None:
        """``burst``: seconds that a key may use at once. ``share``: how much of each second comes back."""
        self._burst, self._share = burst, share
        self._used: dict[str, tuple[float, float]] = {}
        """Seconds used, and when that was so."""

    @contextmanager
    def charged(self, user: str) -> Iterator[None]:
        """Charge a key for the block.

        Raises:
            DuologueError: RESOURCE_EXHAUSTED ``briefs-per-client``: it has used up what it had, by others' patience.
        """
        if self.used(user) >= self._burst:
            raise busy(
                "briefs-per-client", "this client asks for more than the server looks at in a while; wait a little"
            )
        begun = time.thread_time()
        try:
            yield
        finally:
            self._used[user] = self.used(user) + time.thread_time() - begun, time.monotonic()

    def used(self, user: str) -> float:
        """Return the seconds that count against a key now."""
        seconds, since = self._used.get(user, (0.0, 0.0))
        return max(0.0, seconds - self._share * (time.monotonic() - since))
