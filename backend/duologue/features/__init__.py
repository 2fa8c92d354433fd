"""What the networks see: poses and roots as columns."""
