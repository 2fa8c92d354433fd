"""Clips of two people and their hands, drawn: people, scenes, and what a camera sees of them."""
