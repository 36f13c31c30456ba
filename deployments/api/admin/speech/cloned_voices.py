"""Routes of cloned voices: upload, listen, extend, delete, and the consents to them."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, status
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.cloned_voices import ClonedVoices
from deployments.administration.speech.voice_consents import VoiceConsents, wording_of
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.speech.cloned_voice_schemas import (
    ClonedVoiceDetailReply,
    ClonedVoiceList,
    ClonedVoiceReply,
    ConsentChoiceBody,
    ConsentNameBody,
    SampleCheckReply,
    VoiceConsentList,
    VoiceConsentReply,
    WordingReply,
    sample_reply,
    voice_reply,
)
from deployments.api.admin.speech.voices import InstalledVoices
from deployments.api.uploads import multipart_fields, text_field, uploaded_file
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.voice_library import NewClonedVoice, NewVoiceConsent, StoredClonedVoice

_WAV = "audio/wav"


def cloned_voices_router(voices: ClonedVoices, publisher: SnapshotPublisher, installed: InstalledVoices) -> APIRouter:
    """Must be included before the routes of ``/voices/{voice_id}``."""
    router = APIRouter(prefix="/voices/cloned", tags=["tts"])

    def reply(voice: StoredClonedVoice) -> ClonedVoiceReply:
        consented = voice.id in publisher.current.consented_voices()
        return voice_reply(voice, consented, any(each.id == voice.id for each in installed()))

    @router.get("")
    async def every() -> ClonedVoiceList:
        return ClonedVoiceList(voices=[reply(voice) for voice in await voices.list()])

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create(request: Request, caller: Caller) -> ClonedVoiceReply:
        """A form with ``name``, ``consent_id``, the recording ``file`` (6 to 60 seconds of one person), and optional
        ``id`` and ``languages`` (``ru,en``). The refusal of a recording says what was measured."""
        async with multipart_fields(request) as fields:
            draft = NewClonedVoice(
                name=required_text(fields, "name"),
                consent_id=required_text(fields, "consent_id"),
                sample=uploaded_file(fields).reference,
                id=text_field(fields, "id"),
                languages=tuple(tag.strip() for tag in text_field(fields, "languages").split(",") if tag.strip()),
            )
            taken = [voice.id for voice in installed()]
            return reply(await voices.add(draft, caller.username, taken))

    @router.get("/{voice_id}")
    async def one(voice_id: str) -> ClonedVoiceDetailReply:
        voice = await voices.get(voice_id)
        samples = [sample_reply(each) for each in await voices.samples(voice_id)]
        return ClonedVoiceDetailReply(**reply(voice).model_dump(), samples=samples)

    @router.delete("/{voice_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete(voice_id: str, caller: Caller) -> None:
        """Deletes the voice with its samples. The consent stays."""
        await voices.delete(voice_id, caller.username)

    @router.put("/{voice_id}/consent")
    async def set_consent(voice_id: str, body: ConsentChoiceBody, caller: Caller) -> ClonedVoiceReply:
        """Gives the voice another consent. Also takes in a folder that was put beside the voices by hand."""
        cloned = [voice.id for voice in installed() if voice.cloned]
        return reply(await voices.set_consent(voice_id, body.consent_id, caller.username, cloned))

    _add_samples(router, voices, reply)
    return router


def _add_samples(
    router: APIRouter, voices: ClonedVoices, reply: Callable[[StoredClonedVoice], ClonedVoiceReply]
) -> None:
    @router.post("/check")
    async def check(request: Request, caller: Caller) -> SampleCheckReply:
        """A form with the recording ``file`` and optional ``consent_id`` and ``voice_id``: every check of a sample
        with what was measured. Nothing is stored."""
        async with multipart_fields(request) as fields:
            upload = uploaded_file(fields).reference
            consent_id, voice_id = text_field(fields, "consent_id"), text_field(fields, "voice_id")
            return SampleCheckReply.of(await voices.examine(upload, consent_id, voice_id))

    @router.post("/{voice_id}/samples", status_code=status.HTTP_201_CREATED)
    async def add_sample(voice_id: str, request: Request, caller: Caller) -> ClonedVoiceReply:
        """A form with one more recording ``file``; all together have at most 60 seconds."""
        async with multipart_fields(request) as fields:
            return reply(await voices.add_sample(voice_id, uploaded_file(fields).reference, caller.username))

    @router.get("/{voice_id}/samples/{name}", response_class=Response, responses=response_media_types(_WAV))
    async def listen(voice_id: str, name: str, caller: Caller) -> FileResponse:
        return FileResponse(await voices.sample(voice_id, name, caller.username), media_type=_WAV, filename=name)

    @router.delete("/{voice_id}/samples/{name}")
    async def remove_sample(voice_id: str, name: str, caller: Caller) -> ClonedVoiceReply:
        """409 when less than 6 seconds would be left."""
        return reply(await voices.remove_sample(voice_id, name, caller.username))


def voice_consents_router(consents: VoiceConsents) -> APIRouter:
    router = APIRouter(prefix="/voices/consents", tags=["tts"])

    @router.get("")
    async def every() -> VoiceConsentList:
        """The newest first, also those that are revoked."""
        return VoiceConsentList(consents=[VoiceConsentReply.of(each) for each in await consents.list()])

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def record(request: Request, caller: Caller) -> VoiceConsentReply:
        """A form with ``person``, ``language``, the ``recording`` of the person who reads the wording, and ``wording``,
        if it was not the usual one."""
        async with multipart_fields(request) as fields:
            draft = NewVoiceConsent(
                person=required_text(fields, "person"),
                language=required_text(fields, "language"),
                recording=uploaded_file(fields, "recording").reference,
                wording=text_field(fields, "wording"),
            )
            return VoiceConsentReply.of(await consents.add(draft, caller.username))

    @router.get("/wording")
    async def wording(language: Annotated[str, Query(max_length=35)] = "ru") -> WordingReply:
        """What a person reads aloud."""
        return WordingReply(language=language, wording=wording_of(language))

    @router.get("/{consent_id}")
    async def one(consent_id: str) -> VoiceConsentReply:
        return VoiceConsentReply.of(await consents.get(consent_id))

    @router.patch("/{consent_id}")
    async def rename(consent_id: str, body: ConsentNameBody, caller: Caller) -> VoiceConsentReply:
        """Corrects the name of the person."""
        return VoiceConsentReply.of(await consents.rename(consent_id, body.person, caller.username))

    @router.get("/{consent_id}/recording", response_class=Response, responses=response_media_types(_WAV))
    async def listen(consent_id: str, caller: Caller) -> FileResponse:
        path = await consents.recording(consent_id, caller.username)
        return FileResponse(path, media_type=_WAV, filename=path.name)

    @router.post("/{consent_id}/revoke")
    async def revoke(consent_id: str, caller: Caller) -> VoiceConsentReply:
        """Revokes the consent for good. Its voices stop at their next sentence, at every door."""
        return VoiceConsentReply.of(await consents.revoke(consent_id, caller.username))

    return router


def required_text(fields: FormData, name: str) -> str:
    """A text field. Raises InvalidRequest when it is missing or empty."""
    text = text_field(fields, name)
    if not text.strip():
        raise InvalidRequest(f"Missing required parameter: {name}.", param=name)
    return text
