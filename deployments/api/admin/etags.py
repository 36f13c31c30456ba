"""Optimistic locking over HTTP (RFC 9110, 13.1): what is read carries an ETag, a change names the one it read."""

from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from deployments.contracts.errors import InvalidRequest, SecretaryError


class PreconditionRequired(SecretaryError):
    """The change does not say which version it was made from (RFC 6585, 3)."""

    code, status = "precondition_required", 428


def set_etag(response: Response, version: int) -> None:
    """Sets the ETag of what ``response`` carries."""
    response.headers["etag"] = f'"{version}"'


def if_match(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """The version in ``If-Match``; None when the header is absent or ``*``."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise InvalidRequest('If-Match takes the ETag that was read, for example "3".', param="If-Match")
    return int(text)


IfMatch = Annotated[int | None, Depends(if_match)]


def given_version(header: int | None, body: int | None) -> int | None:
    """The version a change was made from, if it says one: of the header, else of the body."""
    return header if header is not None else body


def required_version(header: int | None, body: int | None) -> int:
    """``named``, where a change must say it. Raises PreconditionRequired."""
    version = given_version(header, body)
    if version is None:
        raise PreconditionRequired("Say which version you changed: If-Match with the ETag you read, or `version`.")
    return version
