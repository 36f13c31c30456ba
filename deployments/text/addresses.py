"""Patterns for e-mail addresses, web addresses and domain names."""

import re

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
WEB_ADDRESS = re.compile(r"\b(?:https?://|www\.)(?:www\.)?([\w.-]+)[^\s<>«»\"()]*", re.IGNORECASE)
"""The group is the host."""
DOMAIN = re.compile(
    r"(?<![\w.@-])((?:[\w-]+\.)+(?:com|org|net|info|ru|su|рф|io|ai|dev|app|eu|uk|by|kz))(?:/\S*)?(?![\w@])"
)
"""The group is the host."""
