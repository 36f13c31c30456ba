"""Errors of this package."""


class InvalidHeader(ValueError):
    """A file of weights is damaged, incomplete or of another format."""
