"""Transcript formats of the OpenAI API: json, text, srt, vtt, verbose_json."""

from collections.abc import Iterator

from deployments.contracts.speech import TranscriptFinished, TranscriptSegment, Word
from deployments.text.language_names import english_name

Segments = list[TranscriptSegment]


def usage_fields(finished: TranscriptFinished) -> dict[str, object]:
    return {"type": "duration", "seconds": round(finished.seconds, 3)}


def json_fields(finished: TranscriptFinished) -> dict[str, object]:
    """``json``: text, the language that was spoken and usage."""
    fields: dict[str, object] = {
        "text": finished.text.strip(),
        "languages": _language_fields(finished),
        "usage": usage_fields(finished),
    }
    return fields | _unknown_fields(finished)


def verbose_json_fields(
    segments: Segments, finished: TranscriptFinished, granularities: frozenset[str], translate: bool
) -> dict[str, object]:
    """``verbose_json``: timestamps of segments, words or both; of segments by default."""
    body: dict[str, object] = {
        "task": "translate" if translate else "transcribe",
        "language": "english" if translate else english_name(finished.language),
        "duration": round(finished.seconds, 3),
        "text": finished.text.strip(),
        "usage": usage_fields(finished),
        **_unknown_fields(finished),
    }
    if "word" in granularities:
        body["words"] = [_word_fields(word) for segment in segments for word in segment.words]
    if "segment" in granularities or not granularities:
        body["segments"] = [_segment_fields(segment) for segment in segments]
    return body


def text_body(finished: TranscriptFinished) -> str:
    return finished.text.strip() + "\n"


def srt(segments: Segments) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    return "".join(
        f"{number}\n{_timestamp(s.start, ',')} --> {_timestamp(s.end, ',')}\n{_cue_text(s)}\n\n"
        for number, s in enumerate(segments, start=1)
    )


def vtt(segments: Segments) -> str:
    """WebVTT (W3C, 4.1)."""
    cues = (f"{_timestamp(s.start, '.')} --> {_timestamp(s.end, '.')}\n{_cue_text(s)}\n\n" for s in segments)
    return "WEBVTT\n\n" + "".join(cues)


class TranscriptDeltas:
    """Text deltas of segments; joined they are the whole text."""

    def __init__(self) -> None:
        self._started = False

    def text(self, segment: TranscriptSegment) -> str:
        piece = segment.text.strip()
        if not piece:
            return ""
        separator = " " if self._started else ""
        self._started = True
        return separator + piece


def delta_event(delta: str) -> dict[str, object]:
    return {"type": "transcript.text.delta", "delta": delta}


def done_event(finished: TranscriptFinished) -> dict[str, object]:
    return {"type": "transcript.text.done", **json_fields(finished)}


def _language_fields(finished: TranscriptFinished) -> list[dict[str, str]]:
    return [{"code": finished.language}] if finished.language else []


def _unknown_fields(finished: TranscriptFinished) -> dict[str, object]:
    """Keywords that cannot be heard; not in the OpenAI API."""
    return {"unknown_keywords": finished.unknown_words} if finished.unknown_words else {}


def _segment_fields(segment: TranscriptSegment) -> dict[str, object]:
    return {
        "id": segment.id,
        "seek": 0,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }


def _word_fields(word: Word) -> dict[str, object]:
    return {"word": word.text.strip(), "start": round(word.start, 3), "end": round(word.end, 3)}


def _cue_text(segment: TranscriptSegment) -> str:
    """The text of a cue without empty lines and ``-->``, which would end or start a cue."""
    return "\n".join(_lines(segment.text)).replace("-->", "->")


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.strip().splitlines() if line.strip())


def _timestamp(seconds: float, mark: str) -> str:
    minutes, milliseconds = divmod(round(max(0.0, seconds) * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
