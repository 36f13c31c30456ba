"""Whether the text of a recognizer was spoken: a language model of speech invents words for clicks, breath and noise.

A recognizer passes each segment through ``TranscriptCheck``. A segment is dropped when the evidence is against it: it
starts after the sound, nobody could say so many letters in the time of the speech, the recognizer itself was unsure,
the text repeats itself, or it is a caption or credit of subtitles, which recognizers learned from films. What stays
lies within the sound, in order.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from deployments.contracts.speech import TranscriptSegment, Word

LETTERS_PER_SECOND = 22
"""A fast speaker says about 18 letters a second."""
_LETTERS_AT_ONCE = 3
"""More than the rate allows, for sounds of 0.1 seconds."""
_CLIPPED_S = 0.1
"""Seconds that voice detection cuts off at either end of speech."""
_SHORT_S = 2.0
_LEAST_LOGPROB, _LEAST_LOGPROB_SHORT = -1.5, -1.2
_NO_SPEECH, _NO_SPEECH_LOGPROB = 0.6, -0.8
_LOOP_RATIO = 2.4
"""Compression ratio above which Whisper takes its own text for a loop."""
_LOOP_LETTERS_PER_SECOND = 14
_REPEATED_SEGMENTS = 2
_REPEATED_ONE_WORD_SEGMENTS = 4

_WORD = re.compile(r"\w+")
_LOOP = re.compile(r"\b(\w.{4,80}?)(?:\W+\1\b){2,}")
_CAPTION = re.compile(r"[\[(*♪♫].*[\])*♪♫]")
_CAPITALS = re.compile(r"[А-ЯЁ]{6,}(?:[\s-]+[А-ЯЁ]+)*")
_CREDIT = re.compile(
    r"dimatorzok|amara\.org|редактор субтитров|корректор [а-яё]\.|субтитры (?:\w+ ){0,2}(?:сделал|созда|подогна|делал)"
    r"|(?:subtitles|captions|transcribed|transcription) by\b"
    r"|^(?:продолжение следует|спасибо за просмотр|(?:ставьте лайки?|подписывайтесь)\b.*"
    r"|thank(?:s| you)(?: very much| so much)? for watching|(?:please )?(?:like and )?subscribe\b.*)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """A part of a recording in which somebody speaks. Seconds from its start."""

    start: float
    end: float


class TranscriptCheck:
    """Checks the segments of one recording of ``seconds`` seconds, in order. ``spans`` are its parts with speech."""

    def __init__(self, seconds: float, spans: Sequence[SpeechSpan]) -> None:
        self._seconds = seconds
        self._spans = spans
        self._accepted: list[str] = []
        self._end = 0.0

    def accept(self, segment: TranscriptSegment) -> TranscriptSegment | None:
        """``segment`` with its place in the transcript and times within the sound, or None when nobody said it."""
        if segment.start >= self._seconds:
            return None
        start = min(max(segment.start, self._end), self._seconds)
        end = min(max(segment.end, start), self._seconds)
        speech_s = speech_seconds(self._spans, min(segment.start, start), end)
        text = " ".join(_WORD.findall(segment.text.casefold()))
        if any(rule(segment, speech_s) for rule in _RULES) or self._is_repeated(text):
            return None
        kept = replace(segment, id=len(self._accepted), start=start, end=end, words=_within(segment.words, start, end))
        self._accepted.append(text)
        self._end = end
        return kept

    def _is_repeated(self, text: str) -> bool:
        limit = _REPEATED_SEGMENTS if " " in text else _REPEATED_ONE_WORD_SEGMENTS
        return len(list(takewhile(lambda earlier: earlier == text, reversed(self._accepted)))) >= limit


def speech_seconds(spans: Sequence[SpeechSpan], start: float, end: float) -> float:
    """Seconds of speech between ``start`` and ``end``, with what voice detection cuts off."""
    return sum(max(0.0, min(span.end + _CLIPPED_S, end) - max(span.start - _CLIPPED_S, start, 0.0)) for span in spans)


def most_letters(speech_s: float) -> int:
    """Letters and digits that a person can say in ``speech_s`` seconds."""
    return _LETTERS_AT_ONCE + int(speech_s * LETTERS_PER_SECOND)


def _has_no_words(segment: TranscriptSegment, speech_s: float) -> bool:
    return not _letters(segment.text)


def _is_outside_speech(segment: TranscriptSegment, speech_s: float) -> bool:
    return speech_s <= 0


def _is_too_long(segment: TranscriptSegment, speech_s: float) -> bool:
    return _letters(segment.text) > most_letters(speech_s)


def _is_unsure(segment: TranscriptSegment, speech_s: float) -> bool:
    least = _LEAST_LOGPROB_SHORT if speech_s < _SHORT_S else _LEAST_LOGPROB
    no_speech = segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _NO_SPEECH_LOGPROB
    return segment.avg_logprob < least or no_speech


def _is_loop(segment: TranscriptSegment, speech_s: float) -> bool:
    text = segment.text.casefold()
    data = text.encode()
    if len(data) > _LOOP_RATIO * len(zlib.compress(data)):
        return True
    return bool(_LOOP.search(text)) and _letters(text) > _LOOP_LETTERS_PER_SECOND * speech_s


def _is_caption(segment: TranscriptSegment, speech_s: float) -> bool:
    text = segment.text.strip().rstrip(".!")
    return bool(_CAPTION.fullmatch(text) or _CAPITALS.fullmatch(text) or _CREDIT.search(text))


_RULES: tuple[Callable[[TranscriptSegment, float], bool], ...] = (
    _has_no_words,
    _is_outside_speech,
    _is_too_long,
    _is_unsure,
    _is_loop,
    _is_caption,
)


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _within(words: Sequence[Word], start: float, end: float) -> tuple[Word, ...]:
    """``words`` between ``start`` and ``end``, in order."""
    kept, earliest = [], start
    for word in words:
        begun = min(max(word.start, earliest), end)
        earliest = min(max(word.end, begun), end)
        kept.append(replace(word, start=begun, end=earliest))
    return tuple(kept)
