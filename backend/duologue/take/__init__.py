"""The take: what two performers did, how a part of it is made again, and what other programs read of it."""

from duologue.take.take import Take
from duologue.take.track import Notice, Progress, Track, Window

__all__ = ["Notice", "Progress", "Take", "Track", "Window"]
