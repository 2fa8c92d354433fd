"""Training data made from single recordings and captures."""
