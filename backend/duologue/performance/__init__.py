"""The whole way from two speech tracks to the windows of a take."""

from duologue.performance.performance import Performance

__all__ = ["Performance"]
