"""Which names a request may put into ``model``."""
