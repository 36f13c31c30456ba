"""The editable fields of an FAQ entry, and what they must be."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from deployments.administration.office.drafts import Draft
from deployments.answers.templates import KNOWN_PLACEHOLDERS, unknown_placeholders
from deployments.contracts.frozen_model import Language
from storage.comparison import comparison_key

_MIN_TRIGGER_LENGTH = 2
Trigger = Annotated[str, Field(max_length=500)]


class FaqDraft(Draft):
    """The editable fields of an FAQ entry.

    A question, alternative or keyword has at least two letters or digits. Repeated and empty alternatives and keywords
    are dropped.
    """

    question: str = Field(min_length=2, max_length=500)
    answer: str = Field(min_length=1, max_length=4000)
    alternatives: tuple[Trigger, ...] = Field(default=(), max_length=50)
    keywords: tuple[Trigger, ...] = Field(default=(), max_length=50)
    language: Language = "ru"
    enabled: bool = True
    topic: str = Field(default="", max_length=50, pattern=r"^[\w.-]*$")

    @field_validator("question", "answer")
    @classmethod
    def _strip(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("must not be blank")
        return text.strip()

    @field_validator("question")
    @classmethod
    def _check_question(cls, text: str) -> str:
        return _require_length(text)

    @field_validator("answer")
    @classmethod
    def _check_placeholders(cls, text: str) -> str:
        if unknown := unknown_placeholders(text):
            known = ", ".join(f"{{{name}}}" for name in KNOWN_PLACEHOLDERS)
            raise ValueError(f"nothing replaces {{{unknown[0]}}}; known: {known}")
        return text

    @field_validator("alternatives", "keywords")
    @classmethod
    def _deduplicate(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_require_length(text) for text in _distinct(texts))

    @model_validator(mode="after")
    def _drop_question_from_alternatives(self) -> Self:
        own = comparison_key(self.question)
        kept = tuple(text for text in self.alternatives if comparison_key(text) != own)
        object.__setattr__(self, "alternatives", kept)
        return self


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    by_key = {comparison_key(text): text.strip() for text in reversed(tuple(texts)) if text.strip()}
    return tuple(reversed(by_key.values()))


def _require_length(text: str) -> str:
    if len(comparison_key(text).replace(" ", "")) < _MIN_TRIGGER_LENGTH:
        raise ValueError("needs at least two letters or digits")
    return text
