"""Talking with the secretary: the microphone stays open, what is said becomes a question, the answer is spoken. Who
talks into an answer ends it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import (
    FinalTranscript,
    HearingEvent,
    ListeningStarted,
    PartialTranscript,
    SpeechEnded,
    SpeechStarted,
    TranscriptFailed,
)
from ui.components.live_ear import LiveEar
from ui.components.microphone_input import find_ear
from ui.context import PanelContext


class TalkState(StrEnum):
    OFF = "off"
    CONNECTING = "connecting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    PROBLEM = "problem"


_TEXTS = {
    TalkState.CONNECTING: "live.connecting",
    TalkState.LISTENING: "live.listening",
    TalkState.HEARING: "live.hearing",
    TalkState.THINKING: "live.thinking",
    TalkState.SPEAKING: "live.speaking",
}
_ICONS = {TalkState.THINKING: "more_horiz", TalkState.SPEAKING: "volume_up", TalkState.PROBLEM: "mic_off"}


@dataclass(frozen=True, slots=True)
class TalkActions:
    """``ask`` sends a question; ``interrupt`` ends the answer and its sound, and returns when the next can be asked."""

    ask: Callable[[str], Awaitable[None]]
    interrupt: Callable[[], Awaitable[None]]


class LiveTalk:
    """The bar above the input. ``follow`` tells it about the answer."""

    def __init__(self, panel: PanelContext, actions: TalkActions) -> None:
        self._panel = panel
        self._actions = actions
        self._state = TalkState.OFF
        self._hears = self._waits = self._answering = self._speaking = self._gives_words = False
        """``_waits`` for the words of an utterance that has ended."""
        t = panel.t
        with html.div().classes("live-talk") as self._bar:
            self._ear = LiveEar(panel, self._on_event, self._on_problem)
            with html.span().classes("live-level").props("aria-hidden=true"):
                self._icon = ui.icon("mic")
            with html.div().classes("live-texts"):
                self._status = ui.label().classes("live-status").props("role=status")
                self._words = ui.label().classes("live-words")
            self._again = ui.button(t("common.retry"), on_click=self.start).props("flat dense no-caps")
            self._end = ui.button(t("live.end"), on_click=self.stop).props("flat dense no-caps")
        self._bar.props["role"], self._bar.props["aria-label"] = "group", t("live.title")
        self._button: html.button | None = None
        self._show()

    def draw_button(self) -> None:
        """The button that begins and ends the talk."""
        with html.button(type="button").classes("icon-button live-button").on("click", self._press) as self._button:
            ui.icon("graphic_eq").props("aria-hidden=true")
        self._show()

    @property
    def is_on(self) -> bool:
        return self._state not in (TalkState.OFF, TalkState.PROBLEM)

    async def start(self) -> None:
        """Opens the microphone, or says why it cannot."""
        if self.is_on:
            return
        self._hears = self._waits = False
        try:
            self._panel.require_change(AdminResource.TRANSCRIPTS)
            self._panel.require_change(AdminResource.CONVERSATIONS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        try:
            ear = await find_ear(self._panel, "live")
        except SecretaryError:
            self._on_problem(self._panel.t("microphone.no_recognizer"))
            return
        self._gives_words = ear.gives_words
        self._put(TalkState.CONNECTING)
        self._ear.start(ear.language)

    def stop(self) -> None:
        """Releases the microphone. An answer that is spoken goes on."""
        self._ear.stop()
        self._put(TalkState.OFF)

    def follow(self, *, answering: bool, speaking: bool) -> None:
        """``answering`` until the text of the answer is complete, ``speaking`` while its sound plays."""
        self._answering, self._speaking = answering, speaking
        if self.is_on and self._state is not TalkState.CONNECTING:
            self._settle()

    async def _on_event(self, event: HearingEvent) -> None:
        match event:
            case ListeningStarted():
                self._settle()
            case SpeechStarted():
                await self._on_speech(interrupts=not self._gives_words)
            case PartialTranscript(text=text) if text:
                self._words.text = text
                await self._on_speech(interrupts=True)
            case SpeechEnded():
                self._hears, self._waits = False, True
                self._settle()
            case FinalTranscript(text=text):
                self._words.text = ""
                if text.strip():
                    await self._actions.interrupt()
                    await self._actions.ask(text.strip())
                self._waits = False
                self._settle()
            case TranscriptFailed():
                self._words.text, self._waits = self._panel.t("live.not_understood"), False
                self._settle()

    async def _on_speech(self, *, interrupts: bool) -> None:
        """Noise is no reason to end an answer: a recognizer that gives words has to hear one."""
        if interrupts and (self._answering or self._speaking):
            await self._actions.interrupt()
        self._hears, self._waits = True, False
        self._settle()

    def _on_problem(self, problem: str) -> None:
        self._put(TalkState.PROBLEM, problem)

    def _settle(self) -> None:
        if self._speaking:
            self._put(TalkState.SPEAKING)
        elif self._answering or self._waits:
            self._put(TalkState.THINKING)
        else:
            self._put(TalkState.HEARING if self._hears else TalkState.LISTENING)

    def _put(self, state: TalkState, problem: str = "") -> None:
        if self._bar.is_deleted:
            return
        self._state = state
        text = problem or self._panel.t(_TEXTS[state]) if state is not TalkState.OFF else ""
        if self._status.text != text:
            self._status.text = text
        if not self.is_on:
            self._words.text = ""
        self._show()

    def _show(self) -> None:
        problem = self._state is TalkState.PROBLEM
        self._bar.set_visibility(self._state is not TalkState.OFF)
        self._bar.props["data-state"] = str(self._state)
        self._icon.name = _ICONS.get(self._state, "mic")
        self._again.set_visibility(problem)
        self._end.text = self._panel.t("common.close" if problem else "live.end")
        if self._button is not None:
            label = self._panel.t("live.end" if self.is_on else "live.start")
            self._button.props["aria-label"] = self._button.props["title"] = label
            self._button.props["data-state"] = "on" if self.is_on else "off"

    async def _press(self) -> None:
        if self.is_on:
            self.stop()
        else:
            await self.start()
