"""``duologue evaluate body``."""
