"""The formats on disk that the models train from."""
