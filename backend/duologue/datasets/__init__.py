"""Data that models learn from: read, composed, labelled, checked and counted. No model is imported here."""
