"""A persona of the secretary: its prompts, voices, fallback answers and model."""

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.sampling import Sampling


class Persona(FrozenModel):
    """A persona of the secretary. ``prompts`` are system prompts per language. ``fallback_answers`` are given in the
    place of a model when none speaks the language of the question. ``route`` and ``llm_params`` apply where no request,
    session, button, bot or widget sets them; an empty route leaves the choice to the settings."""

    id: str = Field(pattern=r"^[a-z0-9_-]{1,50}$")
    name: str
    prompts: dict[str, str] = Field(description="language -> system prompt")
    voices: dict[str, str] = Field(default_factory=dict, description="language -> voice id")
    fallback_answers: dict[str, str] = Field(
        default_factory=dict, description="language -> answer when no model speaks the language"
    )

    variables: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="language -> variable -> text in the prompt of that language"
    )
    route: str = ""
    llm_params: Sampling = Sampling()

    def prompt(self, language: str) -> str:
        return self.prompts.get(self.prompt_language(language), "")

    def prompt_language(self, language: str) -> str:
        """``language`` if there is a prompt in it, else that of the first prompt."""
        return language if self.prompts.get(language) else next(iter(self.prompts), language)
