"""OpenVoice v2: cloned voices on a CPU or an old card. A base voice speaks, and its tone colour is exchanged.

The converter works on one sentence at a time, on one thread, while the base engine says the next one. Sentences of all
streams wait in line for it; one whose turn does not come within ``queue_timeout_s`` raises Overloaded, and the next
engine of the graph speaks. A closed stream stops the converter between two layers.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.commands import install_command
from deployments.contracts.errors import EngineFailed, ModelMissing, Overloaded, SecretaryError, VoiceNotFound
from deployments.contracts.playout import Playout
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing, ReadAhead
from deployments.engines.base import ThreadedEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions
from deployments.engines.speech.cloned_voices import ClonedVoice, VoiceFolder
from deployments.engines.speech.openvoice_bases import BaseVoices
from deployments.engines.speech.openvoice_options import OpenVoiceOptions, check_files
from deployments.engines.speech.quiet_cuts import Samples, cut_at_pauses
from deployments.engines.speech.speech_chunks import SpokenPcm, to_speech_chunks
from deployments.engines.speech.tone_colours import ToneColours
from deployments.engines.speech.voice_selection import choose_voice
from deployments.engines.worker_threads import StreamSender, WorkerThreads
from deployments.text.language import UNDETERMINED, detect_language
from deployments.text.sentences import split_sentences

if TYPE_CHECKING:
    from deployments.engines.speech.openvoice_model import ToneColourModel

_RATE = 22_050
_MAX_CHARS = 200
_FIRST_BLOCK_S = 2.0
_TURN_HAS_COME = b""
_FULL_SCALE = 32_768
LoadModel = Callable[[OpenVoiceOptions, Callable[[str], None]], "ToneColourModel"]
log = logging.getLogger(__name__)


def load_model(options: OpenVoiceOptions, say: Callable[[str], None]) -> "ToneColourModel":
    """Imports PyTorch. Raises ModelMissing when a package is missing, EngineFailed when the files are no converter."""
    say("importing PyTorch")
    try:
        from deployments.engines.speech.openvoice_model import load_openvoice
    except ImportError as error:
        remedy = install_command("openvoice")
        reason = str(error).strip().partition("\n")[0]
        raise ModelMissing(f"OpenVoice cannot be imported: {reason}; run: {remedy}", remedy=remedy) from error
    return load_openvoice(options, say)


class OpenVoiceEngine(ThreadedEngine):
    """SpeechEngine whose voices are folders of recordings, see ``cloned_voices``. It speaks the languages of its base
    voices."""

    Options: ClassVar[type[EngineOptions]] = OpenVoiceOptions

    def __init__(self, options: OpenVoiceOptions, load: LoadModel = load_model) -> None:
        super().__init__("speech", "openvoice", options.model_name, threads=1)
        self._options = options
        self._load_model = load
        self._bases = BaseVoices(options.bases, options.base_voices)
        self._folder: VoiceFolder | None = None
        self._model: ToneColourModel | None = None
        self._colours: ToneColours | None = None
        self._samples: dict[str, bytes] = {}
        self._progress = ""

    def voices(self) -> tuple[Voice, ...]:
        return tuple(self._voice(cloned) for cloned in self._cloned().values())

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable. In the stream: what the base engine
        raises, EngineFailed, and Overloaded when others are ahead for too long."""
        self._health.require_ready()
        voices = self.voices()
        if not voices:
            folder = self._options.voice_folder
            raise VoiceNotFound(f"no voice yet: put recordings into {folder}/<voice>/", param="voice")
        voice = choose_voice(voices, request)
        cloned = self._cloned()[voice.id]
        return to_speech_chunks(request.text, AudioFormat(_RATE), lambda: self._pcm(cloned, request))

    def status(self) -> EngineStatus:
        status = super().status()
        live = int(status.detail["live"]) + self._bases.live_streams
        return replace(status, progress=self._progress, detail={**status.detail, "live": str(live)})

    def _cloned(self) -> dict[str, ClonedVoice]:
        return self._folder.voices() if self._folder is not None else {}

    def _voice(self, cloned: ClonedVoice) -> Voice:
        base = self._bases.voice(cloned.languages[0])
        model = f"{self._options.model_name}@{cloned.digest[:12]}+{base.id}"
        return Voice(cloned.id, cloned.name, "openvoice", cloned.languages, _RATE, model_id=model, cloned=True)

    async def _start_workers(self) -> None:
        """Starts the base engines, and lets the base voices of the cloned voices speak, to know their tone colours."""
        self._set_progress("starting the base voices")
        await self._bases.start()
        self._folder = VoiceFolder(self._options.voice_folder, self._bases.languages)
        cloned = await asyncio.to_thread(self._folder.voices)
        for language in dict.fromkeys(voice.languages[0] for voice in cloned.values()):
            self._samples[self._bases.voice(language).id] = await self._bases.sample(language, _RATE)

    async def _stop_workers(self) -> None:
        self._folder = None
        await self._bases.stop()

    def _load(self) -> None:
        check_files(self._options)
        try:
            self._model = model = self._load_model(self._options, self._set_progress)
            if model.rate != _RATE:
                raise EngineFailed(f"{self._options.model} works at {model.rate} Hz; OpenVoice v2 has {_RATE}")
            log.info("openvoice runs on %s: %s", model.choice.device, model.choice.reason)
            self._set_progress("warming up")
            nobody = model.nobody()
            model.convert(np.zeros(_RATE, np.float32), nobody, nobody, lambda: False)
            self._colours = colours = ToneColours(model)
            for voice_id, pcm in self._samples.items():
                colours.hear_base(voice_id, _samples(pcm))
            for cloned in self._cloned().values():
                self._set_progress(f"listening to the voice {cloned.id}")
                try:
                    colours.learn(cloned)
                except EngineFailed as error:  # the other voices speak
                    log.warning("%s", error.message)
        except SecretaryError:
            raise
        except Exception as error:  # PyTorch, coqui-tts and safetensors raise unrelated classes
            log.exception("OpenVoice does not load")
            reason = str(error).partition("\n")[0][:200]
            raise EngineFailed(f"OpenVoice cannot be loaded from {self._options.model}: {reason}") from error
        finally:
            self._samples = {}
            self._set_progress("")

    def _unload(self) -> None:
        self._model = self._colours = None

    def _set_progress(self, phrase: str) -> None:
        self._progress = phrase

    def _status_detail(self) -> dict[str, str]:
        model = self._model
        if model is None:
            return {}
        choice = model.choice
        return {"voices": str(len(self._cloned())), "device": choice.device, "device_reason": choice.reason}

    def _language(self, cloned: ClonedVoice, request: SpeechRequest) -> str:
        """That of the request, if a base voice speaks it; a cloned voice speaks them all."""
        language = primary_tag(request.language or detect_language(request.text, UNDETERMINED))
        return language if language in self._bases.languages else cloned.languages[0]

    async def _pcm(self, cloned: ClonedVoice, request: SpeechRequest) -> AsyncIterator[SpokenPcm]:
        threads, model, colours = self._ready_threads(), self._model, self._colours
        if model is None or colours is None:
            return
        language, listener = self._language(cloned, request), Playout(request.due_in, request.caller)
        target = await self._target(threads, colours, cloned, listener)
        source = await self._source(threads, colours, language, listener)
        rules = language if language in ("ru", "en") else None
        pieces = await asyncio.to_thread(split_sentences, request.text, rules, max_chars=_MAX_CHARS)
        base, total, before = (
            self._bases.speak(pieces, language, request.speed, _RATE, listener),
            sum(map(len, pieces)),
            0,
        )
        async with Closing(ReadAhead(base, 1)) as sounds:
            async for piece, sound in sounds:
                made = 0
                longest_s = self._options.block_s
                first_s = longest_s if before else min(longest_s, _FIRST_BLOCK_S)
                blocks = cut_at_pauses(_samples(sound), _RATE, first_s, longest_s)
                work = partial(_convert, model, blocks, source, target)
                stream: AsyncIterator[bytes] = threads.stream_from_callback(work, None, listener)
                async with Closing(stream) as converted:
                    async with self._deadline(listener):
                        await anext(converted)
                    async for pcm in converted:
                        made += len(pcm)
                        listener.add(AudioFormat(_RATE).seconds(len(pcm)))
                        yield SpokenPcm(pcm, (before + len(piece) * min(1.0, made / len(sound))) / total)
                before += len(piece)

    async def _target(
        self, threads: WorkerThreads, colours: ToneColours, cloned: ClonedVoice, listener: Playout
    ) -> Any:
        if (known := colours.target(cloned)) is not None:
            return known
        async with self._deadline(listener):
            return await threads.call(lambda: colours.learn(cloned), listener)

    async def _source(self, threads: WorkerThreads, colours: ToneColours, language: str, listener: Playout) -> Any:
        """That of the base voice, which says a sample when it is needed for the first time."""
        voice_id = self._bases.voice(language).id
        if (known := colours.base(voice_id)) is not None:
            return known
        pcm = await self._bases.sample(language, _RATE)
        async with self._deadline(listener):
            return await threads.call(lambda: colours.hear_base(voice_id, _samples(pcm)), listener)

    @asynccontextmanager
    async def _deadline(self, listener: Playout) -> AsyncGenerator[None]:
        """Raises Overloaded when its block takes longer than a sentence may wait. Idle work may wait for ever."""
        timeout_s = None if listener.idle else self._options.queue_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError:
            raise Overloaded("OpenVoice did not come to the text in time: others are ahead") from None


def _convert(
    model: "ToneColourModel", blocks: Iterator[Samples], source: Any, target: Any, sender: StreamSender[bytes]
) -> None:
    """Converts one sentence, until its reader has gone."""
    from deployments.engines.speech.openvoice_model import ConversionCancelled

    sender.put(_TURN_HAS_COME)
    try:
        for block in blocks:
            if sender.closed:
                return
            sender.put(_pcm16(model.convert(block, source, target, lambda: sender.closed)))
    except ConversionCancelled:
        return
    except Exception as error:  # PyTorch raises RuntimeError of many kinds, such as a lack of memory
        log.exception("OpenVoice failed while it spoke")
        raise EngineFailed(f"OpenVoice failed: {type(error).__name__}") from error


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def _pcm16(samples: Samples) -> bytes:
    return bytes((np.clip(samples, -1, 1) * (_FULL_SCALE - 1)).astype("<i2").tobytes())
