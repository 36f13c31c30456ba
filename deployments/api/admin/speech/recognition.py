"""Routes of speech recognition: engines, transcription of a recording, and a synthesis round trip."""

import re
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from deployments.administration.office.drafts import Draft
from deployments.administration.speech.recognition import (
    chosen_recognizer,
    hearing_choice,
    recognition_engines,
    round_trip,
    transcribe_recording,
)
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.transcription.form import expected_words, named_language
from deployments.api.uploads import multipart_fields, text_field, uploaded_file
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.recognition_choice import Need
from deployments.contracts.speech import AUTO, EngineStatus, RecognitionRequest

_ENGINE = re.compile(r"[\w.-]{1,50}")


class RecognitionEngineReply(BaseModel):
    name: str
    engine: str
    model: str
    ready: bool
    loading: bool
    error: str
    remedy: str
    languages: tuple[str, ...]
    live: bool


class EngineAvailability(BaseModel):
    available: bool
    model: str


class EngineChoiceReply(BaseModel):
    """The engine that ``auto`` chooses now, and why; without an engine, what is in the way."""

    engine: str | None
    reason: str


class RecognitionStatusReply(BaseModel):
    """``preferred_engine`` is the one for recordings, or None. ``live`` in ``engines``: gives words while somebody
    speaks."""

    live: EngineChoiceReply
    file: EngineChoiceReply
    vosk: EngineAvailability
    whisper: EngineAvailability
    engines: list[RecognitionEngineReply]
    preferred_engine: str | None


class RecognitionModelItem(BaseModel):
    name: str
    engine: str
    ready: bool
    revision: str
    languages: tuple[str, ...]


class RecognitionModelsReply(BaseModel):
    models: list[RecognitionModelItem]


class TranscriptSegmentReply(BaseModel):
    """``start`` and ``end`` in seconds."""

    text: str
    start: float
    end: float


class RecordingTranscriptReply(BaseModel):
    text: str
    language: str
    engine: str
    reason: str
    model: str
    seconds: float
    segments: list[TranscriptSegmentReply]
    unknown_keywords: tuple[str, ...] = Field(description="Words of keywords that the vocabulary of the model lacks")


class RoundTripBody(Draft):
    text_to_speak: str = Field(min_length=1, max_length=2_000)
    voice: str | None = Field(default=None, max_length=100)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    engine: str = Field(default=AUTO, pattern=r"^[\w.-]{1,50}$")


class RoundTripReply(BaseModel):
    """``ratio`` is the similarity of the words, 0..1, ignoring case and punctuation; ``match`` means at least 0.8."""

    original_text: str
    recognized_text: str
    match: bool
    ratio: float
    words_count: int
    seconds: float
    engine: str


def recognition_router(speech: OfficeSpeech) -> APIRouter:
    router = APIRouter(prefix="/stt", tags=["stt"])
    _add_status(router, speech)
    _add_transcription(router, speech)
    return router


def _add_status(router: APIRouter, speech: OfficeSpeech) -> None:
    @router.get("/status")
    async def state(
        language: Annotated[str | None, Query(pattern=r"^[a-z]{2,3}$")] = None,
    ) -> RecognitionStatusReply:
        """The engines, and which of them hears a live session and a recording, in ``language`` if it is given."""
        engines = await recognition_engines(speech.assistant)
        file = _choice(engines, "file", language)
        return RecognitionStatusReply(
            live=_choice(engines, "live", language),
            file=file,
            vosk=_availability(engines, "vosk"),
            whisper=_availability(engines, "whisper"),
            engines=[
                RecognitionEngineReply(**{n: getattr(each, n) for n in RecognitionEngineReply.model_fields})
                for each in engines
            ],
            preferred_engine=file.engine,
        )

    @router.get("/models")
    async def models() -> RecognitionModelsReply:
        """The models that the engines of this graph use."""
        return RecognitionModelsReply(
            models=[
                RecognitionModelItem(
                    name=each.model,
                    engine=each.engine,
                    ready=each.ready,
                    revision=each.revision,
                    languages=each.languages,
                )
                for each in await recognition_engines(speech.assistant)
            ]
        )


def _add_transcription(router: APIRouter, speech: OfficeSpeech) -> None:
    @router.post("/transcribe")
    async def transcribe(
        request: Request,
        language: Annotated[str | None, Query(max_length=20)] = None,
        engine: Annotated[str | None, Query(max_length=50)] = None,
    ) -> RecordingTranscriptReply:
        """Transcribes the recording in the form field ``file``: wav, mp3, ogg, webm, m4a, flac. ``language`` and
        ``engine`` (auto, vosk, whisper) are form fields or query parameters. The form field ``keywords[]``: words that
        the recording probably has."""
        async with multipart_fields(request) as fields:
            file = uploaded_file(fields).reference
            named = text_field(fields, "language") or language or ""
            spoken = named_language(named)
            wanted = _engine_name(text_field(fields, "engine") or engine or AUTO)
            chosen = await chosen_recognizer(speech.assistant, wanted, spoken)
            keywords = expected_words(fields)
            recording = RecognitionRequest(file=file, language=spoken, engine=wanted, hot_words=keywords)
            async with CancelOnDisconnect(request.receive), speech.stream_slot():
                transcript = await transcribe_recording(speech.assistant, recording)
        finished = transcript.finished
        return RecordingTranscriptReply(
            text=finished.text.strip(),
            language=finished.language,
            engine=finished.engine or chosen.engine or "",
            reason=finished.reason or chosen.reason,
            model=finished.model,
            seconds=round(finished.seconds, 3),
            segments=[
                TranscriptSegmentReply(text=each.text, start=each.start, end=each.end) for each in transcript.segments
            ],
            unknown_keywords=finished.unknown_words,
        )

    @router.post("/test")
    async def test(body: RoundTripBody, request: Request) -> RoundTripReply:
        """Synthesizes a text, transcribes the audio and compares the texts."""
        async with CancelOnDisconnect(request.receive), speech.stream_slot():
            result = await round_trip(speech.assistant, body.text_to_speak, body.voice, body.language, body.engine)
        return RoundTripReply(**asdict(result), words_count=len(result.recognized_text.split()))


def _engine_name(wanted: str) -> str:
    if not _ENGINE.fullmatch(wanted):
        raise InvalidRequest("engine is auto, vosk or whisper.", param="engine")
    return wanted


def _choice(engines: list[EngineStatus], need: Need, language: str | None) -> EngineChoiceReply:
    return EngineChoiceReply.model_validate(asdict(hearing_choice(engines, need, language)))


def _availability(engines: list[EngineStatus], name: str) -> EngineAvailability:
    found = next((each for each in engines if name in each.engine), None)
    return EngineAvailability(available=found is not None and found.ready, model=found.model if found else "")
