"""Content negotiation between a page and JSON (RFC 9110, 12.5.1)."""

from collections.abc import Iterable

_MAX_LENGTH = 1024


def prefers_html(accept: str) -> bool:
    """Whether the header Accept names text/html and prefers it to application/json. Wildcards name neither."""
    qualities = {}
    for part in accept[:_MAX_LENGTH].split(","):
        name, *parameters = part.split(";")
        qualities[name.strip().lower()] = _quality(parameters)
    return qualities.get("text/html", 0.0) > qualities.get("application/json", 0.0)


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
