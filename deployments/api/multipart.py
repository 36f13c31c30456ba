"""Multipart forms with one file, parsed in memory: uploads are never written to disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from deployments.api.request_body import content_type
from deployments.contracts.errors import InvalidRequest, UnsupportedMediaType

_MAX_FIELDS = 64


class _InMemoryParser(MultiPartParser):
    spool_max_size = 1 << 40


@asynccontextmanager
async def multipart_fields(request: Request) -> AsyncIterator[FormData]:
    """The form of ``request``, closed at exit. Raises InvalidRequest, UnsupportedMediaType, TooLarge."""
    if content_type(request.scope) != b"multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    parser = _InMemoryParser(request.headers, request.stream(), max_files=1, max_fields=_MAX_FIELDS)
    try:
        fields = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "names must be UTF-8"
        raise InvalidRequest(f"Invalid form: {detail}") from None
    try:
        yield fields
    finally:
        await fields.close()


async def uploaded_file(fields: FormData) -> bytes:
    """The content of the field ``file``. Raises InvalidRequest when it is missing or empty."""
    upload = fields.get("file")
    if not isinstance(upload, UploadFile):
        raise InvalidRequest("Missing required parameter: file.", param="file")
    data = await upload.read()
    if not data:
        raise InvalidRequest("The file is empty.", param="file")
    return data


def text_field(fields: FormData, name: str) -> str:
    """A text field; "" when it is absent. Raises InvalidRequest for a file."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text, not a file.", param=name)
    return value
