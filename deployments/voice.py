"""Text to speech: one or several engines in a process, the request goes to the one that owns the voice."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from ray import serve

from deployments.arguments import VoiceArgs
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import SecretaryError, Unavailable, VoiceNotFound
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host
from deployments.models.references import describe_models, resolve_options


class SpeechSynthesis:
    """Hosts engines side by side; one that cannot load leaves the others working."""

    def __init__(self, name: str, specs: tuple[EngineSpec, ...], models: Path) -> None:
        self._hosts = tuple(_host(name, spec, models) for spec in specs)

    async def start(self) -> None:
        self.load()

    def load(self) -> None:
        for engine_host in self._hosts:
            engine_host.start()

    async def unload(self) -> None:
        await asyncio.gather(*(engine_host.unload() for engine_host in self._hosts))

    def ongoing(self) -> int:
        return sum(engine_host.active_requests for engine_host in self._hosts)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        async with self._owner(request).use() as engine, Closing(engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def voices(self) -> tuple[Voice, ...]:
        return tuple(voice for h in self._hosts if h.loaded_engine for voice in h.loaded_engine.voices())

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(h.status() for h in self._hosts)

    async def check_health(self) -> None:
        """Asked by Serve every few seconds; raising replaces this process."""
        for engine_host in self._hosts:
            engine_host.check_health()

    async def stop(self) -> None:
        for engine_host in self._hosts:
            await engine_host.stop()

    def _owner(self, request: SpeechRequest) -> EngineHost[SpeechEngine]:
        hosts = [(h, h.loaded_engine.voices()) for h in self._hosts if h.loaded_engine]
        if not hosts:
            raise self._reason()
        for engine_host, voices in hosts:
            if any(voice.id == request.voice_id for voice in voices):
                return engine_host
        if request.voice_id:
            raise VoiceNotFound(f"unknown voice {request.voice_id!r}", param="voice")
        speaks = (h for h, voices in hosts if any(request.language in voice.languages for voice in voices))
        return next(speaks, hosts[0][0])

    def _reason(self) -> SecretaryError:
        for engine_host in self._hosts:
            try:
                engine_host.engine()
            except SecretaryError as error:
                return error
        return Unavailable("no voice is loaded")


def _host(name: str, spec: EngineSpec, models: Path) -> EngineHost[SpeechEngine]:
    return EngineHost(
        f"{name}/{spec.engine}",
        "speech",
        spec.engine,
        lambda: build_engine("speech", spec.engine, resolve_options(spec.options, models)),
        lambda: describe_models(spec.options, models),
    )


def build_voice(args: VoiceArgs, models: Path) -> serve.Application:
    return host(SpeechSynthesis, args, args.name, args.name, args.engines, models)
