"""Voice detection of live sessions: ``vad_worker.py`` in a worker process that all sessions of a replica share."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.contracts.audio import AudioFormat
from deployments.contracts.commands import install_command
from deployments.contracts.errors import EngineFailed, ModelMissing, Overloaded, SecretaryError, Unavailable
from deployments.engines.recognition.vad_worker import PACKAGE_MISSING
from deployments.isolation.errors import CallRefused, WorkerError, WorkerNotStarted, WorkerQueueFull
from deployments.isolation.frames import Header
from deployments.isolation.session_workers import SessionWorkers, WorkerSession
from deployments.isolation.spec import WorkerSpec

_TARGET = "deployments.engines.recognition.vad_worker:open_vad"
_DEADLINE_S = 20.0
_CANCEL_GRACE_S = 5.0
_REMEDY = install_command("vosk")


@dataclass(frozen=True, slots=True)
class DetectedSound:
    """PCM16 mono at 16 kHz, and the probability of speech of each of its frames of 32 milliseconds."""

    pcm: bytes
    speech: Sequence[float]


class VoiceDetection:
    """Started by the first session; ``stop`` ends its process."""

    def __init__(self, max_sessions: int, target: str = _TARGET) -> None:
        spec = WorkerSpec("vad", target, cancel_grace_s=_CANCEL_GRACE_S)
        self._workers = SessionWorkers(spec, 1, max_sessions)

    @property
    def pids(self) -> tuple[int, ...]:
        return self._workers.pids

    async def stop(self) -> None:
        await self._workers.stop()

    async def open(self, format: AudioFormat) -> "DetectionSession":
        """Raises Overloaded, EngineFailed, and ModelMissing when the package is not installed."""
        session = DetectionSession(self._workers, format)
        await session.open()
        return session


class DetectionSession:
    """One live session. When the process dies, the session goes on in the next one."""

    def __init__(self, workers: SessionWorkers, format: AudioFormat) -> None:
        self._workers = workers
        self._header: Header = {"rate": format.rate, "encoding": format.encoding.value}
        self._session: WorkerSession | None = None

    async def open(self) -> None:
        try:
            await self._workers.start()
            self._session = await self._workers.open(self._header, _DEADLINE_S)
        except WorkerError as error:
            raise _translated(error) from error

    async def feed(self, sound: bytes) -> DetectedSound:
        """The sound of whole frames. Raises EngineFailed."""
        return await self._call("feed", sound)

    async def finish(self) -> DetectedSound:
        """The rest of the sound."""
        return await self._call("finish", b"")

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            await session.close()
        except WorkerError:
            return

    async def _call(self, action: str, sound: bytes) -> DetectedSound:
        for attempt in (1, 2):
            assert self._session is not None
            try:
                header, pcm = await self._session.call({"do": action}, sound)
            except WorkerError as error:
                if attempt == 2:
                    raise _translated(error) from error
                await self.close()
                await self.open()
            else:
                speech = header.get("speech")
                return DetectedSound(pcm, speech if isinstance(speech, list) else ())
        raise EngineFailed("voice detection failed")


def _translated(error: WorkerError) -> SecretaryError:
    if isinstance(error, CallRefused) and error.code == PACKAGE_MISSING:
        return ModelMissing(f"{error.message}; run: {_REMEDY}", remedy=_REMEDY)
    if isinstance(error, WorkerQueueFull):
        return Overloaded("too many live sessions; try again in a moment", retry_after_s=5)
    if isinstance(error, WorkerNotStarted):
        return Unavailable("voice detection is stopping")
    return EngineFailed(f"voice detection failed: {error}")
