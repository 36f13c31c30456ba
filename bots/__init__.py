"""Telegram bots. A supervisor runs one process for each declared bot."""
