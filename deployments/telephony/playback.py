"""Speaking one utterance: text to chunks to frames to the line, each frame at its time."""

from collections.abc import AsyncGenerator
from typing import Protocol

from deployments.contracts.engines import Assistant
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.telephony.clock import Clock
from deployments.telephony.dialects import FRAME_MS, JsonObject
from deployments.telephony.frames import FrameCutter, FrameEvent, TextMark
from deployments.telephony.pacer import Pacer
from deployments.telephony.read_ahead import read_ahead
from deployments.telephony.utterance import Utterance


class LineClosed(Exception):
    """The other side is gone, or has stopped reading."""


class LineOutput(Protocol):
    """The way out. Both raise LineClosed."""

    async def send_message(self, message: JsonObject) -> None: ...

    async def send_frame(self, frame: bytes) -> None: ...


async def play_utterance(
    utterance: Utterance, assistant: Assistant, output: LineOutput, pacer: Pacer, clock: Clock, max_ahead_frames: int
) -> None:
    """Plays ``utterance`` and keeps its tally. At most ``ahead_frames`` wait, synthesised, for their time.

    Raises what the assistant raises, after the frames made before that, and LineClosed.
    """
    pacer.start_utterance()
    tally = utterance.stats
    frames = read_ahead(_frames(utterance, assistant), max_ahead_frames)
    async with Closing(frames):
        async for event in frames:
            if isinstance(event, TextMark):
                await _say(output, utterance.dialect.mark(utterance.id, event.text, tally.frames))
                continue
            await pacer.wait_until_due()
            await output.send_frame(event.audio)
            tally.frames += 1
            if tally.first_frame_s is None:
                tally.first_frame_s = clock.now() - utterance.requested_at
            tally.underruns, tally.longest_gap_s = pacer.underruns, pacer.longest_gap_s


async def _say(wire: LineOutput, message: JsonObject | None) -> None:
    if message is not None:
        await wire.send_message(message)


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
