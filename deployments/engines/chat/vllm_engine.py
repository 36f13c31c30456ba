"""vLLM: AsyncLLM in this process, its engine core in a child process that holds the card.

The chat template, the sampling parameters and the parsers of tool calls are vLLM's own. A stream that is closed aborts
its request in the engine core. An engine core that dies makes the engine not ready.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed, EngineTimeout, InvalidRequest, SecretaryError, Unavailable
from deployments.contracts.events import TurnFinished
from deployments.contracts.speech import EngineStatus
from deployments.contracts.streams import Closing
from deployments.engines.base import AsyncEngine
from deployments.engines.chat.stopwatch import Stopwatch
from deployments.engines.chat.turn_checks import check_adapter, check_no_images, check_no_tools, check_turn
from deployments.engines.chat.vllm_model import VllmModel, start_model
from deployments.engines.chat.vllm_options import VllmOptions, check_files
from deployments.engines.chat.vllm_process import VllmProcess
from deployments.engines.options import EngineOptions

_ASLEEP = "asleep"
_DIED = "the engine process of vLLM ended unexpectedly"
StartModel = Callable[[VllmProcess, VllmOptions], Awaitable[VllmModel]]


class VllmEngine(AsyncEngine):
    """ChatEngine and Sleeper."""

    Options: ClassVar[type[EngineOptions]] = VllmOptions

    def __init__(self, options: VllmOptions, start: StartModel = start_model) -> None:
        super().__init__("chat", "vllm", options.model_name)
        self._options = options
        self._start = start
        self._process: VllmProcess | None = None
        self._model: VllmModel | None = None
        self._asleep = False
        self._changing_sleep = asyncio.Lock()

    async def start(self) -> None:
        """Does nothing when started. Raises ModelMissing, EngineFailed, EngineTimeout; then no process is left."""
        if self._model is not None and not self._model.is_dead:
            return
        await self.stop()
        async with self._health.track_start():
            check_files(self._options)
            try:
                async with asyncio.timeout(self._options.load_timeout_s):
                    await self._load()
            except BaseException as error:
                await self._end()
                raise _load_error(error, self._options) from None

    async def stop(self) -> None:
        """Ends live streams with Unavailable, then the engine core; its memory is free when this returns."""
        self._health.mark_stopped()
        await self._end()

    def status(self) -> EngineStatus:
        self._notice_death()
        status = super().status()
        if self._asleep and status.ready:
            status = replace(status, ready=False, error=_ASLEEP)
        return replace(
            status,
            progress=self._process.progress if self._process is not None else "",
            adapters=self._model.adapters if self._model is not None else (),
            detail={**status.detail, "slots": str(self._options.max_num_seqs), **self._context()},
        )

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises InvalidRequest, NotSupported, ModelNotFound, Unavailable. In the stream: ConversationTooLong,
        InvalidRequest, EngineFailed."""
        model = self._loaded_model()
        check_turn(turn)
        check_no_images(turn, self._options.model_name)
        check_adapter(turn, self._options.model_name, model.adapters)
        is_forced = turn.tools is not None and turn.tools.is_forced
        if self._options.tool_parser is None and not is_forced:
            check_no_tools(turn, self._options.model_name)
        model.request(turn)
        return self._stream(turn, model)

    @property
    def asleep(self) -> bool:
        return self._asleep

    async def sleep(self) -> None:
        """Frees the card. Raises InvalidRequest without the option ``sleep_level``."""
        level = self._options.sleep_level
        if not level:
            raise InvalidRequest("this model cannot sleep: set its option sleep_level, or stop the service")
        async with self._changing_sleep:
            model = self._loaded_model()
            if not self._asleep:
                self._asleep = True
                await model.sleep(level)

    async def wake(self) -> None:
        async with self._changing_sleep:
            model = self._loaded_model()
            if self._asleep:
                await model.wake(self._options.sleep_level)
                self._asleep = False

    async def _load(self) -> None:
        self._process = VllmProcess(self._options)
        self._model = await self._start(self._process, self._options)
        self._process.progress = ""

    async def _end(self) -> None:
        model, self._model = self._model, None
        process, self._process = self._process, None
        self._asleep = False
        if model is not None:
            model.end_streams(Unavailable("the model is being unloaded"))
        if process is not None:
            await process.stop()

    def _loaded_model(self) -> VllmModel:
        """Raises Unavailable, also when the engine core has died."""
        self._notice_death()
        self._health.require_ready()
        if self._model is None:
            raise Unavailable("vllm is stopping")
        return self._model

    def _notice_death(self) -> None:
        if self._health.ready and self._model is not None and self._model.is_dead:
            self._health.mark_failed(_DIED)
            if self._process is not None:
                self._process.kill()

    def _context(self) -> dict[str, str]:
        return {"context": str(self._model.max_model_len)} if self._model is not None else {}

    async def _stream(self, turn: ChatTurn, model: VllmModel) -> AsyncGenerator[ChatEvent]:
        stopwatch = Stopwatch()
        with self._live_stream():
            if self._asleep:
                await self.wake()
            request = model.request(turn)
            reply = model.reply(turn, request)
            async with Closing(model.generate(request, turn.route.adapter if turn.route else "")) as outputs:
                async for output in outputs:
                    for event in reply.read(output):
                        stopwatch.first_token()
                        yield event
        yield TurnFinished(
            reply.finish_reason, reply.usage, stopwatch.timings(), route="local", model=self._options.model_name
        )


def _load_error(error: BaseException, options: VllmOptions) -> BaseException:
    if isinstance(error, TimeoutError):
        return EngineTimeout(
            f"{options.model_name} was not loaded in {options.load_timeout_s:g} s; raise its option load_timeout_s"
        )
    if isinstance(error, SecretaryError) or not isinstance(error, Exception):
        return error
    lines = str(error).splitlines() or [""]
    return EngineFailed(f"vLLM cannot load {options.model_name}: {type(error).__name__}: {lines[0]}")
