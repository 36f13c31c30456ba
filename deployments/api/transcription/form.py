"""The multipart form of ``/v1/audio/transcriptions`` and ``/translations``.

The file is neither written to disk nor decoded by the door: recognition opens the memory that it arrived in.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import FormData
from starlette.requests import Request

from deployments.api.uploads import multipart_fields, text_field, uploaded_file
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.speech import RecognitionRequest

TranscriptFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]

_FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
_GRANULARITIES = frozenset(("word", "segment"))
_TRUE = ("true", "1")
_LANGUAGE = re.compile(r"^([a-z]{2,3})([-_][a-z0-9]{1,8})*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TranscriptionForm:
    """Fields of the form. ``request`` refers to the uploaded file."""

    model: str
    format: TranscriptFormat
    stream: bool
    granularities: frozenset[str]
    request: RecognitionRequest


@asynccontextmanager
async def opened_form(request: Request, translate: bool) -> AsyncIterator[TranscriptionForm]:
    """The form of ``request``, whose file is open in the block. Raises InvalidRequest, UnsupportedMediaType,
    TooLarge."""
    async with multipart_fields(request) as fields:
        yield _read(fields, translate)


def _read(fields: FormData, translate: bool) -> TranscriptionForm:
    granularities = _granularities(fields)
    return TranscriptionForm(
        model=_required_text(fields, "model"),
        format=_format(fields),
        stream=text_field(fields, "stream").lower() in _TRUE,
        granularities=granularities,
        request=RecognitionRequest(
            file=uploaded_file(fields).reference,
            language=None if translate else language_field(fields),
            prompt=text_field(fields, "prompt"),
            temperature=_temperature(fields),
            translate=translate,
            word_timestamps="word" in granularities,
        ),
    )


def _format(fields: FormData) -> TranscriptFormat:
    name = text_field(fields, "response_format") or "json"
    if name not in _FORMATS:
        raise InvalidRequest(f"response_format is one of {', '.join(_FORMATS)}.", param="response_format")
    return cast(TranscriptFormat, name)


def _granularities(fields: FormData) -> frozenset[str]:
    """Values of ``timestamp_granularities[]``, also accepted without brackets."""
    granularities = {*fields.getlist("timestamp_granularities[]"), *fields.getlist("timestamp_granularities")}
    if not granularities <= _GRANULARITIES:
        raise InvalidRequest("timestamp_granularities accepts word and segment.", param="timestamp_granularities")
    return frozenset(name for name in granularities if isinstance(name, str))


def language_field(fields: FormData) -> str | None:
    """The primary tag of the field ``language``, None when it is absent. Raises InvalidRequest."""
    text = text_field(fields, "language")
    if not text:
        return None
    match = _LANGUAGE.match(text)
    if match is None:
        raise InvalidRequest("language is an ISO 639-1 code such as ru or en.", param="language")
    return match[1].lower()


def _temperature(fields: FormData) -> float:
    text = text_field(fields, "temperature") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidRequest("temperature is a number from 0 to 1.", param="temperature")
    return value


def _required_text(fields: FormData, name: str) -> str:
    text = text_field(fields, name)
    if not text:
        raise InvalidRequest(f"Missing required parameter: {name}.", param=name)
    return text
