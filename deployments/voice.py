"""Text to speech: one or several engines in a process. A request goes to the engine that owns its voice."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments.arguments import VoiceArgs
from deployments.contracts.audio import SpeechChunk, Substitution
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import (
    EngineFailed,
    EngineTimeout,
    SecretaryError,
    Unavailable,
    VoiceNotFound,
)
from deployments.contracts.playout import Playout
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host, gpu_turn
from deployments.engines.engine_source import LoadingTurn, load_at_once
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineSpec, build_engine
from deployments.engines.speech.absent_voices import AbsentVoices
from deployments.hosting import host
from deployments.text.language import UNDETERMINED, detect_language
from deployments.text.spoken_text import SpokenText

log = logging.getLogger(__name__)

_ENGINE_TIMEOUT_S = 30.0
"""How long an engine may be late: it is silent, and its listener hears silence."""


class SpeechSynthesis(EngineReplica[SpeechEngine]):
    """Several speech engines side by side. An engine that cannot load does not affect the others."""

    def __init__(
        self,
        name: str,
        specs: tuple[EngineSpec, ...],
        models: Path,
        turns: Sequence[LoadingTurn] = (),
        engine_timeout_s: float = _ENGINE_TIMEOUT_S,
    ) -> None:
        """``turns`` are those of ``specs``; none means that every engine loads at once. An engine that is late by
        ``engine_timeout_s`` has failed."""
        self._engine_timeout_s = engine_timeout_s
        turns = turns or [load_at_once] * len(specs)
        hosts = [_engine_host(name, spec, models, turn) for spec, turn in zip(specs, turns, strict=True)]
        super().__init__(hosts)
        self._owners: dict[str, EngineHost[SpeechEngine]] = {}
        self._absent = AbsentVoices(specs, models)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        """The audio of ``request``.

        If its engine fails, is late or is busy for too long, the next one of the graph goes on from the first clause
        that was not spoken to its end: one that has the voice too, else one that speaks the language. The last engine
        gets one more try when it fails in the middle: its worker processes are replaced at once.
        """
        hosts, sequence, reason = self._find_hosts(request), 0, Unavailable.code
        spoken, listener = SpokenText(request.text, request.speed), Playout(request.due_in, request.caller)
        for number, engine_host in enumerate([*hosts, hosts[-1]], 1):
            if not (part := spoken.begin()):
                return
            has_voice = request.voice_id is None or _has_voice(engine_host, request.voice_id)
            voice_id = request.voice_id if has_voice else None
            wanted = replace(request, text=part, voice_id=voice_id, due_in=listener.due_in)
            is_own = has_voice and engine_host is hosts[0]
            substitution = None if is_own else Substitution(engine_host.status().engine, reason)
            try:
                async with engine_host.use() as engine, Closing(self._in_time(engine, wanted, listener)) as chunks:
                    async for chunk in chunks:
                        spoken.add(chunk)
                        yield replace(
                            chunk,
                            sequence=sequence,
                            substitution=substitution,
                            spoken=spoken.share,
                            resumed=number > 1,
                        )
                        sequence += 1
                return
            except Unavailable as error:
                if number > len(hosts) or (number == len(hosts) and not _may_retry(error, spoken)):
                    raise
                reason = error.code
                log.warning("%s: %s; the text goes on from %.2f", engine_host.status().name, reason, spoken.share)

    async def _in_time(
        self, engine: SpeechEngine, request: SpeechRequest, listener: Playout
    ) -> AsyncGenerator[SpeechChunk]:
        """The chunks of an engine. Raises EngineTimeout when it is late, and EngineFailed for errors that are no
        SecretaryError."""
        async with Closing(engine.synthesize(request)) as chunks:
            while (chunk := await self._next(chunks, listener)) is not None:
                listener.add(chunk.seconds)
                yield chunk

    async def _next(self, chunks: AsyncIterator[SpeechChunk], listener: Playout) -> SpeechChunk | None:
        try:
            async with asyncio.timeout(None if listener.idle else listener.due_in + self._engine_timeout_s):
                return await anext(chunks, None)
        except TimeoutError:
            raise EngineTimeout(f"no sound for {self._engine_timeout_s:g} s") from None
        except SecretaryError:
            raise
        except Exception as error:
            log.exception("a speech engine failed")
            raise EngineFailed(f"the speech engine failed: {type(error).__name__}") from error

    async def voices(self) -> tuple[Voice, ...]:
        """A voice of several engines is that of the first loaded one."""
        listed: dict[str, Voice] = {}
        for _, voices in self._loaded():
            for voice in voices:
                listed.setdefault(voice.id, voice)
        return tuple(listed.values())

    async def absent_voices(self) -> tuple[Voice, ...]:
        """Cloned voices that no loaded engine has. Another engine stands in for them."""
        listed = {voice.id for voice in await self.voices()}
        return tuple(voice for voice in await asyncio.to_thread(self._absent.list) if voice.id not in listed)

    def _loaded(self) -> list[tuple[EngineHost[SpeechEngine], tuple[Voice, ...]]]:
        """The loaded engines and their voices, in the order of the graph."""
        loaded = [(h, h.loaded_engine.voices()) for h in self._hosts if h.loaded_engine]
        for engine_host, voices in loaded:
            for voice in voices:
                self._owners.setdefault(voice.id, engine_host)
        return loaded

    def _find_hosts(self, request: SpeechRequest) -> list[EngineHost[SpeechEngine]]:
        """The loaded hosts of the requested voice, else of the first voice for the language, else the first one; then
        the others with a voice for the language.

        Raises VoiceNotFound for a voice that no engine has, Unavailable while engines are being loaded, and the load
        error of the engine that has the voice, or of any when no engine is loaded.
        """
        loaded = self._loaded()
        language = request.language or detect_language(request.text, UNDETERMINED)
        speakers = [h for h, voices in loaded if any(_substitutes(voice, language) for voice in voices)]
        if request.voice_id:
            owners = [(h, voice) for h, voices in loaded for voice in voices if voice.id == request.voice_id]
            first = [h for h, _ in owners[:1]] or self._stand_ins(request.voice_id, speakers)
            first += [h for h, voice in owners[1:] if language in voice.languages]
        elif loaded:
            first = [(*speakers, loaded[0][0])[0]]
        else:
            raise self._load_error()
        return [*first, *(h for h in speakers if h not in first)]

    def _stand_ins(self, voice_id: str, speakers: list[EngineHost[SpeechEngine]]) -> list[EngineHost[SpeechEngine]]:
        """For a voice that no loaded engine lists: those of its language, if an engine had it or will have it. Raises
        the errors of ``_find_hosts``."""
        owner = self._owners.get(voice_id)
        if speakers and (owner is not None or self._absent.has(voice_id)):
            log.info("the engine of the voice %s is not ready; %s speaks", voice_id, speakers[0].status().name)
            return speakers[:1]
        if owner is not None:
            owner.engine()
        for engine_host in self._hosts:
            if engine_host.stopped or engine_host.status().loading:
                engine_host.engine()
        if not any(h.loaded_engine for h in self._hosts):
            raise self._load_error()
        raise VoiceNotFound(f"unknown voice {voice_id!r}", param="voice")

    def _load_error(self) -> SecretaryError:
        for engine_host in self._hosts:
            try:
                engine_host.engine()
            except SecretaryError as error:
                return error
        return Unavailable("no voice is loaded")


def _substitutes(voice: Voice, language: str) -> bool:
    """Whether ``voice`` may speak when another one was asked for. A cloned voice speaks by its name only."""
    return language in voice.languages and not voice.cloned


def _may_retry(error: Unavailable, spoken: SpokenText) -> bool:
    return spoken.begun and isinstance(error, EngineFailed)


class VoiceReplica(SpeechSynthesis):
    """The replica of one voice deployment. The check of GPU memory counts all its engines, before the first loads."""

    def __init__(self, args: VoiceArgs, models: Path, run_dir: Path) -> None:
        specs = [(args.name, spec) for spec in args.engines]
        turns = [gpu_turn(args.name, [] if number else specs, args, models, run_dir) for number in range(len(specs))]
        super().__init__(args.name, args.engines, models, turns)


def _has_voice(engine_host: EngineHost[SpeechEngine], voice_id: str) -> bool:
    engine = engine_host.loaded_engine
    return engine is not None and any(voice.id == voice_id for voice in engine.voices())


def _engine_host(name: str, spec: EngineSpec, models: Path, turn: LoadingTurn) -> EngineHost[SpeechEngine]:
    def build(options: dict[str, JsonValue]) -> SpeechEngine:
        return build_engine("speech", spec.engine, options)

    return build_engine_host(f"{name}/{spec.engine}", "speech", spec, models, build, turn)


def build_voice(args: VoiceArgs, models: Path, run_dir: Path) -> serve.Application:
    return host(VoiceReplica, args, args.name, args, models, run_dir)
