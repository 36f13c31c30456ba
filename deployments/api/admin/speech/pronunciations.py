"""Routes of pronunciation dictionaries: one for each voice, replaced as a whole, and tried on a text."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from deployments.administration.office.drafts import Draft
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.pronunciations import MAX_ENTRIES, require_pronunciations
from deployments.administration.speech.voices import VoiceAdministration
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.request_bodies import VersionedAdminRequest
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.speech.voices import InstalledVoices, find_installed_voice
from deployments.contracts.engines import Assistant
from deployments.contracts.voice_settings import Pronunciation, VoiceSettings
from deployments.conversation.pronunciation_preview import preview_pronunciations

_Entries = Annotated[tuple[Pronunciation, ...], Field(max_length=MAX_ENTRIES)]
_MAX_PREVIEW_CHARS = 4_000


class PronunciationsBody(VersionedAdminRequest):
    """``version`` is that of the voice."""

    pronunciations: _Entries


class PronunciationsReply(BaseModel):
    voice: str
    pronunciations: list[Pronunciation]
    version: int

    @classmethod
    def of(cls, settings: VoiceSettings) -> "PronunciationsReply":
        return cls(voice=settings.id, pronunciations=list(settings.pronunciations), version=settings.version)


class PreviewBody(Draft):
    """``pronunciations`` are tried in place of the stored ones. ``language`` null: detected from the text."""

    text: str = Field(min_length=1, max_length=_MAX_PREVIEW_CHARS)
    language: Annotated[str | None, Field(pattern=r"^[a-z]{2,3}$")] = None
    pronunciations: _Entries | None = None


class PreviewReply(BaseModel):
    """``spoken``: the sentences as the speech engine gets them."""

    language: str
    spoken: list[str]


def pronunciations_router(
    voices: VoiceAdministration, publisher: SnapshotPublisher, installed: InstalledVoices, assistant: Assistant
) -> APIRouter:
    """The ETag of a dictionary is that of its voice."""
    router = APIRouter(prefix="/voices", tags=["tts"])

    def stored(voice_id: str) -> VoiceSettings:
        return publisher.current.voice_settings(voice_id) or VoiceSettings(id=voice_id, version=0)

    @router.get("/{voice_id}/pronunciations")
    async def read(voice_id: str, response: Response) -> PronunciationsReply:
        voice = find_installed_voice(voice_id, installed(), assistant)
        set_etag(response, stored(voice.id).version)
        return PronunciationsReply.of(stored(voice.id))

    @router.put("/{voice_id}/pronunciations")
    async def replace(
        voice_id: str, body: PronunciationsBody, caller: Caller, response: Response, version: IfMatch
    ) -> PronunciationsReply:
        """Replaces the dictionary. A word is a whole word or several; ``match_case``: its capital letters matter."""
        voice = find_installed_voice(voice_id, installed(), assistant)
        read_version = required_version(version, body.version)
        changed = await voices.set_pronunciations(voice.id, body.pronunciations, read_version, caller.username)
        set_etag(response, changed.version)
        return PronunciationsReply.of(changed)

    @router.post("/{voice_id}/pronunciations/preview")
    async def preview(voice_id: str, body: PreviewBody) -> PreviewReply:
        """How the voice says a text: numbers and signs in words, then the dictionary."""
        voice = find_installed_voice(voice_id, installed(), assistant)
        entries = stored(voice.id).pronunciations if body.pronunciations is None else body.pronunciations
        require_pronunciations(entries)
        found = await preview_pronunciations(body.text, voice, entries, body.language)
        return PreviewReply(language=found.language, spoken=list(found.spoken))

    return router
