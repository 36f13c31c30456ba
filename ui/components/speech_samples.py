"""Speaks texts on request, one at a time, and measures them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from nicegui import background_tasks, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from ui.components.speech_player import SpeechPlayer
from ui.context import PanelContext

_BLOCK_S = 1.0


@dataclass(frozen=True, slots=True)
class SpeechTimes:
    """``first_ms`` until the first sound; ``made_ms`` until the last one, which is at ``seconds`` of the sound."""

    first_ms: float
    made_ms: float
    seconds: float


class SpeechSamples:
    """Create one in each section of a page; its buttons are those of ``button``. A new sample stops the one before."""

    def __init__(self, panel: PanelContext, resource: AdminResource = AdminResource.VOICES) -> None:
        self._panel = panel
        self._resource = resource
        self._player = SpeechPlayer(self._on_played, lambda: panel.toast(panel.t("sample.blocked"), "info"))
        self._count = 0
        self._task: asyncio.Task[object] | None = None
        self._button: SampleButton | None = None
        self._done: asyncio.Event | None = None

    def button(self, label: str, request: Callable[[], SpeechRequest | None], text: str = "") -> "SampleButton":
        """A button that speaks what ``request`` returns, and stops it. With ``text`` it is not only an icon."""

        async def play(button: SampleButton) -> None:
            wanted = request()
            if wanted is not None:
                await self.speak(wanted, button)

        return SampleButton(self._panel, label, text, play, self.stop)

    def sound_button(
        self, label: str, sound: Callable[[], Awaitable[tuple[bytes, AudioFormat]]], text: str = ""
    ) -> "SampleButton":
        """A button that plays a recording."""

        async def play(button: SampleButton) -> None:
            try:
                pcm, audio_format = await sound()
            except SecretaryError as error:
                self._panel.toast_error(error)
                return
            await self._run(_blocks(pcm, audio_format), button)

        return SampleButton(self._panel, label, text, play, self.stop)

    async def speak(self, request: SpeechRequest, button: "SampleButton | None" = None) -> SpeechTimes | None:
        """Speaks a text to its end. None when it was stopped or failed; the error is shown."""
        try:
            self._panel.require_change(self._resource)
            chunks = self._panel.services.assistant.speak(request)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return None
        return await self._run(chunks, button)

    def stop(self) -> None:
        """Stops what is being spoken."""
        if self._task is not None:
            self._task.cancel()
        self._player.stop(str(self._count))
        self._settle()

    async def _run(self, chunks: AsyncIterator[SpeechChunk], button: "SampleButton | None") -> SpeechTimes | None:
        self.stop()
        self._count += 1
        self._button, self._done = button, asyncio.Event()
        done = self._done
        if button is not None:
            button.show("waiting")
        task = self._task = background_tasks.create(self._play(chunks, str(self._count)), name="speech sample")
        try:
            times: SpeechTimes = await task
        except asyncio.CancelledError:
            return None
        except SecretaryError as error:
            self._settle()
            self._panel.toast_error(error)
            return None
        await done.wait()
        return times

    async def _play(self, chunks: AsyncIterator[SpeechChunk], turn: str) -> SpeechTimes:
        began, first, seconds = time.perf_counter(), 0.0, 0.0
        async with Closing(chunks) as opened:
            async for chunk in opened:
                if self._player.is_deleted:
                    raise asyncio.CancelledError
                if not first and chunk.audio:
                    first = time.perf_counter() - began
                    if self._button is not None:
                        self._button.show("playing")
                seconds += chunk.seconds
                self._player.enqueue(turn, chunk)
        if not first:
            raise EngineFailed("Synthesis ended without any audio.")
        made = time.perf_counter() - began
        self._player.finish(turn)
        return SpeechTimes(first * 1_000, made * 1_000, seconds)

    def _on_played(self, turn: str) -> None:
        if turn == str(self._count):
            self._settle()

    def _settle(self) -> None:
        if self._button is not None:
            self._button.show("idle")
        self._button = None
        if self._done is not None:
            self._done.set()


class SampleButton:
    """``state``: idle, waiting (no sound yet) or playing."""

    def __init__(
        self,
        panel: PanelContext,
        label: str,
        text: str,
        play: Callable[["SampleButton"], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._panel, self._label, self._play, self._stop = panel, label, play, stop
        self._state = "idle"
        button = html.button(type="button").classes("sample-button" if text else "icon-button sample-icon")
        with button.on("click", self._press) as self.element:
            self._icon = ui.icon("play_arrow").props("aria-hidden=true")
            if text:
                html.span(text)
            else:
                ui.tooltip(label)
        self.show("idle")

    def show(self, state: str) -> None:
        self._state = state
        if self.element.is_deleted:
            return
        self._icon.name = {"idle": "play_arrow", "waiting": "hourglass_top", "playing": "stop"}[state]
        self.element.props["aria-label"] = self._label if state == "idle" else self._panel.t("sample.stop")
        self.element.props["data-state"] = state

    async def _press(self) -> None:
        if self._state == "idle":
            await self._play(self)
        else:
            self._stop()


async def _blocks(pcm: bytes, audio_format: AudioFormat) -> AsyncIterator[SpeechChunk]:
    size = audio_format.size(_BLOCK_S)
    for start in range(0, len(pcm), size):
        yield SpeechChunk(pcm[start : start + size], audio_format)
