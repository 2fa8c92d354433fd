# SPDX-License-Identifier: GPL-3.0-or-later
"""Who plays A and B: recognising a character, correcting its mapping, checking and mending it; and the sample characters."""
