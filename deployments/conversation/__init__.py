"""Runs turns: FAQ answers, language models and speech. Knows neither sockets nor Ray."""
