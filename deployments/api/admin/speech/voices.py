"""Routes of voices: list and change them, choose the default one, and test one."""

from collections.abc import Callable

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
from deployments.contracts.errors import SecretaryError, VoiceNotFound
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.contracts.voice_settings import VoiceSettings
from deployments.conversation.voice_catalogue import consent_missing, may_speak, select_voice, usable_voices

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
        before = publisher.current.voice_settings(voice_id) or VoiceSettings(id=voice_id, version=0)
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
        """Makes a voice the default one of its first language. The version is optional, for older clients."""
        voice = find_installed_voice(body.voice, installed(), speech.assistant)
        if not _enabled(voice.id, publisher.current):
            raise VoiceNotFound(f"voice {voice.id!r} is switched off", param="voice")
        if not may_speak(voice, publisher.current):
            raise consent_missing(voice.id, publisher.current)
        read = given_version(version, body.version)
        stored = await settings.edit(lambda now: _with_default_voice(voice, now), caller.username, read)
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


def _with_default_voice(voice: Voice, settings: Settings) -> Settings:
    """``settings`` with ``voice`` as the default one of its first language."""
    chosen = {**settings.speech.default_voices, voice.languages[0]: voice.id}
    return settings.model_copy(update={"speech": settings.speech.model_copy(update={"default_voices": chosen})})


def _enabled(voice_id: str, snapshot: Snapshot) -> bool:
    choice = snapshot.voice_settings(voice_id)
    return choice is None or choice.enabled


def _current(snapshot: Snapshot, voices: tuple[Voice, ...]) -> CurrentVoiceReply | None:
    """The voice that ``conversation.voicing`` picks for the default language."""
    settings = snapshot.settings
    try:
        voice = select_voice(
            settings.default_language, usable_voices(voices, snapshot), settings, snapshot.persona(None)
        )
    except SecretaryError:
        return None
    return CurrentVoiceReply(engine=voice.engine, voice=voice.id)


def _reply(voice: Voice, snapshot: Snapshot) -> VoiceDetailReply:
    choice = snapshot.voice_settings(voice.id) or VoiceSettings(id=voice.id, version=0)
    defaults = snapshot.settings.speech.default_voices
    return VoiceDetailReply(
        id=voice.id,
        name=choice.name or voice.name,
        engine_name=voice.name,
        description=choice.description,
        engine=voice.engine,
        languages=list(voice.languages),
        rate=voice.rate,
        neural=voice.neural,
        enabled=choice.enabled,
        available=choice.enabled and may_speak(voice, snapshot),
        default_for=[language for language, name in defaults.items() if name == voice.id],
        preset=choice.preset,
        cloned=voice.cloned,
        pronunciations=len(choice.pronunciations),
        version=choice.version,
    )
