"""State that the processes of one installation share: rate limits and the phrase cache."""
