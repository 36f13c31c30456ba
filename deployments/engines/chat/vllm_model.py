"""A loaded model of vLLM: renders turns with its chat template, generates, and parses tool calls."""

import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.streams import Closing
from deployments.engines.chat.vllm_options import VllmOptions
from deployments.engines.chat.vllm_process import VllmProcess
from deployments.engines.chat.vllm_reply import VllmReply, too_long, translate_error
from deployments.engines.chat.vllm_request import chat_request

if TYPE_CHECKING:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.lora.request import LoRARequest
    from vllm.outputs import RequestOutput
    from vllm.parser import Parser
    from vllm.v1.engine.async_llm import AsyncLLM


_WARM_UP = ChatTurn(
    "warm-up", TurnSource(SourceKind.API), (ChatMessage("user", "."),), options=GenerationOptions(max_tokens=2)
)


class VllmModel:
    """AsyncLLM with the renderer and the parsers that vLLM's own server uses."""

    def __init__(self, llm: "AsyncLLM", options: VllmOptions) -> None:
        """Raises EngineFailed when the tokenizer lacks what the tool parser needs."""
        from vllm.renderers.online_renderer import OnlineRenderer

        self.llm = llm
        self._options = options
        self._defaults: dict[str, Any] = llm.model_config.get_diff_sampling_param()
        self._renderer = OnlineRenderer(
            llm.model_config,
            llm.renderer,
            request_logger=None,
            chat_template=None,
            chat_template_content_format="auto",
            enable_auto_tools=options.tool_parser is not None,
            tool_parser=options.tool_parser,
        )
        self._adapters = _lora_requests(options.adapters)

    @property
    def max_model_len(self) -> int:
        return int(self.llm.model_config.max_model_len)

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(self._adapters)

    @property
    def is_dead(self) -> bool:
        """Whether the engine core has ended or cannot be reached."""
        return bool(self.llm.errored)

    async def warm_up(self) -> None:
        """Loads the adapters and generates the first tokens."""
        for request in self._adapters.values():
            await self.llm.add_lora(request)
        async with Closing(self.generate(self.request(_WARM_UP), "")) as outputs:
            async for _ in outputs:
                pass

    async def sleep(self, level: int) -> None:
        await self.llm.sleep(level)

    async def wake(self, level: int) -> None:
        await wake_up(self.llm, level)

    def end_streams(self, error: SecretaryError) -> None:
        """Raises ``error`` in every stream in progress."""
        self.llm.output_processor.propagate_error(error)

    def request(self, turn: ChatTurn) -> "ChatCompletionRequest":
        return chat_request(turn, self._options.max_tokens, self.max_model_len)

    def reply(self, turn: ChatTurn, request: "ChatCompletionRequest") -> VllmReply:
        is_forced = turn.tools is not None and turn.tools.is_forced
        return VllmReply(request, self._parser(request) if request.tool_choice == "auto" else None, is_forced=is_forced)

    async def generate(self, request: "ChatCompletionRequest", adapter: str) -> AsyncGenerator["RequestOutput"]:
        """Raises the errors of ``translate_error``. Closing it aborts the request in the engine core."""
        try:
            prompt = await self._render(request)
            tokens = len(prompt["prompt_token_ids"])
            if tokens >= self.max_model_len:
                raise too_long(self.max_model_len)
            limit = min(request.max_completion_tokens or self._options.max_tokens, self.max_model_len - tokens)
            parameters = request.to_sampling_params(limit, self._defaults)
            lora = self._adapters.get(adapter)
            async with Closing(
                self.llm.generate(prompt, parameters, secrets.token_hex(8), lora_request=lora)
            ) as outputs:
                async for output in outputs:
                    yield output
        except Exception as error:
            raise translate_error(error, self.max_model_len) from None

    async def _render(self, request: "ChatCompletionRequest") -> Any:
        rendered = await self._renderer.render_chat(request)
        if not isinstance(rendered, tuple):
            raise ValueError(rendered.error.message)
        _, (prompt,) = rendered
        return prompt

    def _parser(self, request: "ChatCompletionRequest") -> "Parser | None":
        parser_class = self._renderer.parser
        if parser_class is None:
            return None
        return parser_class(
            self.llm.get_tokenizer(),
            request.tools,
            chat_template_kwargs=self._renderer.effective_chat_template_kwargs(request),
            model_config=self.llm.model_config,
        )


async def start_model(process: VllmProcess, options: VllmOptions) -> VllmModel:
    """Starts the engine core and warms it up. Raises EngineFailed; ``process`` is left to the caller."""
    llm = await process.start()
    process.progress = "warming up"
    model = VllmModel(llm, options)
    await model.warm_up()
    return model


async def wake_up(llm: "AsyncLLM", level: int) -> None:
    """Ends the sleep of ``level``. After level 2 the weights are read from the disk again."""
    if level == 1:
        await llm.wake_up()
        return
    await llm.wake_up(["weights"])
    await llm.collective_rpc("reload_weights")
    await llm.wake_up(["kv_cache"])


def _lora_requests(adapters: dict[str, Path]) -> "dict[str, LoRARequest]":
    from vllm.lora.request import LoRARequest

    return {name: LoRARequest(name, number, str(path)) for number, (name, path) in enumerate(adapters.items(), start=1)}
