"""Two talking faces composed from phone times."""
