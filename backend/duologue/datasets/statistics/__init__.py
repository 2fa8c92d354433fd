"""What a corpus is like, in figures."""
