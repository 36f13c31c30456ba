"""Estimates token counts without a tokenizer, because doors have none.

The costs per character are those of SmolLM2 (an English vocabulary of 49,152 tokens), rounded up. Models with a larger
vocabulary need fewer tokens, especially for Cyrillic. A test compares the estimate with the tokenizer.
"""

import math
from collections import Counter

from deployments.contracts.chat import ChatMessage, ImagePart

_TOKENS_PER_MESSAGE = 8
"""Special tokens of a chat template: start, role, end."""

_LOWER_LATIN, _UPPER_LATIN, _DIGIT, _SPACE, _ASCII_SIGN = 0.27, 0.6, 1.25, 0.3, 0.9
_LOWER_CYRILLIC, _UPPER_CYRILLIC, _OTHER_BYTE = 0.95, 2.0, 1.1
MIN_TOKENS_PER_CHARACTER = _LOWER_LATIN
_IMAGE_TOKENS, _LOW_DETAIL_IMAGE_TOKENS = 1_000, 85
"""OpenAI counts 85 tokens for low detail and 765 to 1,105 for most photos, Anthropic up to 1,600."""


def estimate_text_tokens(text: str) -> int:
    """The estimated number of tokens in ``text``, rounded up."""
    return math.ceil(sum(_cost(character) * count for character, count in Counter(text).items()))


def estimate_message_tokens(message: ChatMessage) -> int:
    """The estimated number of tokens in ``message``, with the special tokens of its chat template, its images and its
    tool calls."""
    calls = sum(estimate_text_tokens(call.name + call.arguments) for call in message.tool_calls)
    images = sum(estimate_image_tokens(image) for image in message.images)
    return _TOKENS_PER_MESSAGE * (1 + len(message.tool_calls)) + estimate_text_tokens(message.content) + calls + images


def estimate_image_tokens(image: ImagePart) -> int:
    return _LOW_DETAIL_IMAGE_TOKENS if image.detail == "low" else _IMAGE_TOKENS


def _cost(character: str) -> float:
    """Tokens per character. Characters that are neither Latin nor Russian become UTF-8 byte tokens."""
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
