"""Words and phrases that a caller expects, for an engine that offers several texts of one sound."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from deployments.engines.recognition.word_changes import bare_word

_BONUS = 4.0
_MOST_BONUSES = 5


class HotWords:
    """Only whole words count; case and the difference between е and ё do not."""

    def __init__(self, phrases: Iterable[str]) -> None:
        spoken = (" ".join(filter(None, map(bare_word, phrase.split()))) for phrase in phrases)
        self._phrases = frozenset(f" {phrase} " for phrase in spoken if phrase)

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def bonus(self, words: Iterable[str]) -> float:
        """How much likelier the phrases in it make a text, as a natural logarithm. It is bounded."""
        text = f" {' '.join(map(bare_word, words))} "
        return _BONUS * min(_MOST_BONUSES, sum(phrase in text for phrase in self._phrases))


def likeliest(texts: Sequence[dict[str, Any]], hot_words: HotWords) -> list[dict[str, Any]]:
    """The words of the likeliest of Vosk's ``alternatives``. ``confidence`` is the logarithm of a likelihood.

    Vosk gives their words no ``conf``. Here it is the share of the texts with the word at that time, by likelihood.
    """
    scores = [text["confidence"] + hot_words.bonus(word["word"] for word in _words(text)) for text in texts]
    best = max(scores)
    shares = [math.exp(score - best) for score in scores]
    chosen = _words(texts[scores.index(best)])
    return [{**word, "conf": _share_with(word, texts, shares) / sum(shares)} for word in chosen]


def spellings(word: str) -> tuple[str, ...]:
    """How a vocabulary may write ``word``: as it is, without capitals, with е for ё, with ё for one е."""
    bare = bare_word(word)
    with_yo = (bare[:index] + "ё" + bare[index + 1 :] for index, letter in enumerate(bare) if letter == "е")
    return (word, word.casefold(), bare, *with_yo)


def _words(text: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = text.get("result", [])
    return found


def _share_with(word: dict[str, Any], texts: Sequence[dict[str, Any]], shares: Sequence[float]) -> float:
    rated = zip(texts, shares, strict=True)
    return sum(share for text, share in rated if any(_same(word, each) for each in _words(text)))


def _same(word: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(word["word"] == other["word"] and word["start"] < other["end"] and other["start"] < word["end"])
