"""The multipart form of ``/v1/audio/transcriptions`` and ``/translations``.

The file is neither written to disk nor decoded by the door: recognition opens the memory that it arrived in.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import FormData
from starlette.requests import Request

from deployments.api.uploads import multipart_fields, text_field, uploaded_file
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.speech import RecognitionRequest
from deployments.text.language_names import language_tag

TranscriptFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]

_FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
_GRANULARITIES = frozenset(("word", "segment"))
_TRUE = ("true", "1")
_DETECTED = ("auto", "detect", "und", "mul")


@dataclass(frozen=True, slots=True)
class TranscriptionForm:
    """Fields of the form. ``model`` "" is the default one. ``request`` refers to the uploaded file."""

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
        model=text_field(fields, "model"),
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
    """The language that the field ``language`` names, None when it is absent or "auto". Raises InvalidRequest."""
    text = text_field(fields, "language").strip()
    if not text or text.lower() in _DETECTED:
        return None
    tag = language_tag(text)
    if tag is None:
        raise InvalidRequest(
            "language is auto, an ISO 639 code such as ru or rus, or an English name such as russian.", param="language"
        )
    return tag


def _temperature(fields: FormData) -> float:
    text = text_field(fields, "temperature") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidRequest("temperature is a number from 0 to 1.", param="temperature")
    return value
