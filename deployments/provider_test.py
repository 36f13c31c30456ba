"""Tries a cloud provider: lists its models and asks for one short answer."""

import asyncio
from dataclasses import dataclass

from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.cloud_engines import CloudEngines
from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.errors import EngineTimeout, SecretaryError
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.contracts.provider_errors import ProviderModelUnknown, ProviderReplyInvalid
from deployments.contracts.providers import ProviderSpec
from deployments.engines.cloud.engine import CloudChatEngine

_TIMEOUT_S = 60.0
_MAX_MODELS = 500
_MAX_RESPONSE = 200
_MAX_TOKENS = 200
"""Reasoning models think before they answer."""
_TURN = ChatTurn(
    "provider-test",
    TurnSource(SourceKind.ADMIN),
    (ChatMessage("user", "Reply with the single word: ready"),),
    options=GenerationOptions(max_tokens=_MAX_TOKENS),
)


@dataclass(frozen=True, slots=True)
class ProviderTester:
    """Tries providers with engines of ``clouds``, also disabled ones and those without a budget left."""

    clouds: CloudEngines
    timeout_s: float = _TIMEOUT_S

    async def __call__(self, spec: ProviderSpec) -> ProviderTestResult:
        engine = self.clouds.build(spec.model_copy(update={"budget_per_day": 0.0}))
        try:
            async with asyncio.timeout(self.timeout_s):
                await engine.warm_up()
                models, listing_error = await _list(engine)
                return _with_models(await _ask(engine), models, spec.model_name, listing_error)
        except TimeoutError:
            late = EngineTimeout(f"{spec.name} did not answer within {self.timeout_s:g} seconds")
            return _failure(late)
        except SecretaryError as error:
            return _failure(error)
        finally:
            await engine.close()


async def _list(engine: CloudChatEngine) -> tuple[tuple[str, ...] | None, SecretaryError | None]:
    """The models, or None for a provider without a list. Its key and address are judged by the answer."""
    try:
        return await engine.models(), None
    except (ProviderModelUnknown, ProviderReplyInvalid):
        return None, None
    except SecretaryError as error:
        return None, error


async def _ask(engine: CloudChatEngine) -> ProviderTestResult:
    text = ""
    try:
        async for event in engine.stream(_TURN):
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, TurnFinished):
                first, total = event.timings.first_token_ms, event.timings.total_ms
                return ProviderTestResult(
                    available=True,
                    message=f"The model answers; first text after {first or total:.0f} ms, all after {total:.0f} ms.",
                    test_response=text[:_MAX_RESPONSE],
                    first_token_ms=first,
                    total_ms=total,
                    cost=event.usage.cost,
                )
    except SecretaryError as error:
        return _failure(error)
    raise AssertionError("a stream ends with TurnFinished")


def _failure(error: SecretaryError) -> ProviderTestResult:
    remedy = f" ({error.remedy})" if error.remedy else ""
    return ProviderTestResult(available=False, message=f"{error.message}{remedy}", code=error.code)


def _with_models(
    result: ProviderTestResult, models: tuple[str, ...] | None, wanted: str, listing_error: SecretaryError | None
) -> ProviderTestResult:
    if models is None:
        late = f" The list of models failed: {listing_error.message}" if listing_error and result.available else ""
        return result.model_copy(update={"message": result.message + late})
    return result.model_copy(update={"models": models[:_MAX_MODELS], "listed": wanted in models})
