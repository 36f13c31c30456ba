"""Chat completions, text and spoken, whole and streamed."""
