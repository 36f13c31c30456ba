"""Prepared answers: exact and keyword matches from memory, similar questions by rank. Pure and synchronous."""
