"""Faces without networks, as ``motion`` is bodies: lips, articulation, eyes and the expression layer."""
