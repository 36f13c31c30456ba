"""Uploads: multipart forms with one file, and files that are a whole body.

A file is written to a ``MemoryFile`` while it arrives: it is never on a disk, and in no process as a whole.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Receive

from deployments.api.errors import ClientGone
from deployments.api.request_body import content_type
from deployments.contracts.errors import InvalidRequest, UnsupportedMediaType
from deployments.contracts.memory_file import MemoryFile

_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 64 * 1024


class _MemoryFileParser(MultiPartParser):
    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if (upload := self._current_part.file) is not None:
            upload.file.close()
            upload.file = MemoryFile()
            self._files_to_close_on_error[-1] = upload.file  # type: ignore[call-overload]


@asynccontextmanager
async def multipart_fields(request: Request) -> AsyncIterator[FormData]:
    """The form of ``request``, closed at exit. Raises InvalidRequest, UnsupportedMediaType, TooLarge."""
    if content_type(request.scope) != b"multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    parser = _MemoryFileParser(
        request.headers, request.stream(), max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
    )
    try:
        fields = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "names must be UTF-8"
        raise InvalidRequest(f"Invalid form: {detail}") from None
    try:
        yield fields
    finally:
        await fields.close()


@asynccontextmanager
async def body_file(receive: Receive) -> AsyncIterator[MemoryFile]:
    """The whole body, open in the block. Raises ClientGone when the client disconnects first."""
    with MemoryFile() as file:
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            file.write(message.get("body", b""))
            more = message.get("more_body", False)
        yield file


def uploaded_file(fields: FormData, name: str = "file") -> MemoryFile:
    """The file in the field ``name``, open until the form is closed. Raises InvalidRequest when it is missing or
    empty."""
    upload = fields.get(name)
    if not isinstance(upload, UploadFile) or not isinstance(upload.file, MemoryFile):
        raise InvalidRequest(f"Missing required parameter: {name}.", param=name)
    if not upload.file.size:
        raise InvalidRequest("The file is empty.", param=name)
    return upload.file


def text_field(fields: FormData, name: str) -> str:
    """A text field; "" when it is absent. Raises InvalidRequest for a file."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text, not a file.", param=name)
    return value
