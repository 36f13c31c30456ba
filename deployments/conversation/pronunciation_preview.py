"""How a voice says a text: numbers and signs in words, then its dictionary."""

import asyncio
from dataclasses import dataclass

from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.voice_settings import Pronunciation
from deployments.conversation.spoken_text import spoken_text
from deployments.conversation.usage_estimates import split_request
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.text.language import detect_language


@dataclass(frozen=True, slots=True)
class SpokenPreview:
    """``spoken``: the sentences as the speech engine gets them."""

    language: str
    spoken: tuple[str, ...]


async def preview_pronunciations(
    text: str, voice: Voice, entries: tuple[Pronunciation, ...], language: str | None = None
) -> SpokenPreview:
    """``language`` None is detected from the text."""
    language = language or detect_language(text, voice.languages[0])
    parameters = VoiceParameters(voice, language, pronunciations=entries)
    return SpokenPreview(language, await asyncio.to_thread(_spoken, text, parameters))


def _spoken(text: str, parameters: VoiceParameters) -> tuple[str, ...]:
    pieces = split_request(SpeechRequest(text), parameters.language)
    return tuple(spoken for piece in pieces if (spoken := spoken_text(piece, parameters)))
