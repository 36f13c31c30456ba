"""``/v1/models`` and the resolution of model names."""
