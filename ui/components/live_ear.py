"""Hears the microphone of the browser while somebody speaks: its sound goes from the page to the recognizer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

from nicegui import background_tasks

from deployments.contracts.errors import RateLimited, SecretaryError
from deployments.contracts.speech import HearingEvent, ListenRequest
from deployments.contracts.streams import Closing
from ui.components.microphone_input import MicrophoneInput
from ui.context import PanelContext
from ui.error_messages import explain_error

log = logging.getLogger(__name__)

_BLOCKS_AHEAD = 40
"""Four seconds. What comes while the recognizer is further behind is lost."""
SILENT_S = 5.0
"""A page whose microphone is open and that sends nothing for so long is gone."""


class LiveEar:
    """Awaits ``on_event`` for each event, one after the other. Holds one of the live streams of the office while it
    hears. ``on_problem`` is called with a sentence when there is none left, or when the microphone or the recognizer
    failed; the microphone is released by then."""

    def __init__(
        self,
        panel: PanelContext,
        on_event: Callable[[HearingEvent], Awaitable[None]],
        on_problem: Callable[[str], None],
    ) -> None:
        self._panel = panel
        self._on_event = on_event
        self._on_problem = on_problem
        self._sound: asyncio.Queue[bytes] = asyncio.Queue(_BLOCKS_AHEAD)
        self._language: str | None = None
        self._session: asyncio.Task[None] | None = None
        self._microphone = MicrophoneInput(panel, filtered=True, timed=False)
        self._microphone.on("started", self._begin)
        self._microphone.on_sound(self._take)
        self._microphone.on_problem(self._fail)

    def start(self, language: str | None) -> None:
        """Asks the browser for the microphone; hearing begins with its first sound."""
        self._language = language
        self._microphone.talk()

    def stop(self) -> None:
        if self._session is not None:
            self._session.cancel()
            self._session = None
        if not self._microphone.is_deleted:
            self._microphone.cancel()

    def _begin(self) -> None:
        if self._session is None:
            self._sound = asyncio.Queue(_BLOCKS_AHEAD)
            self._session = background_tasks.create(self._listen(self._sound), name="live talk in the chat")

    def _take(self, block: bytes) -> None:
        if not self._sound.full():
            self._sound.put_nowait(block)

    def _fail(self, problem: str) -> None:
        self.stop()
        self._on_problem(problem)

    async def _listen(self, sound: asyncio.Queue[bytes]) -> None:
        services, t = self._panel.services, self._panel.t
        request = ListenRequest(language=self._language)
        problem = t("microphone.lost")
        try:
            with services.stream_slot():
                async with Closing(services.assistant.listen(request, _blocks(sound))) as events:
                    async for event in events:
                        await self._on_event(event)
        except RateLimited:
            problem = t("live.all_busy", limit=services.publisher.current.settings.limits.max_live_streams)
        except Exception as error:
            problem = explain_error(error, t)
            if not isinstance(error, SecretaryError):
                log.error("live talk in the chat failed", exc_info=error)
        self._session = None
        self._fail(problem)


async def _blocks(sound: asyncio.Queue[bytes]) -> AsyncGenerator[bytes]:
    """The blocks of ``sound`` until none comes for SILENT_S."""
    try:
        while True:
            async with asyncio.timeout(SILENT_S):
                block = await sound.get()
            yield block
    except TimeoutError:
        return
