"""Text on its way to a voice: which language it is, where its sentences end, and how it is said aloud. Pure."""
