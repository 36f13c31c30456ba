"""Speaking one utterance: text to chunks to frames to the line, each frame at its time."""

from collections.abc import AsyncGenerator
from typing import Protocol

from deployments.contracts.engines import Assistant
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.telephony.clock import Clock
from deployments.telephony.dialects import FRAME_MS, Json
from deployments.telephony.frames import FrameCutter, FrameEvent, Mark
from deployments.telephony.pacer import Pacer
from deployments.telephony.streams import read_ahead
from deployments.telephony.utterance import Utterance


class LineClosed(Exception):
    """The other side is gone, or has stopped reading."""


class Wire(Protocol):
    """The way out. Both raise LineClosed."""

    async def say(self, message: Json) -> None: ...

    async def play(self, frame: bytes) -> None: ...


async def speak(
    utterance: Utterance, assistant: Assistant, wire: Wire, pacer: Pacer, clock: Clock, ahead_frames: int
) -> None:
    """Plays ``utterance`` and keeps its tally. At most ``ahead_frames`` wait, synthesised, for their time.

    Raises what the assistant raises, after the frames made before that, and LineClosed.
    """
    pacer.begin()
    tally = utterance.tally
    frames = read_ahead(_frames(utterance, assistant), ahead_frames)
    async with Closing(frames):
        async for event in frames:
            if isinstance(event, Mark):
                await _say(wire, utterance.dialect.mark(utterance.id, event.text, tally.frames))
                continue
            await pacer.turn()
            await wire.play(event.audio)
            tally.frames += 1
            if tally.first_frame_s is None:
                tally.first_frame_s = clock.now() - utterance.asked_at
            tally.underruns, tally.worst_s = pacer.underruns, pacer.worst_s


async def _say(wire: Wire, message: Json | None) -> None:
    if message is not None:
        await wire.say(message)


async def _frames(utterance: Utterance, assistant: Assistant) -> AsyncGenerator[FrameEvent]:
    """Frames of all pieces. After each piece nothing is held back, because the next one may be long in coming."""
    cutter = FrameCutter(utterance.format, FRAME_MS)
    try:
        async with Closing(utterance.text.pieces()) as pieces:
            async for piece in pieces:
                request = SpeechRequest(piece, utterance.voice_id, utterance.language, utterance.speed)
                async with Closing(assistant.speak(request)) as chunks:
                    async for chunk in chunks:
                        for event in cutter.feed(chunk):
                            yield event
                for event in cutter.flush():
                    yield event
    except Exception:
        for event in cutter.finish():
            yield event
        raise
    for event in cutter.finish():
        yield event
