"""Cloud engines that talk to a scripted provider on the loopback address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from deployments.cloud_connection import CheckedProviderConnection, ProviderAddress
from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.events import TextDelta
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.engines.cloud.engine import CloudChatEngine, CloudModel
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import OutboundLimits
from tests.servers.cloud_provider import CloudProviderServer

KEY = "sk-very-secret-key-0123456789"
LOOPBACK = OutboundPolicy(allowed=(AllowedHost.parse("127.0.0.1"),))
KIND_MODELS = {
    "gemini": "gemini-2.5-flash",
    "kimi": "moonshot-v1-8k",
    "openai": "gpt-4o",
    "claude": "claude-opus-4-5-20251101",
    "deepseek": "deepseek-chat",
    "openrouter": "some/model:free",
    "vllm": "some-model",
    "custom": "some-model",
}


def provider_connection(server: CloudProviderServer, kind: str) -> CheckedProviderConnection:
    origin = f"http://127.0.0.1:{server.port}"
    address = ProviderAddress(server.base_url, PROVIDER_KINDS[kind], SecretStr(KEY), origin)
    limits = OutboundLimits(connect_timeout_s=2, read_timeout_s=30, total_timeout_s=60, keepalive_s=60)
    return CheckedProviderConnection(address, lambda: LOOPBACK, limits, image_policy=LOOPBACK)


@asynccontextmanager
async def cloud_engine(
    server: CloudProviderServer, kind: str, model_name: str = "", **fields: object
) -> AsyncIterator[CloudChatEngine]:
    model = CloudModel("it", f"My {kind}", PROVIDER_KINDS[kind], model_name or KIND_MODELS[kind])
    engine = CloudChatEngine(replace(model, **fields), provider_connection(server, kind))  # type: ignore[arg-type]
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def question(text: str = "one two three four five", options: GenerationOptions | None = None) -> ChatTurn:
    messages = (ChatMessage("system", "Be brief."), ChatMessage("user", text))
    return ChatTurn("t", TurnSource(SourceKind.API), messages, options=options or GenerationOptions(max_tokens=50))


async def answer(engine: CloudChatEngine, turn: ChatTurn) -> str:
    return "".join([event.text async for event in engine.stream(turn) if isinstance(event, TextDelta)])
