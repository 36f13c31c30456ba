"""Names of browsers in words: "Firefox, Windows" instead of a User-Agent header."""

_BROWSERS = (
    ("YaBrowser/", "Yandex"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
"""More than one mark can occur in a header; the first one here counts."""


def browser_name(user_agent: str) -> str:
    """Browser and system; "" for an unknown one."""
    found = (next((name for mark, name in names if mark in user_agent), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)
