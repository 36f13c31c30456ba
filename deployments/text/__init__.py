"""Text processing for speech: language detection, sentence splitting, numbers and abbreviations in words."""
