"""What work is counted for when nobody says how much it was: it was cut off, or its engine does not count."""

from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import EngineFailed, EngineTimeout, SecretaryError
from deployments.contracts.speech import SpeechRequest
from deployments.text.sentences import split_sentences

_CHARACTERS_PER_TOKEN = 4
_CHARACTERS_PER_SECOND = 15
"""Of speech at normal speed, in Russian and in English."""


def estimate_tokens(characters: int) -> int:
    """How many tokens ``characters`` of text are counted as."""
    return characters // _CHARACTERS_PER_TOKEN


def estimate_prompt_tokens(turn: ChatTurn) -> int:
    """What a model that was asked to answer ``turn`` has read."""
    return estimate_tokens(sum(len(message.content) for message in turn.messages))


def split_request(request: SpeechRequest, language: str | None) -> list[str]:
    """The pieces in which ``request`` is spoken. The first one may end at a clause, so that audio starts early."""
    return split_sentences(request.text, language, first_clause=True) if request.split else [request.text]


def estimate_first_piece_s(request: SpeechRequest) -> float:
    """Seconds of sound in the first piece of a speech: what a voice is making until something is heard of it."""
    pieces = split_request(request, request.language)
    return len(pieces[0]) / _CHARACTERS_PER_SECOND / request.speed if pieces else 0.0


def is_rejection(error: SecretaryError) -> bool:
    """Whether an engine that ended with ``error`` had not taken the work on, so that it costs nothing."""
    return not isinstance(error, EngineFailed | EngineTimeout)
