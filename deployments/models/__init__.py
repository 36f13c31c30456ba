"""Model files: the catalogue, downloads and the model directory on disk."""
