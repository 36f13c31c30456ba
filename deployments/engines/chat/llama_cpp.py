"""llama.cpp in this process (xllamacpp): parallel slots, prefix reuse, JSON schemas, embeddings and cancellation.

Each answer occupies one thread and one slot. llama.cpp calls a callback for every token and for every batch of the
prompt. The callback sends text to the event loop, or stops the generation after the current batch when the stream is
closed. Turns beyond ``slots`` are queued and can be cancelled in the queue.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deployments.contracts.chat import ChatMessage, ChatTurn, EmbeddingVectors, SourceKind, TurnSource
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import ConversationTooLong, EngineFailed, InvalidRequest
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnFinished
from deployments.contracts.streams import Closing
from deployments.engines.base import ThreadedEngine
from deployments.engines.chat.llama_embedder import MAX_TOKENS, LlamaEmbedder
from deployments.engines.chat.llama_reply import FAILED, REFUSED, LlamaChunk, LlamaReply
from deployments.engines.chat.llama_request import LlamaRequestBody, request_body
from deployments.engines.chat.llama_server import LlamaServer, LlamaServerSettings, load_server
from deployments.engines.chat.llama_templates import choose_chat_template
from deployments.engines.chat.stopwatch import Stopwatch
from deployments.engines.chat.strict_roles import stricter_messages
from deployments.engines.chat.turn_checks import check_no_adapter, check_no_images, check_no_tools, check_turn
from deployments.engines.options import ChatEngineOptions, EngineOptions, require_path
from deployments.engines.worker_threads import StreamSender

log = logging.getLogger(__name__)

_MAX_TOKEN_BYTES = 16
"""No text has more bytes per token in the mean, except one of spaces."""
_MAX_CONVERSATION_BYTES = 256 * 1024
"""A second of llama.cpp's tokenizer, which cannot be cancelled."""
_WARM_UP = ChatTurn("warm-up", TurnSource(SourceKind.API), (ChatMessage("user", "."),))


class LlamaCppOptions(ChatEngineOptions):
    model: Path = Field(description="GGUF file")
    slots: int = Field(default=4, ge=1, le=256, description="Concurrent answers; more are queued")
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
    embeddings: bool = Field(default=False, description="Also offer text vectors; the first ones load the model again")


class LlamaCppEngine(ThreadedEngine):
    """ChatEngine, and Embedder when the option ``embeddings`` is set."""

    Options: ClassVar[type[EngineOptions]] = LlamaCppOptions

    def __init__(
        self, options: LlamaCppOptions, load: Callable[[LlamaServerSettings], LlamaServer] = load_server
    ) -> None:
        self._options = options
        self._load_server = load
        self._model = options.model_id or options.model.stem
        self._chat: LlamaServer | None = None
        self._reads_tools = False
        self._embedder: LlamaEmbedder | None = None
        super().__init__("chat", "llama_cpp", self._model, options.slots)

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises InvalidRequest, Unavailable. In the stream: ConversationTooLong, InvalidRequest, EngineFailed."""
        self._health.require_ready()
        check_turn(turn)
        check_no_adapter(turn, self._model)
        check_no_images(turn, self._model)
        if not self._reads_tools:
            check_no_tools(turn, self._model)
        self._check_length(turn)
        is_forced_call = turn.tools is not None and turn.tools.is_forced
        return self._stream(self._bodies(turn), LlamaReply(is_forced_call))

    async def embed(self, texts: tuple[str, ...], caller: str = "", max_tokens: int | None = None) -> EmbeddingVectors:
        """Mean-pooled vectors. Raises InvalidRequest unless ``embeddings`` is set."""
        if not self._options.embeddings:
            raise InvalidRequest("this engine has no embeddings: set its option embeddings")
        self._ready_threads()
        assert self._embedder is not None
        return await self._embedder.embed(texts, caller, max_tokens)

    async def stop(self) -> None:
        self._health.mark_stopped()
        if self._embedder is not None:
            await self._embedder.stop()
        await super().stop()

    def _load(self) -> None:
        """Loads the model and runs one token through it."""
        options = self._options
        require_path(options.model, "the language model", options.model_id)
        template = choose_chat_template(options.model)
        chat = LlamaServerSettings(
            model=options.model,
            slots=options.slots,
            context=options.context,
            batch=options.batch,
            threads=options.threads,
            gpu_layers=options.gpu_layers,
            prompt_cache_mb=options.prompt_cache_mb,
            chat_template=template.text,
        )
        self._reads_tools = template.reads_tools
        self._chat = self._load_server(chat)
        self._chat.handle_chat_completions(request_body(_WARM_UP, 1), lambda _: False)
        if options.embeddings:
            self._embedder = LlamaEmbedder(lambda: self._load_server(_embedding_settings(chat)))

    def _unload(self) -> None:
        self._chat = self._embedder = None

    def _status_detail(self) -> dict[str, str]:
        embedding = self._embedder.live_calls if self._embedder else 0
        return {"slots": str(self._options.slots), "context": str(self._options.context), "embedding": str(embedding)}

    def _bodies(self, turn: ChatTurn) -> list[LlamaRequestBody]:
        """The request, then those for chat templates that refuse its messages."""
        turns = [turn, *(replace(turn, messages=messages) for messages in stricter_messages(turn.messages))]
        return [request_body(each, self._options.max_tokens) for each in turns]

    def _check_length(self, turn: ChatTurn) -> None:
        limit = min(self._options.context * _MAX_TOKEN_BYTES, _MAX_CONVERSATION_BYTES)
        if sum(len(text.encode()) for text in _texts(turn)) > limit:
            raise ConversationTooLong(f"the conversation is longer than {limit} bytes", param="messages")

    async def _stream(self, bodies: list[LlamaRequestBody], reply: LlamaReply) -> AsyncIterator[ChatEvent]:
        threads, server = self._ready_threads(), self._chat
        assert server is not None
        stopwatch = Stopwatch()
        deltas: AsyncGenerator[TextDelta | ToolCallDelta, None] = threads.stream_from_callback(
            lambda sender: _generate(server, bodies, reply, sender)
        )
        async with Closing(deltas):
            async for delta in deltas:
                stopwatch.first_token()
                yield delta
        yield TurnFinished(reply.finish_reason, reply.usage, stopwatch.timings(), route="local", model=self._model)


def _texts(turn: ChatTurn) -> Iterator[str]:
    """Everything in ``turn`` that becomes tokens of the prompt."""
    for message in turn.messages:
        yield message.content
        for call in message.tool_calls:
            yield call.name + call.arguments
    for tool in turn.tools.callable if turn.tools else ():
        yield tool.name + tool.description + tool.parameters
    yield turn.answer_prefix


def _generate(
    server: LlamaServer,
    bodies: list[LlamaRequestBody],
    reply: LlamaReply,
    sender: StreamSender[TextDelta | ToolCallDelta],
) -> None:
    """Generates one answer; blocks until it is finished. A chat template refuses messages before the model starts: then
    the next of ``bodies`` is tried. Raises InvalidRequest, EngineFailed."""
    for body in bodies:
        reply.error = None
        try:
            _generate_from(server, body, reply, sender)
            return
        except (InvalidRequest, EngineFailed) as error:
            if body is bodies[-1] or reply.has_started:
                raise
            log.info("llama.cpp refused the messages: %s", error.code)


def _generate_from(
    server: LlamaServer,
    body: LlamaRequestBody,
    reply: LlamaReply,
    sender: StreamSender[TextDelta | ToolCallDelta],
) -> None:
    parse_errors: list[Exception] = []

    def on_chunk(chunk: LlamaChunk) -> bool:
        try:
            events = reply.read(chunk)
        except (KeyError, TypeError, AttributeError) as error:  # native code would swallow it
            parse_errors.append(error)
            return True
        return sender.closed if not events else not all(sender.put(event) for event in events)

    try:
        server.handle_chat_completions(body, on_chunk)
    except ValueError:  # its text has the schema, and Ray Serve logs errors with their causes
        raise InvalidRequest(REFUSED, param=_invalid_param(body)) from None
    except RuntimeError:  # its text may quote the request
        raise EngineFailed(FAILED) from None
    if reply.error is not None:
        raise reply.error
    if parse_errors:
        raise EngineFailed("llama.cpp sent an invalid reply") from parse_errors[0]


def _invalid_param(body: LlamaRequestBody) -> str | None:
    if "tools" in body:
        return "tools"
    return "response_format" if "response_format" in body else None


def _embedding_settings(chat: LlamaServerSettings) -> LlamaServerSettings:
    """One slot and a batch that holds a whole piece of text, as pooling requires.

    One thread: a second team of OpenMP threads more than doubles the time of every token of the chat model.
    """
    return LlamaServerSettings(
        model=chat.model,
        slots=1,
        context=MAX_TOKENS,
        batch=MAX_TOKENS,
        threads=1,
        gpu_layers=chat.gpu_layers,
        prompt_cache_mb=0,
        embeddings=True,
    )
