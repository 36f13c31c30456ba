"""What a provider can answer instead of an answer, and the error that a person sees."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import ConversationTooLong, EngineTimeout, SecretaryError
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.provider_errors import (
    ContentFiltered,
    ProviderAddressRefused,
    ProviderBusy,
    ProviderFailed,
    ProviderKeyRefused,
    ProviderModelUnknown,
    ProviderQuotaUsed,
    ProviderRejected,
    ProviderReplyInvalid,
    RegionBlocked,
    another_route_may_answer,
)
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.engines.adapters import TimeoutChatEngine
from deployments.engines.conformance import collect
from deployments.outbound.policy import OutboundPolicy
from tests.servers.cloud_provider import Script, cloud_provider
from tests.unit.cloud.engines import KEY, answer, cloud_engine, question

_GOOGLE_KEY = {
    "error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}
}
_GOOGLE_PLACE = {
    "error": {
        "code": 400,
        "message": "User location is not supported for the API use.",
        "status": "FAILED_PRECONDITION",
    }
}
_GOOGLE_BUSY = {
    "error": {
        "code": 429,
        "message": "Resource has been exhausted",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}],
    }
}


def _openai(message: str, code: Any = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


async def _collect(events: AsyncIterator[ChatEvent], received: list[str]) -> None:
    async for event in events:
        if isinstance(event, TextDelta):
            received.append(event.text)


@pytest.mark.parametrize(
    ("kind", "status", "body", "expected"),
    [
        ("openai", 401, _openai(f"Incorrect API key provided: {KEY}", "invalid_api_key"), ProviderKeyRefused),
        ("claude", 401, _anthropic("authentication_error", "invalid x-api-key"), ProviderKeyRefused),
        ("gemini", 400, _GOOGLE_KEY, ProviderKeyRefused),
        ("openai", 403, _openai("You have no access to this project"), ProviderKeyRefused),
        ("openai", 403, _openai("Not supported", "unsupported_country_region_territory"), RegionBlocked),
        ("gemini", 400, _GOOGLE_PLACE, RegionBlocked),
        ("openai", 404, _openai("The model `x` does not exist", "model_not_found"), ProviderModelUnknown),
        ("custom", 404, {"detail": "Not Found"}, ProviderModelUnknown),
        ("openai", 429, _openai("You exceeded your current quota", "insufficient_quota"), ProviderQuotaUsed),
        ("deepseek", 402, _openai("Insufficient Balance"), ProviderQuotaUsed),
        ("claude", 400, _anthropic("invalid_request_error", "Your credit balance is too low"), ProviderQuotaUsed),
        ("gemini", 429, _GOOGLE_BUSY, ProviderBusy),
        ("claude", 529, _anthropic("overloaded_error", "Overloaded"), ProviderBusy),
        ("openai", 500, _openai("The server had an error", kind="server_error"), ProviderFailed),
        ("custom", 503, "upstream connect error", ProviderFailed),
        ("openai", 400, _openai("Too long", "context_length_exceeded"), ConversationTooLong),
        ("claude", 400, _anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8"), ConversationTooLong),
        ("openai", 400, _openai("Your request was rejected", "content_policy_violation"), ContentFiltered),
        ("openai", 400, _openai("Unrecognized request argument"), ProviderRejected),
    ],
)  # fmt: skip
async def test_provider_error_is_named(kind: str, status: int, body: Any, expected: type[SecretaryError]) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(status=status, body=body)
        with pytest.raises(SecretaryError) as caught:
            await answer(engine, question())
    error = caught.value
    assert type(error) is expected
    assert f"My {kind}" in error.message
    assert KEY not in repr(error) + error.message
    assert another_route_may_answer(error) or expected is ConversationTooLong


@pytest.mark.parametrize(("kind", "headers"), [("openai", {"retry-after": "17"}), ("gemini", {})])
async def test_busy_provider_says_when_to_retry(kind: str, headers: dict[str, str]) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(status=429, body=_GOOGLE_BUSY, headers=headers)
        with pytest.raises(ProviderBusy) as caught:
            await answer(engine, question())
    assert (caught.value.retry_after_s, caught.value.retryable) == (17, True)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("html", ProviderReplyInvalid),
        ("no_stream", ProviderReplyInvalid),
        ("redirect", ProviderFailed),
        ("ok_error", ProviderFailed),
        ("early_end", ProviderFailed),
        ("cut", ProviderFailed),
        ("malformed", ProviderReplyInvalid),
        ("mid_error", ProviderFailed),
    ],
)
@pytest.mark.parametrize("kind", ["openai", "claude", "gemini"])
async def test_broken_stream_keeps_what_came(kind: str, fault: str, expected: type[SecretaryError]) -> None:
    received: list[str] = []
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(fault=fault)
        with pytest.raises(expected) as caught:
            await _collect(engine.stream(question()), received)
        server.script = Script()
        assert await answer(engine, question("still works")) == "still works"
    assert caught.value.message
    assert "".join(received) == {"cut": "one two ", "malformed": "one two ", "mid_error": "one two "}.get(
        fault, "one two three four five" if fault == "early_end" else ""
    )


@pytest.mark.parametrize("kind", ["openai", "gemini"])
async def test_missing_usage_is_estimated(kind: str) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(fault="no_usage")
        finished = (await collect(engine.stream(question())))[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.usage.estimated
    assert finished.usage.completion_tokens == 6


@pytest.mark.parametrize("kind", ["openai", "claude", "gemini"])
async def test_filtered_answer(kind: str) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(answer="", fault="filtered")
        with pytest.raises(ContentFiltered):
            await answer(engine, question())
        server.script = Script(answer="half an", fault="filtered")
        finished = (await collect(engine.stream(question())))[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.finish_reason == "content_filter"


async def test_idle_stream_times_out_and_is_closed() -> None:
    async with cloud_provider("openai") as server, cloud_engine(server, "openai") as engine:
        server.script = Script(fault="hang")
        with pytest.raises(EngineTimeout):
            await collect(TimeoutChatEngine(engine, lambda: (30, 0.1)).stream(question()))
        async with asyncio.timeout(5):
            while engine.live_streams:
                await asyncio.sleep(0.01)


async def test_refused_address_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    public_only = OutboundPolicy(allowed=(AllowedHost.parse("10.0.0.1"),))
    monkeypatch.setattr("tests.unit.cloud.engines.LOOPBACK", public_only)
    async with cloud_provider("openai") as server, cloud_engine(server, "custom") as engine:
        with pytest.raises(ProviderAddressRefused, match=r"outbound\.allowed_hosts"):
            await answer(engine, question())
        with pytest.raises(ProviderAddressRefused):
            await engine.models()
    assert server.connections == 0


async def test_closed_port_is_unreachable() -> None:
    async with cloud_provider("openai") as server:
        port_was_open = server.port
    server.port = port_was_open
    async with cloud_engine(server, "openai") as engine:
        with pytest.raises(SecretaryError, match="cannot be reached"):
            await answer(engine, question())


async def test_missing_key_is_refused_before_a_request() -> None:
    async with cloud_provider("openai") as server, cloud_engine(server, "openai", has_key=False) as engine:
        with pytest.raises(ProviderKeyRefused, match="no API key"):
            engine.stream(question())
    assert server.requests == []
