"""A persona of the secretary: its prompts, voices and fallback answers."""

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel


class Persona(FrozenModel):
    """A persona of the secretary. ``prompts`` are system prompts per language. ``fallback_answers`` are given in the
    place of a model when none speaks the language of the question."""

    id: str = Field(pattern=r"^[a-z0-9_-]{1,50}$")
    name: str
    prompts: dict[str, str] = Field(description="language -> system prompt")
    voices: dict[str, str] = Field(default_factory=dict, description="language -> voice id")
    fallback_answers: dict[str, str] = Field(
        default_factory=dict, description="language -> answer when no model speaks the language"
    )

    def prompt(self, language: str) -> str:
        return self.prompts.get(language) or next(iter(self.prompts.values()), "")
