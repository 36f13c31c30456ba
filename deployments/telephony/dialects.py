"""What the server answers, in our own words and in those of the reference system. Only maps; knows no socket."""

from typing import TYPE_CHECKING, Protocol

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import SecretaryError

if TYPE_CHECKING:
    from deployments.telephony.utterance import Tally

FRAME_MS = 20

Json = dict[str, str | int | float | bool | None]


class Dialect(Protocol):
    """Each method gives the message to send, or None when this dialect has no word for it."""

    def started(self, id: str, format: AudioFormat) -> Json | None: ...

    def mark(self, id: str, text: str, frame: int) -> Json | None: ...

    def finished(self, id: str, tally: "Tally", total_s: float) -> Json | None: ...

    def cancelled(self, id: str, tally: "Tally") -> Json | None: ...

    def error(self, id: str | None, error: SecretaryError) -> Json | None: ...


class Native:
    """docs/phone-protocol.md."""

    def started(self, id: str, format: AudioFormat) -> Json:
        return {
            "type": "started",
            "id": id,
            "format": format.encoding.value,
            "sample_rate": format.rate,
            "frame_ms": FRAME_MS,
            "frame_bytes": format.rate * FRAME_MS // 1000 * format.bytes_per_frame,
        }

    def mark(self, id: str, text: str, frame: int) -> Json:
        return {"type": "mark", "id": id, "frame": frame, "text": text}

    def finished(self, id: str, tally: "Tally", total_s: float) -> Json:
        return {
            "type": "finished",
            "id": id,
            "frames": tally.frames,
            "first_frame_ms": _ms(tally.first_frame_s),
            "total_ms": _ms(total_s),
            "underruns": tally.underruns,
            "longest_gap_ms": _ms(tally.worst_s),
        }

    def cancelled(self, id: str, tally: "Tally") -> Json:
        return {"type": "cancelled", "id": id, "frames": tally.frames}

    def error(self, id: str | None, error: SecretaryError) -> Json:
        answer: Json = {"type": "error", "code": error.code, "message": error.message, "retryable": error.retryable}
        return {**answer, "id": id} if id is not None else answer


class Reference:
    """One JSON before the sound, one after it, ``error`` alone when it fails; no ids."""

    def started(self, id: str, format: AudioFormat) -> Json:
        return {"status": "starting", "sample_rate": format.rate}

    def mark(self, id: str, text: str, frame: int) -> None:
        return None

    def finished(self, id: str, tally: "Tally", total_s: float) -> Json:
        return {
            "done": True,
            "first_chunk_ms": _ms(tally.first_frame_s),
            "total_ms": _ms(total_s),
            "chunks": tally.frames,
        }

    def cancelled(self, id: str, tally: "Tally") -> Json:
        return {"error": "cancelled"}

    def error(self, id: str | None, error: SecretaryError) -> Json:
        return {"error": error.message}


NATIVE = Native()
REFERENCE = Reference()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
