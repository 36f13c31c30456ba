"""Answers that are spoken before they are asked for: what is wanted, who makes it, where it is kept, how it is read."""
