"""One live session over a websocket: sound in, events out.

The client sends ``start``, sound as binary messages, and ``end``. The server reads no further while four seconds of
sound are unheard, so that a fast client waits. A session ends with ``finished`` or ``error``, and the socket closes.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from deployments.api.hearing.messages import (
    MAX_MESSAGE_BYTES,
    EndListening,
    StartListening,
    event_message,
    parse_hearing_message,
)
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.speech import ListenRequest
from deployments.contracts.streams import Closing, until_failed

_BLOCK_S = 0.1
"""Sound is passed on in blocks of this length, or as it arrives when it arrives slowly."""
_AHEAD_S = 4.0


class SocketInput(Protocol):
    async def receive(self, timeout_s: float) -> str | bytes:
        """The next message. Raises TimeoutError, and the error of a socket that is closed."""
        ...


class SocketOutput(Protocol):
    async def send_message(self, message: Mapping[str, object]) -> None: ...


class Idle(Exception):
    """The client sent nothing for too long."""


@dataclass(frozen=True, slots=True)
class HearingSettings:
    """``start_timeout_s``: until ``start``. ``silent_s``: without a message. ``check_every_s`` seconds of sound lie
    between two calls of the check whether the session may go on."""

    start_timeout_s: float = 30.0
    silent_s: float = 60.0
    check_every_s: float = 5.0


async def wait_for_start(messages: SocketInput, settings: HearingSettings) -> ListenRequest:
    """Raises InvalidRequest for any other message, Idle when none comes."""
    try:
        first = await messages.receive(settings.start_timeout_s)
    except TimeoutError:
        raise Idle from None
    message = parse_hearing_message(first) if isinstance(first, str) else None
    if not isinstance(message, StartListening):
        raise InvalidRequest('begin with {"type": "start", …}; sound follows')
    return message.request()


class SocketHearing:
    """``check`` raises what ends the session: a revoked key, a used-up budget."""

    def __init__(
        self,
        assistant: Assistant,
        messages: SocketInput,
        output: SocketOutput,
        settings: HearingSettings,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self._assistant = assistant
        self._messages = messages
        self._output = output
        self._settings = settings
        self._check = check
        self._sound = bytearray()
        self._ended = False
        self._changed = asyncio.Condition()

    async def run(self, request: ListenRequest) -> None:
        """Returns when all of the sound was heard. Raises what ends the session: SecretaryError, Idle, and the errors
        of a closed socket."""
        receiving = asyncio.create_task(self._receive(request))
        try:
            events = self._assistant.listen(request, self._blocks(request))
            async with Closing(until_failed(events, receiving)) as heard, Closing(events):
                async for event in heard:
                    await self._output.send_message(event_message(event))
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self, request: ListenRequest) -> None:
        """Reads messages until ``end``, then until the socket is closed."""
        ahead = request.format.size(_AHEAD_S)
        checked, per_check = 0, request.format.size(self._settings.check_every_s)
        while True:
            try:
                message = await self._messages.receive(self._settings.silent_s)
            except TimeoutError:
                if self._ended:
                    continue
                raise Idle from None
            sound = self._sound_of(message)
            checked += len(sound)
            if checked >= per_check:
                checked = 0
                self._check()
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._sound) < ahead)
                self._sound += sound
                self._changed.notify_all()

    def _sound_of(self, message: str | bytes) -> bytes:
        """Raises InvalidRequest, TooLarge."""
        if isinstance(message, bytes):
            if self._ended:
                raise InvalidRequest("there can be no sound after end")
            if len(message) > MAX_MESSAGE_BYTES:
                raise TooLarge(f"a message may have at most {MAX_MESSAGE_BYTES} bytes")
            return message
        if not isinstance(parse_hearing_message(message), EndListening):
            raise InvalidRequest("this session has started already")
        self._ended = True
        return b""

    async def _blocks(self, request: ListenRequest) -> AsyncGenerator[bytes]:
        enough = request.format.size(_BLOCK_S)
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._sound) >= enough or self._ended)
                block = bytes(self._sound)
                self._sound.clear()
                self._changed.notify_all()
            if block:
                yield block
            elif self._ended:
                return
