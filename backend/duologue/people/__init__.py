"""People as clips show them: characters whose triangles have parts and colours, and pictures of what each looks like."""
