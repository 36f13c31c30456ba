"""Bounds of texts and pages. Use cases check them themselves: a panel socket or a route may send anything."""

from deployments.contracts.errors import InvalidRequest, TextTooLong

MAX_SEARCH_LENGTH = 500
_MAX_PAGE_SIZE = 1_000
_MAX_OFFSET = 2**31 - 1


def require_text(text: str, most: int, param: str) -> None:
    """Raises TextTooLong above ``most`` characters."""
    if len(text) > most:
        raise TextTooLong(f"{param} has at most {most} characters", param=param)


def require_page(limit: int, offset: int) -> None:
    """Raises InvalidRequest for a page of more than 1,000 records, or one that cannot be addressed."""
    if not 1 <= limit <= _MAX_PAGE_SIZE:
        raise InvalidRequest(f"a page has 1 to {_MAX_PAGE_SIZE} records", param="limit")
    if not 0 <= offset <= _MAX_OFFSET:
        raise InvalidRequest("the offset is out of range", param="offset")
