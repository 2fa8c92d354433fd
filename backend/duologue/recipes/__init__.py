"""Which data, which settings, in which order: how the starter checkpoints are made."""
