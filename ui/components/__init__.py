"""Pieces of a page that several tabs share."""
