"""Synthesis in the office, within its limit of live streams and until the client disconnects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response

from deployments.api.admin.speech.schemas import SynthesisBody
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.limits import StreamSlots
from deployments.api.speech_encoding import SpeechFileEncoder
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineFailed
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing


class OfficeSpeech:
    """Synthesizes texts for the admin API. ``stream_slot`` enforces ``limits.max_live_streams``."""

    def __init__(self, assistant: Assistant, snapshots: SnapshotSource, slots: StreamSlots) -> None:
        self.assistant = assistant
        self._snapshots = snapshots
        self._slots = slots

    @asynccontextmanager
    async def synthesize(self, body: SynthesisBody) -> AsyncIterator[AsyncIterator[SpeechChunk]]:
        """Yields the audio blocks of ``body.text``. Raises TooManyStreams, and what the assistant raises."""
        request = SpeechRequest(body.text, body.voice, body.language, preset=body.preset, parameters=body.parameters)
        async with self.stream_slot(), Closing(self.assistant.speak(request)) as chunks:
            yield chunks

    @asynccontextmanager
    async def stream_slot(self) -> AsyncIterator[None]:
        """Holds one of the live streams of the office. Raises TooManyStreams."""
        with self._slots.acquire(self._snapshots.current.settings.limits.max_live_streams):
            yield

    async def wav_response(self, body: SynthesisBody, request: Request) -> Response:
        """A WAV file. Headers give its duration, the synthesis time and the real-time factor."""
        began, seconds, file = perf_counter(), 0.0, SpeechFileEncoder("wav")
        async with CancelOnDisconnect(request.receive), self.synthesize(body) as chunks:
            async for chunk in chunks:
                seconds += chunk.seconds
                await file.feed(chunk)
        if not seconds:
            raise EngineFailed("Synthesis ended without any audio.")
        elapsed = perf_counter() - began
        headers = {
            "x-duration-sec": f"{seconds:.3f}",
            "x-synthesis-time-sec": f"{elapsed:.3f}",
            "x-rtf": f"{elapsed / seconds:.4f}",
        }
        return Response(await file.finish(), media_type="audio/wav", headers=headers)
