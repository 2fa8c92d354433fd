"""Measuring what the models make: metrics, baselines, reports."""
