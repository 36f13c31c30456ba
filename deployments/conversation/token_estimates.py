"""How many tokens a text has, estimated without a tokenizer: a door has none, and every model has another.

The costs are those of the demo model (SmolLM2, a vocabulary of 49,152 made for English), rounded up: models with a
larger vocabulary need fewer, above all for Cyrillic. A test compares them with the real tokenizer.
"""

import math
from collections import Counter

from deployments.contracts.chat import ChatMessage

_AROUND_A_MESSAGE = 8
"""Marks of a chat template: beginning, role, end."""

_LOWER_LATIN, _UPPER_LATIN, _DIGIT, _SPACE, _ASCII_SIGN = 0.27, 0.6, 1.25, 0.3, 0.9
_LOWER_CYRILLIC, _UPPER_CYRILLIC, _OTHER_BYTE = 0.95, 2.0, 1.1


def estimate_text_tokens(text: str) -> int:
    """The estimated number of tokens; rather too many than too few."""
    return math.ceil(sum(_cost(character) * count for character, count in Counter(text).items()))


def estimate_message_tokens(message: ChatMessage) -> int:
    """The same for a message, with what a chat template puts around it."""
    return _AROUND_A_MESSAGE + estimate_text_tokens(message.content)


def _cost(character: str) -> float:
    """Tokens per character. What is neither Latin nor Russian falls apart into bytes of UTF-8."""
    if character.isascii():
        return _ascii_cost(character)
    if "а" <= character <= "ё":
        return _LOWER_CYRILLIC
    if "А" <= character <= "Я" or character == "Ё":
        return _UPPER_CYRILLIC
    return _OTHER_BYTE * len(character.encode("utf-8", "surrogatepass"))


def _ascii_cost(character: str) -> float:
    if character.islower():
        return _LOWER_LATIN
    if character.isupper():
        return _UPPER_LATIN
    if character.isdigit():
        return _DIGIT
    return _SPACE if character.isspace() else _ASCII_SIGN
