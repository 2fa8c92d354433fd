"""``duologue evaluate face``."""
