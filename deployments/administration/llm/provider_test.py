"""The result of trying a provider: what it lists, what it answers and how fast."""

from collections.abc import Awaitable, Callable

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.providers import ProviderSpec


class ProviderTestResult(FrozenModel):
    """``available`` means that the model answered. ``message`` is a sentence for a person, ``code`` names the error.

    ``listed`` is None when the provider has no list of models. Latencies are in milliseconds, ``cost`` in US dollars.
    """

    available: bool
    message: str
    code: str = ""
    models: tuple[str, ...] = Field(default=(), description="At most 500 of the models that the provider lists")
    listed: bool | None = Field(default=None, description="Whether the list contains the model of the provider")
    test_response: str = Field(default="", description="At most 200 characters of the answer")
    first_token_ms: float | None = None
    total_ms: float | None = None
    cost: float = 0


ProviderTest = Callable[[ProviderSpec], Awaitable[ProviderTestResult]]
