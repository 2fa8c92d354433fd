"""Data that models learn from: one reader each."""
