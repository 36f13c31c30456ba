"""Optimistic locking over HTTP (RFC 9110, 13.1): a reply carries an ETag, and a change names the ETag that was read."""

from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from deployments.contracts.errors import InvalidRequest, SecretaryError


class PreconditionRequired(SecretaryError):
    """The change does not name the version that it is based on (RFC 6585, 3)."""

    code, status = "precondition_required", 428


def set_etag(response: Response, version: int) -> None:
    """Sets the ETag of ``response`` to ``version``."""
    response.headers["etag"] = f'"{version}"'


def if_match(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """Returns the version in ``If-Match``, or None if the header is absent or ``*``."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise InvalidRequest('If-Match takes the ETag that was read, for example "3".', param="If-Match")
    return int(text)


IfMatch = Annotated[int | None, Depends(if_match)]


def given_version(header: int | None, body: int | None) -> int | None:
    """Returns the version from the header, else from the body, else None."""
    return header if header is not None else body


def required_version(header: int | None, body: int | None) -> int:
    """Returns the version from the header, else from the body. Raises PreconditionRequired if both are missing."""
    version = given_version(header, body)
    if version is None:
        raise PreconditionRequired(
            "Name the version that you changed: If-Match with the ETag that was read, or `version`."
        )
    return version
