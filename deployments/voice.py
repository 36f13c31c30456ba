"""Text to speech: one or several engines in a process. A request goes to the engine that owns its voice."""

from collections.abc import AsyncGenerator
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments.arguments import VoiceArgs
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import SecretaryError, Unavailable, VoiceNotFound
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host


class SpeechSynthesis(EngineReplica[SpeechEngine]):
    """Several speech engines side by side. An engine that cannot load does not affect the others."""

    def __init__(self, name: str, specs: tuple[EngineSpec, ...], models: Path) -> None:
        super().__init__([_engine_host(name, spec, models) for spec in specs])

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        async with self._find_host(request).use() as engine, Closing(engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def voices(self) -> tuple[Voice, ...]:
        return tuple(voice for h in self._hosts if h.loaded_engine for voice in h.loaded_engine.voices())

    def _find_host(self, request: SpeechRequest) -> EngineHost[SpeechEngine]:
        """The host of the requested voice, else the first one with a voice for the language, else the first one.

        Raises VoiceNotFound for an unknown voice, and the load error of an engine when no engine is loaded.
        """
        loaded = [(h, h.loaded_engine.voices()) for h in self._hosts if h.loaded_engine]
        if not loaded:
            raise self._load_error()
        for engine_host, voices in loaded:
            if any(voice.id == request.voice_id for voice in voices):
                return engine_host
        if request.voice_id:
            raise VoiceNotFound(f"unknown voice {request.voice_id!r}", param="voice")
        speakers = (h for h, voices in loaded if any(request.language in voice.languages for voice in voices))
        return next(speakers, loaded[0][0])

    def _load_error(self) -> SecretaryError:
        for engine_host in self._hosts:
            try:
                engine_host.engine()
            except SecretaryError as error:
                return error
        return Unavailable("no voice is loaded")


def _engine_host(name: str, spec: EngineSpec, models: Path) -> EngineHost[SpeechEngine]:
    def build(options: dict[str, JsonValue]) -> SpeechEngine:
        return build_engine("speech", spec.engine, options)

    return build_engine_host(f"{name}/{spec.engine}", "speech", spec, models, build)


def build_voice(args: VoiceArgs, models: Path) -> serve.Application:
    return host(SpeechSynthesis, args, args.name, args.name, args.engines, models)
