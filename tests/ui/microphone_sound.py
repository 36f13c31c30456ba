"""What the microphone of the test browser hears, and an ear whose events a test tells."""

import asyncio
import math
import struct
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import pairwise
from pathlib import Path

from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import HearingEvent, ListeningStarted, ListenRequest
from deployments.contracts.streams import Closing

TONE_HERTZ = 300.0
_FILE_RATE = 48_000


def write_tone(path: Path) -> None:
    """A tone that swells four times a second, as speech does; the browser repeats it."""
    samples = [
        int(20_000 * math.sin(math.tau * TONE_HERTZ * n / _FILE_RATE) * math.sin(math.tau * 2 * n / _FILE_RATE))
        for n in range(_FILE_RATE)
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_FILE_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def crossings_per_second(pcm: bytes, rate: int = 16_000) -> float:
    """How often the sound changes its sign."""
    samples = [value for (value,) in struct.iter_unpack("<h", pcm)]
    return sum(a < 0 <= b for a, b in pairwise(samples)) / (len(samples) / rate)


class ToldEar:
    """A recognizer: ``tell`` adds an event, or an error that ends the session. ``sound`` is what it heard."""

    def __init__(self) -> None:
        self.requests: list[ListenRequest] = []
        self.sound = bytearray()
        self.ended = 0
        self._events: asyncio.Queue[HearingEvent | SecretaryError] = asyncio.Queue()

    def tell(self, *events: HearingEvent | SecretaryError) -> None:
        for event in events:
            self._events.put_nowait(event)

    async def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncGenerator[HearingEvent]:
        self.requests.append(request)
        hearing = asyncio.create_task(self._hear(audio))
        try:
            yield ListeningStarted("told", "told", "asked for")
            while True:
                event = await self._events.get()
                if isinstance(event, SecretaryError):
                    raise event
                yield event
        finally:
            self.ended += 1
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, audio: AsyncIterator[bytes]) -> None:
        async with Closing(audio) as blocks:
            async for block in blocks:
                self.sound += block
