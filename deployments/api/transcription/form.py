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
_MAX_KEYWORDS = 500
_MAX_KEYWORD_CHARS = 100
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
            language=None if translate else _spoken_language(fields),
            prompt=text_field(fields, "prompt"),
            temperature=_temperature(fields),
            translate=translate,
            word_timestamps="word" in granularities,
            hot_words=expected_words(fields),
        ),
    )


def _format(fields: FormData) -> TranscriptFormat:
    name = text_field(fields, "response_format") or "json"
    if name not in _FORMATS:
        raise InvalidRequest(f"response_format is one of {', '.join(_FORMATS)}.", param="response_format")
    return cast(TranscriptFormat, name)


def _granularities(fields: FormData) -> frozenset[str]:
    granularities = frozenset(_texts(fields, "timestamp_granularities"))
    if not granularities <= _GRANULARITIES:
        raise InvalidRequest("timestamp_granularities accepts word and segment.", param="timestamp_granularities")
    return granularities


def _spoken_language(fields: FormData) -> str | None:
    """The language of ``language`` or of ``languages``; with several, the engine detects which one is spoken."""
    possible = {named_language(text, "languages") for text in _texts(fields, "languages")}
    if not possible:
        return named_language(text_field(fields, "language"))
    return possible.pop() if len(possible) == 1 else None


def named_language(text: str, param: str = "language") -> str | None:
    """The tag of the language that ``text`` names, None when it is empty or "auto". Raises InvalidRequest."""
    text = text.strip()
    if not text or text.lower() in _DETECTED:
        return None
    tag = language_tag(text)
    if tag is None:
        raise InvalidRequest(
            f"{param} is auto, an ISO 639 code such as ru or rus, or an English name such as russian.", param=param
        )
    return tag


def expected_words(fields: FormData) -> tuple[str, ...]:
    """``keywords``: words and phrases that the recording probably has. Raises InvalidRequest."""
    keywords = tuple(filter(None, (text.strip() for text in _texts(fields, "keywords"))))
    if len(keywords) > _MAX_KEYWORDS or any(len(keyword) > _MAX_KEYWORD_CHARS for keyword in keywords):
        raise InvalidRequest(
            f"keywords are at most {_MAX_KEYWORDS}, with at most {_MAX_KEYWORD_CHARS} characters each.",
            param="keywords",
        )
    return keywords


def _texts(fields: FormData, name: str) -> list[str]:
    """Values of the list ``name[]``, also accepted without brackets. Raises InvalidRequest for a file."""
    values = [*fields.getlist(f"{name}[]"), *fields.getlist(name)]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        raise InvalidRequest(f"{name} must be text, not a file.", param=name)
    return texts


def _temperature(fields: FormData) -> float:
    text = text_field(fields, "temperature") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidRequest("temperature is a number from 0 to 1.", param="temperature")
    return value
