"""Plays one utterance: text to speech chunks to frames, each sent at its time."""

import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Protocol

from deployments.contracts.engines import Assistant
from deployments.contracts.errors import SecretaryError
from deployments.contracts.playout import Playout
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing, ReadAhead
from deployments.contracts.timeouts import wait_for_event
from deployments.telephony.clock import Clock
from deployments.telephony.dialects import FRAME_MS, JsonObject
from deployments.telephony.frames import FrameCutter, FrameEvent, TextMark, VoiceChange
from deployments.telephony.pacer import Pacer
from deployments.telephony.utterance import Utterance

log = logging.getLogger(__name__)


class LineClosed(Exception):
    """The client disconnected or stopped reading."""


class LineOutput(Protocol):
    """Sends to the client. Both methods raise LineClosed."""

    async def send_message(self, message: JsonObject) -> None: ...

    async def send_frame(self, frame: bytes) -> None: ...


async def play_utterance(
    utterance: Utterance, assistant: Assistant, output: LineOutput, pacer: Pacer, clock: Clock, max_ahead_frames: int
) -> None:
    """Plays ``utterance`` and updates its stats. At most ``max_ahead_frames`` frames are synthesised ahead of time.

    Raises LineClosed, and errors of the assistant after the frames that were made before the error.
    """
    pacer.start_utterance()
    stats = utterance.stats
    async with Closing(ReadAhead(_frames(utterance, assistant, clock), max_ahead_frames)) as frames:
        async for event in frames:
            if isinstance(event, TextMark):
                if event.cloned_voice:
                    assistant.find_voice(event.cloned_voice)  # refused when its consent was revoked meanwhile
                await _send_message(output, utterance.dialect.mark(utterance.id, event.text, stats.frames, event.filler))
                continue
            if isinstance(event, VoiceChange):
                stats.substitutions += event.substitution is not None
                await _send_message(output, utterance.dialect.voice(utterance.id, event.substitution, stats.frames))
                continue
            await pacer.wait_until_due()
            await output.send_frame(event.audio)
            stats.frames += 1
            if stats.first_frame_s is None:
                stats.first_frame_s = clock.now() - utterance.requested_at
            stats.underruns, stats.longest_gap_s = pacer.underruns, pacer.longest_gap_s


async def _send_message(wire: LineOutput, message: JsonObject | None) -> None:
    if message is not None:
        await wire.send_message(message)


async def _frames(utterance: Utterance, assistant: Assistant, clock: Clock) -> AsyncGenerator[FrameEvent]:
    """Frames of the filler, if the text is late, and of all pieces. Flushes after each piece, because the next one may
    take long."""
    cutter, line, filler = FrameCutter(utterance.format, FRAME_MS), Playout(now=clock.now), utterance.filler

    async def spoken(text: str, language: str | None, split: bool) -> AsyncGenerator[FrameEvent]:
        request = SpeechRequest(
            text,
            utterance.voice_id,
            language,
            utterance.speed,
            split=split,
            due_in=line.due_in,
            line_format=utterance.format,
        )
        async with Closing(assistant.speak(request)) as chunks:
            async for chunk in chunks:
                line.add(chunk.seconds)
                for event in cutter.feed(chunk):
                    yield event
        for event in cutter.flush():
            yield event

    try:
        if filler is not None and not await wait_for_event(utterance.text.arrived, filler.after_s):
            try:
                async with Closing(spoken(filler.text, filler.language, split=True)) as events:
                    async for event in events:
                        yield replace(event, filler=True) if isinstance(event, TextMark) else event
            except SecretaryError as error:
                log.warning("the filler was not spoken: %s", error)
        async with Closing(utterance.text.pieces()) as pieces:
            async for piece in pieces:
                async with Closing(spoken(piece, utterance.language, not utterance.text.streamed)) as events:
                    async for event in events:
                        yield event
    except Exception:
        for event in cutter.finish():
            yield event
        raise
    for event in cutter.finish():
        yield event
