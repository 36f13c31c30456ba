"""Usage estimates for work that was cancelled, or whose engine reports no usage."""

from dataclasses import replace

from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import EngineFailed, EngineTimeout, SecretaryError
from deployments.contracts.speech import RecognitionRequest, SpeechRequest
from deployments.conversation.token_estimates import estimate_image_tokens
from deployments.text.sentences import split_sentences

_FIRST_PIECE_CHARS = 1_000
_CHARACTERS_PER_TOKEN = 4
_CHARACTERS_PER_SECOND = 15
"""Speech at speed 1, in Russian and in English."""
_BYTES_PER_SECOND = 16_000
"""An audio file of 128 kbit/s."""


def estimate_tokens(characters: int) -> int:
    """The number of tokens in ``characters`` characters of text."""
    return characters // _CHARACTERS_PER_TOKEN


def estimate_prompt_tokens(turn: ChatTurn) -> int:
    """The prompt tokens of ``turn`` with its tools and images."""
    characters = sum(len(message.content) for message in turn.messages)
    characters += sum(len(call.name) + len(call.arguments) for message in turn.messages for call in message.tool_calls)
    if turn.tools is not None:
        characters += sum(len(tool.name) + len(tool.description) + len(tool.parameters) for tool in turn.tools.tools)
    images = sum(estimate_image_tokens(image) for message in turn.messages for image in message.images)
    return estimate_tokens(characters) + images


def split_request(request: SpeechRequest, language: str | None) -> list[str]:
    """The pieces in which ``request`` is spoken. The first one may end at a clause, so that audio starts early."""
    return split_sentences(request.text, language, first_clause=True) if request.split else [request.text]


def estimate_first_piece_s(request: SpeechRequest) -> float:
    """Seconds of audio in the first piece: what an engine synthesises before its first chunk arrives."""
    pieces = split_request(replace(request, text=request.text[:_FIRST_PIECE_CHARS]), request.language)
    return len(pieces[0]) / _CHARACTERS_PER_SECOND / request.speed if pieces else 0.0


def estimate_recording_s(request: RecognitionRequest) -> float:
    """Seconds of audio in ``request``; for a file, whose length a door does not know, by its size."""
    if request.format is not None:
        return request.format.seconds(request.size)
    return min(request.max_seconds, request.size / _BYTES_PER_SECOND)


def is_rejection(error: SecretaryError) -> bool:
    """Whether ``error`` means that the engine rejected the request before it did any work."""
    return not isinstance(error, EngineFailed | EngineTimeout)
