# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire from inside Blender: which server, the connection, the take that is being made, and frames sent on to others."""
