"""Text for XTTS: its languages, the longest text that it says well, and how a longer one is divided."""

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from deployments.text.sentences import split_sentences

CHARACTER_LIMITS = {
    "en": 250, "de": 253, "fr": 273, "es": 239, "it": 213, "pt": 203, "pl": 224, "zh": 82, "ar": 166, "cs": 186,
    "ru": 182, "nl": 251, "tr": 226, "ja": 71, "hu": 224, "ko": 95, "hi": 150,
}  # fmt: skip
"""The seventeen languages of XTTS v2 and the limits of its tokenizer (coqui-tts, VoiceBpeTokenizer.char_limits)."""

_NEEDED_PACKAGES = {"zh": "pypinyin", "ja": "cutlet", "ko": "ko_speech_tools"}
_WITHOUT_SPACES = ("zh", "ja")
_CLAUSE_MARK = re.compile(r"(?<=[。！？；，、!?;,])")
_MARKUP = re.compile(r"[\[\]\x00-\x1f\x7f]+")


def installed_languages() -> tuple[str, ...]:
    """The languages of XTTS v2 whose packages are installed."""
    return tuple(
        tag for tag in CHARACTER_LIMITS if tag not in _NEEDED_PACKAGES or find_spec(_NEEDED_PACKAGES[tag]) is not None
    )


def split_text(text: str, language: str, count_tokens: Callable[[str], int], max_tokens: int) -> list[str]:
    """Pieces that the model says well and that have fewer than ``max_tokens`` tokens, cut at sentences and clauses
    where possible. Square brackets, which are tokens of the model, become spaces."""
    plain = " ".join(_MARKUP.sub(" ", text).split())
    limit = CHARACTER_LIMITS[language]
    if language in _WITHOUT_SPACES:
        pieces = _pack(_CLAUSE_MARK.split(plain), limit)
    else:
        pieces = split_sentences(plain, language if language in ("ru", "en") else None, max_chars=limit)
    return [part for piece in pieces for part in _shorter(piece, count_tokens, max_tokens)]


def _pack(clauses: list[str], limit: int) -> list[str]:
    """Joins clauses up to ``limit`` characters, and cuts those that are longer."""
    pieces = [""]
    for clause in clauses:
        for start in range(0, len(clause), limit):
            part = clause[start : start + limit]
            if len(pieces[-1]) + len(part) > limit:
                pieces.append("")
            pieces[-1] += part
    return [piece for piece in pieces if piece.strip()]


def _shorter(text: str, count_tokens: Callable[[str], int], max_tokens: int) -> Iterator[str]:
    if count_tokens(text) < max_tokens or len(text) < 2:
        yield text
        return
    middle = text.rfind(" ", 1, len(text) // 2 + 1)
    cut = middle if middle > 0 else len(text) // 2
    for half in (text[:cut].strip(), text[cut:].strip()):
        if half:
            yield from _shorter(half, count_tokens, max_tokens)
