"""Voice deployments that break off or fall silent in the middle of a text."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice

XTTS, PIPER, ESPEAK, OTHER = (Voice(name, name, name, ("ru",), 8_000) for name in ("xtts", "piper", "espeak", "other"))
LOADING = Unavailable("loading")


@dataclass
class Deployment:
    """Says a tenth of the text a chunk, 0.2 s each. ``breaks`` are raised after ``chunks`` chunks, one a call, and
    LOADING before the first; "stall" is silence from then on."""

    listed: tuple[Voice, ...]
    breaks: list[SecretaryError | str | None] = field(default_factory=list)
    chunks: int = 2
    chunk_delay_s: float = 0.0
    requests: list[SpeechRequest] = field(default_factory=list)
    open: int = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus:
        return EngineStatus("voice", "speech", "scripted", ready=True)

    def voices(self) -> tuple[Voice, ...]:
        return self.listed

    async def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        self.requests.append(request)
        ending = self.breaks.pop(0) if self.breaks else None
        self.open += 1
        try:
            for number in range(10):
                if ending is not None and number == (0 if ending is LOADING else self.chunks):
                    await self._end(ending)
                await asyncio.sleep(self.chunk_delay_s)
                text = "" if number else request.text
                yield SpeechChunk(bytes(3_200), PCM16_8K, text, number, spoken=(number + 1) / 10)
        finally:
            self.open -= 1

    async def _end(self, ending: SecretaryError | str) -> None:
        if isinstance(ending, SecretaryError):
            raise ending
        await asyncio.Event().wait()
