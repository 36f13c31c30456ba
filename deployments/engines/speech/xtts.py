"""XTTS v2: cloned voices in seventeen languages, for a card. See ``xtts_model`` for the model.

The model says one piece of text at a time, on one thread. Pieces of all streams wait for it, and the one whose listener
hears silence first is next; a reader that is slow keeps nobody waiting, because a piece is said to its end whatever the
reader does. A piece whose turn does not come within ``queue_timeout_s`` raises Overloaded, and the next engine of the
graph speaks.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.commands import install_command
from deployments.contracts.errors import EngineFailed, ModelMissing, Overloaded, SecretaryError, VoiceNotFound
from deployments.contracts.playout import Playout
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.contracts.voice_settings import PresetParams
from deployments.engines.base import ThreadedEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions
from deployments.engines.speech.cloned_voices import ClonedVoice, VoiceFolder
from deployments.engines.speech.speaker_latents import SpeakerLatents, latents_key, read_latents, store_latents
from deployments.engines.speech.speech_chunks import SpokenPcm, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice
from deployments.engines.speech.xtts_options import XttsOptions, check_files
from deployments.engines.speech.xtts_text import installed_languages
from deployments.engines.worker_threads import StreamSender, WorkerThreads
from deployments.text.language import UNDETERMINED, detect_language
from deployments.text.spoken_text import estimate_characters

if TYPE_CHECKING:
    from deployments.engines.speech.incremental_vocoder import Samples
    from deployments.engines.speech.xtts_model import XttsModel

_RATE = 24_000
_MAX_SPEAKERS = 256
_TURN_HAS_COME = b""
_WARM_UP = "One, two, three."
LoadModel = Callable[[XttsOptions, Callable[[str], None]], "XttsModel"]
log = logging.getLogger(__name__)


def load_model(options: XttsOptions, say: Callable[[str], None]) -> "XttsModel":
    """Imports PyTorch. Raises ModelMissing when a package is missing, EngineFailed when the files are no XTTS model."""
    say("importing PyTorch")
    try:
        from deployments.engines.speech.xtts_model import load_xtts
    except ImportError as error:
        remedy = install_command("xtts")
        reason = str(error).strip().partition("\n")[0]
        raise ModelMissing(f"XTTS cannot be imported: {reason}; run: {remedy}", remedy=remedy) from error
    return load_xtts(options, say)


class XttsEngine(ThreadedEngine):
    """SpeechEngine whose voices are folders of recordings, see ``cloned_voices``."""

    Options: ClassVar[type[EngineOptions]] = XttsOptions

    def __init__(self, options: XttsOptions, load: LoadModel = load_model) -> None:
        super().__init__("speech", "xtts", options.model_name, threads=1)
        self._options = options
        self._load_model = load
        self._languages = installed_languages()
        self._folder = VoiceFolder(options.voice_folder, self._languages)
        self._model: XttsModel | None = None
        self._speakers: dict[str, SpeakerLatents] = {}
        self._progress = ""

    def voices(self) -> tuple[Voice, ...]:
        return tuple(self._voice(cloned) for cloned in self._folder.voices().values())

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable. In the stream: EngineFailed, and
        Overloaded when others are ahead for too long."""
        self._health.require_ready()
        voices = self.voices()
        if not voices:
            raise VoiceNotFound(
                f"no voice yet: put recordings into {self._options.voice_folder}/<voice>/", param="voice"
            )
        voice = choose_voice(voices, request)
        cloned = self._folder.voices()[voice.id]
        return to_speech_chunks(request.text, AudioFormat(_RATE), lambda: self._pcm(cloned, request))

    def status(self) -> EngineStatus:
        return replace(super().status(), progress=self._progress)

    def _voice(self, cloned: ClonedVoice) -> Voice:
        model = f"{self._options.model_name}@{cloned.digest[:12]}"
        return Voice(cloned.id, cloned.name, "xtts", cloned.languages, _RATE, model_id=model, cloned=True)

    def _load(self) -> None:
        check_files(self._options)
        try:
            self._model = model = self._load_model(self._options, self._set_progress)
            log.info("xtts runs on %s: %s", model.choice.device, model.choice.reason)
            self._set_progress("warming up")
            for _ in model.speak(_WARM_UP, "en", model.nobody(), PresetParams(), 1.0, self._chunk_tokens):
                pass
            for cloned in self._folder.voices().values():
                self._set_progress(f"listening to the voice {cloned.id}")
                try:
                    self._learn(cloned, PresetParams())
                except EngineFailed as error:  # the other voices speak
                    log.warning("%s", error.message)
        except SecretaryError:
            raise
        except Exception as error:  # PyTorch, coqui-tts and safetensors raise unrelated classes
            log.exception("XTTS does not load")
            reason = str(error).partition("\n")[0][:200]
            raise EngineFailed(f"XTTS cannot be loaded from {self._options.model}: {reason}") from error
        finally:
            self._set_progress("")

    def _unload(self) -> None:
        self._model, self._speakers = None, {}

    def _set_progress(self, phrase: str) -> None:
        self._progress = phrase

    def _status_detail(self) -> dict[str, str]:
        if self._model is None:
            return {}
        choice = self._model.choice
        return {"voices": str(len(self._folder.voices())), "device": choice.device, "device_reason": choice.reason}

    @property
    def _chunk_tokens(self) -> tuple[int, int]:
        return self._options.first_chunk_tokens, self._options.chunk_tokens

    def _language(self, cloned: ClonedVoice, request: SpeechRequest) -> str:
        """That of the request, if the model speaks it; a cloned voice speaks them all."""
        detected = request.language or detect_language(request.text, UNDETERMINED)
        language = primary_tag(detected)
        return language if language in self._languages else cloned.languages[0]

    async def _pcm(self, cloned: ClonedVoice, request: SpeechRequest) -> AsyncIterator[SpokenPcm]:
        threads, model, listener = self._ready_threads(), self._model, Playout(request.due_in, request.caller)
        if model is None:
            return
        parameters = request.parameters or PresetParams()
        language = self._language(cloned, request)
        speaker = await self._speaker(threads, cloned, parameters, listener)
        texts, before = await asyncio.to_thread(model.split, request.text, language), 0
        total = max(1, sum(map(len, texts)))
        for piece in texts:
            sound = model.speak(piece, language, speaker, parameters, request.speed, self._chunk_tokens)
            stream: AsyncIterator[bytes] = threads.stream_from_callback(partial(_send, sound), None, listener)
            made_s = 0.0
            async with Closing(stream) as pieces:
                async with self._deadline(listener):
                    await anext(pieces)
                async for pcm in pieces:
                    seconds = AudioFormat(_RATE).seconds(len(pcm))
                    made_s += seconds
                    listener.add(seconds)
                    yield SpokenPcm(pcm, (before + min(len(piece), estimate_characters(made_s, request.speed))) / total)
            before += len(piece)

    async def _speaker(
        self, threads: WorkerThreads, cloned: ClonedVoice, parameters: PresetParams, listener: Playout
    ) -> SpeakerLatents:
        if self._model is not None:
            known = self._speakers.get(latents_key(cloned, self._model.fingerprint, parameters))
            if known is not None:
                return known
        async with self._deadline(listener):
            return await threads.call(partial(self._learn, cloned, parameters), listener)

    def _learn(self, cloned: ClonedVoice, parameters: PresetParams) -> SpeakerLatents:
        """The latents of a voice from its file, else from its samples. Called on the worker thread."""
        model = self._model
        if model is None:
            raise EngineFailed("XTTS is stopping")
        key = latents_key(cloned, model.fingerprint, parameters)
        latents = read_latents(cloned, key)
        if latents is None:
            latents = model.listen(cloned, parameters)
            store_latents(cloned, key, latents)
        while len(self._speakers) >= _MAX_SPEAKERS:
            self._speakers.pop(next(iter(self._speakers)))
        self._speakers[key] = latents
        return latents

    @asynccontextmanager
    async def _deadline(self, listener: Playout) -> AsyncGenerator[None]:
        """Raises Overloaded when its block takes longer than a text may wait. Idle work may wait for ever."""
        timeout_s = None if listener.idle else self._options.queue_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError:
            raise Overloaded("XTTS did not come to the text in time: others are ahead") from None


def _send(sound: Generator["Samples"], sender: StreamSender[bytes]) -> None:
    """Says one piece, until its reader has gone."""
    sender.put(_TURN_HAS_COME)
    try:
        with closing(sound):
            for samples in sound:
                if sender.closed:
                    return
                if samples.size:
                    sender.put(_pcm16(samples))
    except SecretaryError:
        raise
    except Exception as error:  # PyTorch raises RuntimeError of many kinds, such as a lack of memory
        log.exception("XTTS failed while it spoke")
        raise EngineFailed(f"XTTS failed: {type(error).__name__}") from error


def _pcm16(samples: "Samples") -> bytes:
    return bytes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
