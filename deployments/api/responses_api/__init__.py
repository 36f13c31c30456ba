"""``/v1/responses``: OpenAI's Responses API over the same turns as chat completions."""
