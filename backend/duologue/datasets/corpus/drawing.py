"""Which windows of a corpus are learned from: a share of them lies across a change of action, a share where somebody walks."""

from __future__ import annotations

import numpy as np

from duologue.datasets.corpus.body import Corpus

Window = tuple[int, int]
"""A pair, and the window's first frame in the arrays."""


class WindowDrawer:
    """Draws windows of a corpus's pairs.

    Drawn evenly, nearly all windows show somebody who stands or sits; a change of action is seen from one end, if at all, and a
    step as good as never.
    """

    def __init__(self, corpus: Corpus, frames: int, pairs: slice, *, changing: float, moving: float, walk: int) -> None:
        """``changing``, ``moving``: shares of the windows that are laid across a change of either's action, and around a frame in
        which either does ``walk``, an index into ``labels.ACTION_MODES``."""
        self._corpus, self._frames, self._pairs = corpus, frames, pairs
        self._shares = changing, moving
        action = np.asarray(corpus.arrays["action"])
        owner = np.repeat(np.arange(len(corpus.starts) - 1), np.diff(corpus.starts))
        chosen = np.arange(len(corpus.starts) - 1)[pairs]
        usable = np.isin(owner, chosen[np.diff(corpus.starts)[chosen] >= frames])
        self._owner = owner
        changes = (np.diff(action, axis=0, prepend=action[:1]) != 0) & usable[:, None]
        changes[corpus.starts[:-1]] = False
        at, who = np.nonzero(changes)
        self._changes = at
        # What happens seldom is seen more often than it happens, by the root of how seldom.
        kinds = action[at - 1, who].astype(int) * 16 + action[at, who]
        _, kind, count = np.unique(kinds, return_inverse=True, return_counts=True)
        self._odds = (1 / np.sqrt(count[kind])) if len(at) else np.zeros(0)
        self._odds = self._odds / max(self._odds.sum(), 1e-12)
        self._walks = np.flatnonzero((action == walk).any(1) & usable)

    def draw(self, count: int, rng: np.random.Generator) -> list[Window]:
        """Draw ``count`` windows.

        Raises:
            DuologueError: FAILED_PRECONDITION ``corpus-short`` when no pair is long enough.
        """
        changing, moving = self._shares
        kind = rng.random(count)
        evenly = self._corpus.windows(self._frames, count, rng, self._pairs)
        across = rng.choice(len(self._changes), count, p=self._odds) if len(self._changes) else None
        walking = rng.choice(len(self._walks), count) if len(self._walks) else None
        place = rng.uniform(0.15, 0.85, count)
        windows: list[Window] = []
        for k, window in enumerate(evenly):
            if kind[k] < changing and across is not None:
                windows.append(self._around(int(self._changes[across[k]]), float(place[k])))
            elif kind[k] < changing + moving and walking is not None:
                windows.append(self._around(int(self._walks[walking[k]]), float(place[k])))
            else:
                windows.append(window)
        return windows

    def _around(self, frame: int, place: float) -> Window:
        """Return the window in which a frame lies at ``place``, 0 to 1, as far as its pair reaches."""
        pair = int(self._owner[frame])
        first, last = self._corpus.starts[pair], self._corpus.starts[pair + 1] - self._frames
        return pair, int(np.clip(frame - round(place * self._frames), first, last))
