"""llama.cpp in this process (xllamacpp): parallel slots, prefix reuse, JSON schemas, embeddings, true cancel.

Each answer holds one thread and one slot from its first prompt token to its last word. The callback that llama.cpp
calls for every token, and for every batch of the prompt, hands text to the event loop and says stop when the reader
is gone; the work then ends with the batch at hand. Turns beyond ``slots`` wait in line and can be cancelled there.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deployments.contracts.chat import ChatMessage, ChatTurn, EmbeddingVectors, SourceKind, TurnSource
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed, InvalidRequest, SecretaryError, TextTooLong
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.contracts.speech import EngineStatus
from deployments.engines.chat.llama_reply import LlamaChunk, LlamaReply, parse_vectors
from deployments.engines.chat.llama_request import LlamaRequestBody, request_body
from deployments.engines.chat.llama_server import LlamaServer, LlamaServerSettings, load_server
from deployments.engines.chat.stopwatch import Stopwatch
from deployments.engines.chat.turn_checks import check_turn
from deployments.engines.options import EngineHealth, EngineOptions, require_path
from deployments.engines.worker_threads import StreamSender, WorkerThreads

_EMBEDDING_TOKENS = 2_048
_WARM_UP = ChatTurn("warm-up", TurnSource(SourceKind.API), (ChatMessage("user", "."),))


class LlamaCppOptions(EngineOptions):
    model: Path = Field(description="GGUF file")
    slots: int = Field(default=4, ge=1, le=256, description="Answers at once; more wait in line")
    context: int = Field(default=4_096, ge=256, description="Longest conversation with its answer, in tokens, per slot")
    threads: int = Field(default=0, ge=0, description="CPU threads, fewer on a busy machine; 0 lets llama.cpp choose")
    batch: int = Field(
        default=64,
        ge=32,
        le=8_192,
        description="Prompt tokens at once; a cancel waits for one batch. Raise it on a GPU",
    )
    gpu_layers: int = Field(default=0, ge=-1, description="Layers on the GPU; -1 means all")
    max_tokens: int = Field(default=512, ge=1, description="Length limit of answers whose request names none")
    prompt_cache_mb: int = Field(default=512, ge=0, description="Memory for prompts of idle slots; 0 turns it off")
    embeddings: bool = Field(default=False, description="Also offer text vectors; loads the model a second time")


class LlamaCppEngine:
    """ChatEngine, and Embedder when the option ``embeddings`` is set."""

    Options: ClassVar[type[EngineOptions]] = LlamaCppOptions

    def __init__(self, options: LlamaCppOptions) -> None:
        self._options = options
        self._model = options.model_id or options.model.stem
        self._health = EngineHealth("chat", "llama_cpp", self._model)
        self._workers: WorkerThreads | None = None
        self._chat: LlamaServer | None = None
        self._embedder: LlamaServer | None = None

    async def start(self) -> None:
        """Loads and warms the model. Raises ModelMissing, EngineFailed. Does nothing when started."""
        if self._health.ready:
            return
        async with self._health.track_start():
            require_path(self._options.model, "the language model", self._options.model_id)
            self._workers = WorkerThreads("llama", self._options.slots)
            try:
                await self._workers.call(self._load)
            except SecretaryError:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Ends live answers with Unavailable and frees the model."""
        self._health.mark_stopped()
        workers, self._workers = self._workers, None
        if workers is not None:
            await workers.stop()
        self._chat = self._embedder = None

    def status(self) -> EngineStatus:
        live = self._workers.live_streams if self._workers else 0
        return self._health.status(live, slots=str(self._options.slots), context=str(self._options.context))

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises InvalidRequest, Unavailable; in the stream InvalidRequest (too long, bad schema), EngineFailed."""
        self._health.require_ready()
        check_turn(turn)
        return self._stream(request_body(turn, self._options.max_tokens))

    async def embed(self, texts: tuple[str, ...]) -> EmbeddingVectors:
        """Mean-pooled vectors. Raises TextTooLong over 2,000 bytes, InvalidRequest when vectors are not offered."""
        self._health.require_ready()
        if self._embedder is None or self._workers is None:
            raise InvalidRequest("this engine gives no vectors: set its option embeddings")
        for text in texts:
            if len(text.encode()) > _EMBEDDING_TOKENS - 48:  # a token is at least one byte; some are added by the model
                raise TextTooLong("a text to embed is limited to 2,000 bytes", param="input")
        embedder = self._embedder
        return parse_vectors(await self._workers.call(lambda: embedder.handle_embeddings({"input": list(texts)})))

    def _load(self) -> None:
        options = self._options
        chat = LlamaServerSettings(
            model=options.model,
            slots=options.slots,
            context=options.context,
            batch=options.batch,
            threads=options.threads,
            gpu_layers=options.gpu_layers,
            prompt_cache_mb=options.prompt_cache_mb,
        )
        self._chat = load_server(chat)
        self._chat.handle_chat_completions(request_body(_WARM_UP, 1), lambda _: False)
        if options.embeddings:
            self._embedder = load_server(_for_vectors(chat))

    async def _stream(self, body: LlamaRequestBody) -> AsyncIterator[ChatEvent]:
        self._health.require_ready()
        server, workers = self._chat, self._workers
        if server is None or workers is None:  # pragma: no cover - require_ready spoke
            return
        reply, watch = LlamaReply(), Stopwatch()
        deltas: AsyncGenerator[str, None] = workers.stream_from_callback(
            lambda outlet: _generate(server, body, reply, outlet)
        )
        try:
            async for text in deltas:
                watch.first_token()
                yield TextDelta(text)
        finally:
            await deltas.aclose()
        yield TurnFinished(reply.finish_reason, reply.usage, watch.timings(), route="local", model=self._model)


def _generate(server: LlamaServer, body: LlamaRequestBody, reply: LlamaReply, outlet: StreamSender[str]) -> None:
    """Runs one answer to its end on this thread. Raises InvalidRequest, EngineFailed."""
    broken: list[Exception] = []

    def hear(chunk: LlamaChunk) -> bool:
        try:
            text = reply.read(chunk)
        except (KeyError, TypeError, AttributeError) as error:  # raising through native code would be lost
            broken.append(error)
            return True
        return outlet.closed if not text else not outlet.put(text)

    try:
        server.handle_chat_completions(body, hear)
    except ValueError as error:
        raise InvalidRequest(f"llama.cpp refused the request: {error}", param=_suspect(body)) from error
    except RuntimeError as error:
        raise EngineFailed(f"llama.cpp failed: {error}") from error
    if reply.error is not None:
        raise reply.error
    if broken:
        raise EngineFailed("llama.cpp sent a reply that cannot be read") from broken[0]


def _suspect(body: LlamaRequestBody) -> str | None:
    return "response_format" if "response_format" in body else None


def _for_vectors(chat: LlamaServerSettings) -> LlamaServerSettings:
    """One slot whose batch holds a whole text: pooling needs it in one piece. One thread: a second team of OpenMP
    threads in the process would more than double the time of every token of the first."""
    return LlamaServerSettings(
        model=chat.model,
        slots=1,
        context=_EMBEDDING_TOKENS,
        batch=_EMBEDDING_TOKENS,
        threads=1,
        gpu_layers=chat.gpu_layers,
        prompt_cache_mb=0,
        embeddings=True,
    )
