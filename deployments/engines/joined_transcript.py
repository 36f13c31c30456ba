"""Joins the transcripts of consecutive windows of one recording."""

from dataclasses import replace

from deployments.contracts.speech import TranscriptFinished, TranscriptSegment


class JoinedTranscript:
    """The transcript of the windows so far. ``language`` is that of the first window with speech, else ""."""

    def __init__(self) -> None:
        self.language = ""
        self._texts: list[str] = []
        self._seconds = 0.0
        self._segments = 0
        self._last: TranscriptFinished | None = None

    def shifted(self, segment: TranscriptSegment) -> TranscriptSegment:
        """``segment`` of the current window, numbered and timed within the recording."""
        start, number = self._seconds, self._segments
        self._segments += 1
        if not start and segment.id == number:
            return segment
        words = tuple(replace(word, start=word.start + start, end=word.end + start) for word in segment.words)
        return replace(segment, id=number, start=segment.start + start, end=segment.end + start, words=words)

    def add(self, window: TranscriptFinished) -> None:
        """Ends the current window."""
        if window.text:
            self._texts.append(window.text)
            self.language = self.language or window.language
        self._seconds += window.seconds
        self._last = window

    @property
    def finished(self) -> TranscriptFinished | None:
        """The whole transcript; None when no window has ended."""
        if self._last is None:
            return None
        language = self.language or self._last.language
        return replace(self._last, text=" ".join(self._texts), language=language, seconds=self._seconds)
