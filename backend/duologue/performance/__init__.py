"""The whole way from two speech tracks to the windows of a take.

- ``performance``: both models, loaded once; ``run``: one brief being performed.
- ``score``: a brief laid over frames; ``features``: both performers' speech, side by side.
- ``bodies``, ``faces``: each a stream of stretches; ``direction``: hands and heads where a director wants them.
- ``inpainting``: what stays of an earlier take.
"""

from duologue.performance.performance import Performance

__all__ = ["Performance"]
