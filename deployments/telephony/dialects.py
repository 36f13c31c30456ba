"""Server messages in two dialects: our protocol, and that of older clients. Pure functions."""

from typing import Protocol

from deployments.contracts.audio import AudioFormat, Substitution
from deployments.contracts.errors import SecretaryError
from deployments.telephony.playback_stats import PlaybackStats

FRAME_MS = 20

JsonObject = dict[str, str | int | float | bool | None]


class Dialect(Protocol):
    """Builds server messages. A method returns None when the dialect has no such message."""

    def started(self, id: str, format: AudioFormat) -> JsonObject | None: ...

    def mark(self, id: str, text: str, frame: int, filler: bool) -> JsonObject | None: ...

    def voice(self, id: str, substitution: Substitution | None, frame: int) -> JsonObject | None: ...

    def finished(self, id: str, stats: PlaybackStats, total_s: float) -> JsonObject | None: ...

    def cancelled(self, id: str, stats: PlaybackStats) -> JsonObject | None: ...

    def error(self, id: str | None, error: SecretaryError) -> JsonObject | None: ...


class NativeDialect:
    """The protocol of docs/phone-protocol.md."""

    def started(self, id: str, format: AudioFormat) -> JsonObject:
        return {
            "type": "started",
            "id": id,
            "format": format.encoding.value,
            "sample_rate": format.rate,
            "frame_ms": FRAME_MS,
            "frame_bytes": format.rate * FRAME_MS // 1000 * format.bytes_per_frame,
        }

    def mark(self, id: str, text: str, frame: int, filler: bool) -> JsonObject:
        message: JsonObject = {"type": "mark", "id": id, "frame": frame, "text": text}
        return {**message, "filler": True} if filler else message

    def voice(self, id: str, substitution: Substitution | None, frame: int) -> JsonObject:
        message: JsonObject = {"type": "voice", "id": id, "frame": frame, "substitute": substitution is not None}
        if substitution is not None:
            message |= {"engine": substitution.engine, "reason": substitution.reason}
        return message

    def finished(self, id: str, stats: PlaybackStats, total_s: float) -> JsonObject:
        return {
            "type": "finished",
            "id": id,
            "frames": stats.frames,
            "first_frame_ms": _ms(stats.first_frame_s),
            "total_ms": _ms(total_s),
            "underruns": stats.underruns,
            "longest_gap_ms": _ms(stats.longest_gap_s),
            "substitutions": stats.substitutions,
        }

    def cancelled(self, id: str, stats: PlaybackStats) -> JsonObject:
        return {"type": "cancelled", "id": id, "frames": stats.frames}

    def error(self, id: str | None, error: SecretaryError) -> JsonObject:
        message: JsonObject = {
            "type": "error",
            "code": error.code,
            "message": error.message,
            "retryable": error.retryable,
        }
        if error.retryable and error.retry_after_s is not None:
            message["retry_after_s"] = error.retry_after_s
        return {**message, "id": id} if id is not None else message


class ReferenceDialect:
    """The protocol of older clients: one message before the audio, one after it, or an error; no ids."""

    def started(self, id: str, format: AudioFormat) -> JsonObject:
        return {"status": "starting", "sample_rate": format.rate}

    def mark(self, id: str, text: str, frame: int, filler: bool) -> None:
        return None

    def voice(self, id: str, substitution: Substitution | None, frame: int) -> None:
        return None

    def finished(self, id: str, stats: PlaybackStats, total_s: float) -> JsonObject:
        return {
            "done": True,
            "first_chunk_ms": _ms(stats.first_frame_s),
            "total_ms": _ms(total_s),
            "chunks": stats.frames,
        }

    def cancelled(self, id: str, stats: PlaybackStats) -> JsonObject:
        return {"error": "cancelled"}

    def error(self, id: str | None, error: SecretaryError) -> JsonObject:
        return {"error": error.message}


NATIVE = NativeDialect()
REFERENCE = ReferenceDialect()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
