"""``/v1/completions``: a prompt instead of messages."""
