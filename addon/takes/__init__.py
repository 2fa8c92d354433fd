# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: their files and list, their curves on the characters, live, kept, tweaked and baked, and moved along with the speech."""
