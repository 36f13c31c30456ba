"""How a language model chooses its words, as far as people configure it."""

from typing import Annotated

from pydantic import Field

from deployments.contracts.chat import GenerationOptions
from deployments.contracts.frozen_model import FrozenModel


class Sampling(FrozenModel):
    """Sampling of one provider, bot, button or widget; None leaves what the next one says."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.1, le=2)] | None = None

    @property
    def options(self) -> GenerationOptions:
        """The same, as a turn carries it."""
        return GenerationOptions(**self.model_dump())
