"""Configurable sampling parameters of language models."""

from typing import Annotated

from pydantic import Field

from deployments.contracts.chat import GenerationOptions
from deployments.contracts.frozen_model import FrozenModel


class Sampling(FrozenModel):
    """Sampling parameters of a provider, bot, button or widget. None leaves a field to the next layer."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.1, le=2)] | None = None

    @property
    def options(self) -> GenerationOptions:
        """The parameters as the options of a turn."""
        return GenerationOptions(**self.model_dump())
