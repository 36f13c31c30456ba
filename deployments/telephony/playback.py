"""Plays one utterance: text to speech chunks to frames, each sent at its time."""

import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Protocol

from deployments.contracts.engines import Assistant
from deployments.contracts.errors import SecretaryError
from deployments.contracts.playout import Playout
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.contracts.timeouts import wait_for_event
from deployments.telephony.clock import Clock
from deployments.telephony.dialects import FRAME_MS, JsonObject
from deployments.telephony.frames import FrameCutter, FrameEvent, TextMark, VoiceChange
from deployments.telephony.frames_ahead import FramesAhead
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
    """Plays ``utterance`` and updates its stats. No more is synthesised while ``max_ahead_frames`` frames wait.

    Raises LineClosed, and errors of the assistant after the frames that were made before the error.
    """
    pacer.start_utterance()
    stats = utterance.stats
    async with Closing(
        FramesAhead(_UtteranceFrames(utterance, assistant, clock).batches(), max_ahead_frames)
    ) as frames:
        async for event in frames:
            if isinstance(event, TextMark):
                if event.cloned_voice:
                    assistant.find_voice(event.cloned_voice)  # refused when its consent was revoked meanwhile
                await _send_message(
                    output, utterance.dialect.mark(utterance.id, event.text, stats.frames, event.filler)
                )
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


class _UtteranceFrames:
    """The frames and marks of one utterance."""

    def __init__(self, utterance: Utterance, assistant: Assistant, clock: Clock) -> None:
        self._utterance = utterance
        self._assistant = assistant
        self._cutter = FrameCutter(utterance.format, FRAME_MS)
        self._playout = Playout(now=clock.now)

    async def batches(self) -> AsyncGenerator[list[FrameEvent]]:
        """Those of the filler, if the text is late, and of all pieces, as they are made."""
        try:
            async with Closing(self._filler()) as batches:
                async for batch in batches:
                    yield batch
            async with Closing(self._pieces()) as batches:
                async for batch in batches:
                    yield batch
        except Exception:
            yield self._cutter.finish()
            raise
        yield self._cutter.finish()

    async def _filler(self) -> AsyncGenerator[list[FrameEvent]]:
        """A filler that cannot be spoken does not fail the utterance."""
        filler, text = self._utterance.filler, self._utterance.text
        if filler is None or await wait_for_event(text.arrived, filler.after_s):
            return
        try:
            async with Closing(self._speak(filler.text, filler.language, split=True)) as batches:
                async for batch in batches:
                    yield [replace(each, filler=True) if isinstance(each, TextMark) else each for each in batch]
        except SecretaryError as error:
            log.warning("the filler was not spoken: %s", error)

    async def _pieces(self) -> AsyncGenerator[list[FrameEvent]]:
        text = self._utterance.text
        async with Closing(text.pieces()) as pieces:
            async for piece in pieces:
                async with Closing(self._speak(piece, self._utterance.language, not text.streamed)) as batches:
                    async for batch in batches:
                        yield batch

    async def _speak(self, text: str, language: str | None, split: bool) -> AsyncGenerator[list[FrameEvent]]:
        """Flushes at the end, because the next text may take long."""
        request = SpeechRequest(
            text,
            self._utterance.voice_id,
            language,
            self._utterance.speed,
            split=split,
            due_in=self._playout.due_in,
            line_format=self._utterance.format,
        )
        async with Closing(self._assistant.speak(request)) as chunks:
            async for chunk in chunks:
                self._playout.add(chunk.seconds)
                yield self._cutter.feed(chunk)
        yield self._cutter.flush()
