"""Pictures of two people who touch, out of what the scene knows of them: a small diffusion transformer, and its data's shape."""
