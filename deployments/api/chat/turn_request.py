"""Builds the ChatTurn of a chat request."""

import orjson
from starlette.types import Scope

from deployments.api.access_rules import AUDIO
from deployments.api.auth import require_scope
from deployments.api.chat.continuation import split_continuation, without_empty_answers
from deployments.api.chat.messages import has_recordings, plain_messages, transcribe_recordings
from deployments.api.chat.schemas import ChatRequest, ResponseFormat
from deployments.api.chat.tools import tool_use
from deployments.api.chat.validation import validate_chat_request
from deployments.api.door import Door
from deployments.api.models.model_names import ChatTarget
from deployments.api.request_context import RequestContext
from deployments.api.voices import voice_id_for
from deployments.contracts.chat import ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.sessions import api_session_id
from deployments.contracts.snapshot import Snapshot

_SOURCE = TurnSource(SourceKind.API)
_OPEN_WEBUI_CHAT_ID = b"x-openwebui-chat-id"
_MAX_STOPS = 4
_MAX_STOP_LENGTH = 256


async def build_turn(request: ChatRequest, context: RequestContext, scope: Scope, door: Door) -> ChatTurn:
    """The turn of ``request``. Raises InvalidRequest, ModelNotFound, VoiceNotFound, Forbidden."""
    limits = context.snapshot.settings.limits
    validate_chat_request(request, limits.max_messages)
    tools = tool_use(request)
    target = door.model_names.known_target(request.model) or await door.model_names.target(request.model)
    transcripts: dict[int, str] = {}
    if request.wants_speech or has_recordings(request.messages):
        require_scope(context.required_key, AUDIO)
        door.limiter.check_daily_budget(context.required_key, AUDIO)
        transcripts = await transcribe_recordings(request.messages, door.metered(context))
    options = _options(request)
    structured = options.json_schema is not None or (tools is not None and tools.is_forced)
    messages, started = split_continuation(
        without_empty_answers(plain_messages(request.messages, transcripts)), structured
    )
    return ChatTurn(
        turn_id=context.id,
        source=_SOURCE,
        messages=messages,
        session_id=_session_id(request, context, scope),
        route=target.route,
        persona_id=_persona(request.persona, target, context.snapshot),
        options=options,
        speak=request.wants_speech,
        voice_id=_voice(request, door) if request.wants_speech else None,
        speed=1.0 if request.speed is None else request.speed,
        locale=_language(request.locale),
        tools=tools,
        answer_prefix=started,
        uses_faq=target.uses_faq,
    )


def _options(request: ChatRequest) -> GenerationOptions:
    return GenerationOptions(
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        repetition_penalty=request.repetition_penalty,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        stop=_stops(request.stop),
        json_schema=_schema_text(request.response_format),
        json_strict=_is_strict(request.response_format),
    )


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    if stop is None:
        return ()
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    if len(stops) > _MAX_STOPS:
        raise InvalidRequest(f"stop takes at most {_MAX_STOPS} texts.", param="stop")
    if any(not 0 < len(text) <= _MAX_STOP_LENGTH for text in stops):
        raise InvalidRequest(f"A stop sequence has 1 to {_MAX_STOP_LENGTH} characters.", param="stop")
    return stops


def _schema_text(response_format: ResponseFormat | None) -> str | None:
    if response_format is None or response_format.type == "text":
        return None
    if response_format.type == "json_object":
        return "{}"
    if response_format.json_schema is None:
        raise InvalidRequest("response_format of type json_schema needs json_schema.", param="response_format")
    return orjson.dumps(response_format.json_schema.definition or {}).decode()


def _is_strict(response_format: ResponseFormat | None) -> bool:
    return bool(response_format and response_format.json_schema and response_format.json_schema.strict)


def _persona(name: str | None, target: ChatTarget, snapshot: Snapshot) -> str | None:
    if name is None:
        return target.persona_id
    if all(persona.id != name for persona in snapshot.personas):
        known = ", ".join(persona.id for persona in snapshot.personas) or "none"
        raise InvalidRequest(f"Unknown persona {name!r}; available personas: {known}.", param="persona")
    return name


def _voice(request: ChatRequest, door: Door) -> str | None:
    if request.audio is None:
        return None
    voice = request.audio.voice
    return voice_id_for(voice if isinstance(voice, str) else voice.id, door.assistant)


def _session_id(request: ChatRequest, context: RequestContext, scope: Scope) -> str | None:
    """The session id within the namespace of the API key, so that a key never reaches sessions of others."""
    if request.session_id is not None:
        return api_session_id(context.required_key.id, "session", request.session_id.encode())
    for name, value in scope["headers"]:
        if name == _OPEN_WEBUI_CHAT_ID and value:
            return api_session_id(context.required_key.id, "webui", value)
    return None


def _language(locale: str | None) -> str | None:
    return None if locale is None else locale.replace("_", "-").partition("-")[0].lower()
