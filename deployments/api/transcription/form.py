"""The multipart form of ``/v1/audio/transcriptions`` and ``/translations``.

The gate has bounded the whole body, so the file stays in memory: nothing of what people say is written to disk.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from deployments.api.body import content_type
from deployments.contracts.errors import InvalidRequest, UnsupportedMediaType
from deployments.contracts.speech import RecognitionRequest

Format = Literal["json", "text", "srt", "vtt", "verbose_json"]

_FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
_GRANULARITIES = frozenset(("word", "segment"))
_TRUE = ("true", "1")
_MOST_FIELDS = 64
_LANGUAGE = re.compile(r"^([a-z]{2,3})([-_][a-z0-9]{1,8})*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TranscriptionForm:
    """What was asked. ``data`` is the file as it came, ``wishes`` the request to recognition without its sound."""

    model: str
    data: bytes
    format: Format
    stream: bool
    granularities: frozenset[str]
    wishes: RecognitionRequest


class _InMemoryParser(MultiPartParser):
    spool_max_size = 1 << 40


async def read_form(request: Request, translate: bool) -> TranscriptionForm:
    """The form of ``request``. Raises InvalidRequest, UnsupportedMediaType, TooLarge."""
    if content_type(request.scope) != b"multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    parser = _InMemoryParser(request.headers, request.stream(), max_files=1, max_fields=_MOST_FIELDS)
    try:
        fields = await parser.parse()
    except (MultiPartException, UnicodeDecodeError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "names must be UTF-8"
        raise InvalidRequest(f"The form cannot be read: {detail}") from None
    try:
        return await _read(fields, translate)
    finally:
        await fields.close()


async def _read(fields: FormData, translate: bool) -> TranscriptionForm:
    granularities = _granularities(fields)
    return TranscriptionForm(
        model=_required(fields, "model"),
        data=await _file(fields),
        format=_format(fields),
        stream=_text(fields, "stream").lower() in _TRUE,
        granularities=granularities,
        wishes=RecognitionRequest(
            audio=b"",
            language=None if translate else _language(fields),
            prompt=_text(fields, "prompt"),
            temperature=_temperature(fields),
            translate=translate,
            word_times="word" in granularities,
        ),
    )


async def _file(fields: FormData) -> bytes:
    upload = fields.get("file")
    if not isinstance(upload, UploadFile):
        raise InvalidRequest("Missing required parameter: file.", param="file")
    data = await upload.read()
    if not data:
        raise InvalidRequest("The file is empty.", param="file")
    return data


def _format(fields: FormData) -> Format:
    name = _text(fields, "response_format") or "json"
    if name not in _FORMATS:
        raise InvalidRequest(f"response_format is one of {', '.join(_FORMATS)}.", param="response_format")
    return cast(Format, name)


def _granularities(fields: FormData) -> frozenset[str]:
    """``timestamp_granularities[]`` as OpenAI's clients write it, also without the brackets."""
    wanted = {*fields.getlist("timestamp_granularities[]"), *fields.getlist("timestamp_granularities")}
    if not wanted <= _GRANULARITIES:
        raise InvalidRequest("Granularities are word and segment.", param="timestamp_granularities")
    return frozenset(name for name in wanted if isinstance(name, str))


def _language(fields: FormData) -> str | None:
    text = _text(fields, "language")
    if not text:
        return None
    match = _LANGUAGE.match(text)
    if match is None:
        raise InvalidRequest("language is an ISO 639-1 code such as ru or en.", param="language")
    return match[1].lower()


def _temperature(fields: FormData) -> float:
    text = _text(fields, "temperature") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidRequest("temperature is a number from 0 to 1.", param="temperature")
    return value


def _required(fields: FormData, name: str) -> str:
    text = _text(fields, name)
    if not text:
        raise InvalidRequest(f"Missing required parameter: {name}.", param=name)
    return text


def _text(fields: FormData, name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text, not a file.", param=name)
    return value
