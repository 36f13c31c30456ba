"""The answer of a turn when no model speaks the language of its question. It promises nothing."""

from dataclasses import dataclass

from deployments.contracts.persona import Persona

BUILT_IN = {
    "ru": "Извините, на этот вопрос я ответить не могу. Попробуйте задать его иначе или спросите о чём-нибудь другом.",
    "en": "Sorry, I cannot answer this question. Please try to ask it in other words, or ask me something else.",
}
"""Language -> text, for personas without one."""
_LAST = "en"


@dataclass(frozen=True, slots=True)
class FallbackAnswer:
    text: str
    language: str


def find_fallback_answer(persona: Persona | None, language: str, default_language: str) -> FallbackAnswer:
    """The text of the persona in ``language``, else in ``default_language``; else the built-in text in ``language``, in
    ``default_language`` or in English."""
    own = persona.fallback_answers if persona else {}
    for texts in (own, BUILT_IN):
        for each in (language, default_language):
            if text := texts.get(each, "").strip():
                return FallbackAnswer(text, each)
    return FallbackAnswer(BUILT_IN[_LAST], _LAST)
