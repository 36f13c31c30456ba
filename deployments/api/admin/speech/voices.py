"""Routes of voices: list and change them, choose the default one, and test one."""

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from deployments.administration.office.drafts import apply_changes
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.voices import VoiceAdministration, VoiceDraft
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_bodies import FieldChanges, split_version
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.schemas import (
    CurrentVoiceReply,
    DefaultVoiceBody,
    DefaultVoiceReply,
    SynthesisBody,
    VoiceDetailReply,
    VoiceList,
    VoiceTestBody,
)
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import VoiceNotFound
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.conversation.voice_views import (
    require_usable,
    speaking_voice,
    stored_voice_settings,
    voice_view,
    with_default_voice,
)

InstalledVoices = Callable[[], tuple[Voice, ...]]
"""Every voice of every engine, including disabled ones."""

_PHRASES = {"ru": "Здравствуйте! Это проверка голоса секретаря."}
_PHRASE = "Hello! This is a test of the secretary's voice."


def voices_router(
    voices: VoiceAdministration,
    settings: SettingsAdministration,
    publisher: SnapshotPublisher,
    speech: OfficeSpeech,
    installed: InstalledVoices,
) -> APIRouter:
    router = APIRouter(tags=["tts"])
    _add_list(router, voices, publisher, speech, installed)
    _add_current(router, settings, publisher, speech, installed)

    @router.post("/tts/test", response_class=Response, responses=response_media_types("audio/wav"))
    async def test(body: SynthesisBody, request: Request) -> Response:
        """A WAV file, with the headers X-Duration-Sec, X-Synthesis-Time-Sec and X-RTF (synthesis time per second of
        audio)."""
        return await speech.wav_response(body, request)

    return router


def _add_list(
    router: APIRouter,
    voices: VoiceAdministration,
    publisher: SnapshotPublisher,
    speech: OfficeSpeech,
    installed: InstalledVoices,
) -> None:
    def find(voice_id: str) -> Voice:
        return find_installed_voice(voice_id, installed(), speech.assistant)

    @router.get("/voices")
    @router.get("/tts/voices", include_in_schema=False)
    async def every() -> VoiceList:
        """Every voice, including disabled ones."""
        snapshot = publisher.current
        return VoiceList(
            voices=[_reply(voice, snapshot) for voice in installed()], current=_current(snapshot, installed())
        )

    @router.get("/voices/{voice_id}")
    @router.get("/tts/voices/{voice_id}", include_in_schema=False)
    async def one(voice_id: str, response: Response) -> VoiceDetailReply:
        reply = _reply(find(voice_id), publisher.current)
        set_etag(response, reply.version)
        return reply

    @router.patch("/voices/{voice_id}")
    @router.patch("/tts/voices/{voice_id}", include_in_schema=False)
    async def update_settings(
        voice_id: str, body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> VoiceDetailReply:
        """Changes the given fields of name, description, enabled and preset. A disabled voice is neither listed for
        clients nor used."""
        voice = find(voice_id)
        changes, read = split_version(body)
        before = stored_voice_settings(voice_id, publisher.current)
        draft = apply_changes(VoiceDraft, before.model_dump(include=set(VoiceDraft.model_fields)), changes)
        await voices.update_settings(voice_id, draft, required_version(version, read), caller.username)
        reply = _reply(voice, publisher.current)
        set_etag(response, reply.version)
        return reply


def _add_current(
    router: APIRouter,
    settings: SettingsAdministration,
    publisher: SnapshotPublisher,
    speech: OfficeSpeech,
    installed: InstalledVoices,
) -> None:
    @router.get("/voice")
    async def current(response: Response) -> CurrentVoiceReply:
        """The voice of the default language. The ETag is that of the settings."""
        snapshot = publisher.current
        now = _current(snapshot, installed())
        if now is None:
            raise VoiceNotFound("no voice speaks the default language")
        set_etag(response, snapshot.revision)
        return now

    @router.post("/voice")
    async def choose(body: DefaultVoiceBody, caller: Caller, response: Response, version: IfMatch) -> DefaultVoiceReply:
        """Makes a voice the default one of ``language``, by default its first one. The version is optional, for older
        clients."""
        voice = find_installed_voice(body.voice, installed(), speech.assistant)
        require_usable(voice, publisher.current)
        read = given_version(version, body.version)
        stored = await settings.edit(lambda now: with_default_voice(now, voice, body.language), caller.username, read)
        set_etag(response, stored.revision)
        return DefaultVoiceReply(engine=voice.engine, voice=voice.id)

    @router.post("/voice/test", response_class=Response, responses=response_media_types("audio/wav"))
    async def test(body: VoiceTestBody, request: Request) -> Response:
        """A WAV file of a fixed phrase, or of ``text``."""
        name = body.voice
        if name is None:
            now = _current(publisher.current, installed())
            name = now.voice if now else None
        language = find_installed_voice(name, installed(), speech.assistant).languages[0] if name else None
        text = body.text or _PHRASES.get(language or "ru", _PHRASE)
        return await speech.wav_response(SynthesisBody(text=text, voice=name, language=language), request)


def find_installed_voice(voice_id: str, voices: tuple[Voice, ...], assistant: Assistant) -> Voice:
    """Also finds disabled voices. Raises VoiceNotFound, and Unavailable while engines are being loaded."""
    for voice in voices:
        if voice.id == voice_id:
            return voice
    if found := assistant.find_voice(voice_id):
        return found
    some = ", ".join(voice.id for voice in voices[:8]) or "none is installed"
    raise VoiceNotFound(f"there is no voice {voice_id!r}; some that exist: {some}", param="voice")


def _current(snapshot: Snapshot, voices: tuple[Voice, ...]) -> CurrentVoiceReply | None:
    """The voice of the default language."""
    voice = speaking_voice(snapshot.settings.default_language, voices, snapshot)
    return CurrentVoiceReply(engine=voice.engine, voice=voice.id) if voice else None


def _reply(voice: Voice, snapshot: Snapshot) -> VoiceDetailReply:
    return VoiceDetailReply.model_validate(asdict(voice_view(voice, snapshot)))
