"""Model files: which exist, where they come from, where they lie on disk. Nothing here loads a model."""
