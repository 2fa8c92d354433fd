# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots: a take on its characters in a scene that is lit, framed, drawn and exported; many of them in a batch."""
