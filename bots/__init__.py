"""Telegram bots: one process each, declared as rows, kept running by a supervisor."""
