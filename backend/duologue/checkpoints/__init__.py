"""Networks on disk: safetensors with a JSON config, checked by sha256; ``starter/`` holds the shipped ones."""
