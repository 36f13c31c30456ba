"""Uploads of cloned voices and of the consents to them."""
