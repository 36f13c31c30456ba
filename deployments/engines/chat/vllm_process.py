"""Starts and ends vLLM: AsyncLLM in this process, its engine in a process of its own.

vLLM is built on a thread, because its constructor waits for the engine's process. A start that fails, takes too long or
is cancelled ends that process.
"""

import asyncio
import logging
import multiprocessing
import os
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

import psutil

from deployments.contracts.errors import EngineFailed
from deployments.engines.chat.vllm_options import VllmOptions, engine_arguments
from deployments.engines.chat.vllm_output import ProcessOutput, failure_in, progress_of

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

log = logging.getLogger(__name__)

ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
"""No usage statistics, no look-ups on a model hub."""
_STOP_TIMEOUT_S = 2.0
"""After it the engine core is killed, which frees its memory just as well."""
_KILL_TIMEOUT_S = 5.0
_POLL_S = 0.1
_LOGGED_LINES = 40
_ADVICE = (
    ("kv cache", "lower max_model_len, or raise kv_cache_memory_bytes"),
    ("out of memory", "lower kv_cache_memory_bytes, max_num_seqs or max_model_len, or free the card"),
    ("free memory", "set kv_cache_memory_bytes, lower gpu_memory_utilization, or free the card"),
    ("rank", "raise max_lora_rank"),
)
"""Settings that solve what vLLM's messages name. It has one error class for all of them."""


def check_tool_parser(name: str | None) -> None:
    """Raises EngineFailed that lists the parsers that vLLM has."""
    from vllm.tool_parsers import ToolParserManager

    known = ToolParserManager.list_registered()
    if name is not None and name not in known:
        raise EngineFailed(f"vLLM has no tool parser {name!r}; it has: {', '.join(sorted(known))}")


class VllmProcess:
    """AsyncLLM and the processes behind it. ``progress`` is the phase of the start."""

    def __init__(self, options: VllmOptions) -> None:
        self._options = options
        self._output = ProcessOutput(self._read_progress)
        self._llm: AsyncLLM | None = None
        self._processes: list[psutil.Process] = []
        self._is_abandoned = False
        self.progress = ""

    async def start(self) -> "AsyncLLM":
        """Raises EngineFailed with the reason that vLLM prints. No process is left after an error."""
        self.progress = "starting the engine"
        before = set(multiprocessing.active_children())
        building = asyncio.ensure_future(asyncio.to_thread(self._build))
        try:
            self._llm = await asyncio.shield(building)
        except asyncio.CancelledError:
            await self._abandon(building, before)
            raise
        except Exception as error:
            await self._abandon(building, before)
            raise self._failure(error) from None
        self._processes = _process_tree(before)
        return self._llm

    async def stop(self) -> None:
        """Ends the engine. Its memory is free when this returns. Idempotent."""
        llm, self._llm = self._llm, None
        if llm is not None:
            if llm.output_handler is not None:
                llm.output_handler.cancel()  # it would log the end of the engine core as an error
            await asyncio.to_thread(llm.shutdown, _STOP_TIMEOUT_S)
            await asyncio.to_thread(_kill, self._processes)

    def kill(self) -> None:
        """Ends what an engine core that died has left, such as its workers. Does not wait."""
        _send_kill(self._processes)

    def _build(self) -> "AsyncLLM":
        os.environ.update(ENVIRONMENT)
        with self._output.captured():
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.platforms import current_platform
            from vllm.v1.engine.async_llm import AsyncLLM

            check_tool_parser(self._options.tool_parser)
            arguments: Any = engine_arguments(self._options)
            if self._options.adapters and current_platform.is_cpu():
                # On CPUs vLLM 0.32 computes requests without an adapter with the last slot: keep that one empty.
                arguments["max_loras"] = arguments["max_cpu_loras"] = len(self._options.adapters) + 1
            if self._is_abandoned:
                raise EngineFailed("the start was given up")
            return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))

    async def _abandon(self, building: "asyncio.Future[AsyncLLM]", before: set[BaseProcess]) -> None:
        """Waits until the thread has ended. It ends when its engine process does."""
        self._is_abandoned = True
        while not building.done():
            await asyncio.to_thread(_kill, _process_tree(before))
            await asyncio.wait([building], timeout=_POLL_S)
        if building.exception() is None:
            self._llm = building.result()
            await self.stop()
        await asyncio.to_thread(_kill, _process_tree(before))

    def _read_progress(self, line: str) -> None:
        self.progress = progress_of(line) or self.progress

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error, EngineFailed):
            return error
        log.error("vLLM did not start; its last lines:\n%s", "\n".join(self._output.lines[-_LOGGED_LINES:]))
        reason = failure_in(self._output.lines) or f"{type(error).__name__}: {error}"
        advice = next((f"; {text}" for part, text in _ADVICE if part in reason.lower()), "")
        return EngineFailed(f"vLLM cannot load {self._options.model_name}: {reason}{advice}")


def _process_tree(before: set[BaseProcess]) -> list[psutil.Process]:
    """The processes that multiprocessing started since ``before``, and their descendants."""
    found: list[psutil.Process] = []
    for child in set(multiprocessing.active_children()) - before:
        try:
            process = psutil.Process(child.pid)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def _kill(processes: list[psutil.Process]) -> None:
    """Does not collect the exit status: multiprocessing does."""
    _send_kill(processes)
    deadline = time.monotonic() + _KILL_TIMEOUT_S
    while any(map(_is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _send_kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
