"""Two moving bodies composed from the kit's captured clips."""
