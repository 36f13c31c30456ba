"""Text to speech and the list of voices."""
