"""Reading and writing: documents, whole files or none, safetensors without pickles, and where our own data lies."""
