"""Duologue: two people's speech in, a two-person performance out.

Importing this package imports no torch, no bpy and no network code.
"""

__version__ = "0.1.0"
