"""One engine that trains every model."""
