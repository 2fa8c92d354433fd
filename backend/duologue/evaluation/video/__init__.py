"""What a video model's pictures are worth: against the true ones, and against what the scene knows without a model."""
