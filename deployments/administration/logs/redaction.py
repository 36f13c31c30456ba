"""Hides what looks like a secret in a line of a log. No line should have one; this is for lines of libraries."""

import re

_SECRET = re.compile(
    r"(?P<kept>(?i:\bbearer\s+|\b(?:password|passwd|api[_-]?key|token|secret|authorization)=)|://[^\s/@:]+:)[^\s,;&'\"@]{4,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
    r"|\b(?:sk|hf|ghp|gsk|xai)[-_][\w-]{16,}"
    r"|\b\d{6,20}(?::|%3[Aa])[\w-]{25,}"
)


def hide_secrets(line: str) -> str:
    """``line`` with keys, tokens and passwords replaced by ``[hidden]``."""
    return _SECRET.sub(lambda found: f"{found['kept'] or ''}[hidden]", line)
