"""What builds our own data; nothing here ships."""
