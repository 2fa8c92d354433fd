"""Two voices taking turns, and synthetic speakers."""
