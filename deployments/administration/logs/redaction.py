"""Hides what looks like a secret in a line of a log. No line should have one; this is for lines of libraries."""

import re

_SECRET = re.compile(
    r"(?P<name>(?i:\bbearer\s+|\b(?:password|passwd|api[_-]?key|token|secret)=))[^\s,;&'\"]{4,}"
    r"|(?P<user>://[^\s/@:]+:)[^\s/@]+(?=@)"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
    r"|\b(?:sk|hf|ghp|gsk|xai)[-_][\w-]{16,}"
)
_BOT_TOKEN = re.compile(r"\d{6,20}(?::|%3[Aa])[\w-]{25,}")
_HINTS = (
    *("bearer", "password=", "passwd=", "key=", "token=", "secret=", "://", "eyj"),
    *(prefix + sign for prefix in ("sk", "hf", "ghp", "gsk", "xai") for sign in "-_"),
)
"""What a line with one of these secrets has in lower case; most lines have none, and a megabyte has thousands."""


def hide_secrets(line: str) -> str:
    """``line`` with keys, tokens and passwords replaced by ``[hidden]``."""
    if ":" in line or "%3" in line:
        line = _BOT_TOKEN.sub("[hidden]", line)
    lowered = line.lower()
    if not any(hint in lowered for hint in _HINTS):
        return line
    return _SECRET.sub(lambda found: f"{found['name'] or found['user'] or ''}[hidden]", line)
