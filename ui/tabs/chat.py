"""The chat of the user with the secretary, as streamed text and speech.

The office runs and stores the turns (``Dialogue``). This page only follows a running turn: the turn continues when the
user leaves the page, and a page that is opened during a turn shows the rest of it.
"""

import asyncio
import logging
import uuid
from functools import partial

from nicegui import background_tasks, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.running_turns import RunningTurn
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.events import SpeechReady, TurnFailed
from deployments.contracts.sessions import StoredMessage
from ui.components.bubbles import AnswerBubble, question_bubble, stored_answer_bubble
from ui.components.composer import Composer, ComposerState
from ui.components.language_notice import LanguageNotice
from ui.components.panel_answer import PanelAnswer
from ui.components.section import draw_empty_state
from ui.components.speech_player import SpeechPlayer
from ui.context import PanelContext, keep_tab_open

log = logging.getLogger(__name__)

SOURCE = TurnSource(SourceKind.ADMIN)
_NEWEST_MESSAGES = 200


async def show(panel: PanelContext) -> None:
    chat = ChatTab(panel)
    try:
        await chat.open()
        async with keep_tab_open():
            ui.timer(panel.refresh_interval_s, chat.notice.refresh)
    finally:
        chat.close()


class ChatTab:
    """The tab with the conversation. At most one answer is streaming."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._session_id = ""
        self._empty = True
        self._answering = False
        self._closed = False
        self._speech_id = ""
        """Id of the answer whose speech may be played."""
        self._speaking = False
        self._loading = asyncio.Lock()
        t = panel.t
        html.h1(t("nav.chat")).classes("visually-hidden")
        with html.div().classes("chat"):
            with html.div().classes("chat-bar"):
                self._speak = ui.switch(t("chat.speak"), value=True).props("dense").classes("speak-switch")
                ui.button(t("chat.new"), icon="add_comment", on_click=self._restart).props("flat dense no-caps")
            self.notice = LanguageNotice(panel)
            with html.div().classes("thread-scroll"):
                self._thread: ui.element = html.div().classes("thread").props(f'role=log aria-label="{t("nav.chat")}"')
            self._composer = Composer(t, self._ask, self._stop)
            self._player = SpeechPlayer(self._on_played, lambda: panel.toast(t("chat.blocked"), "info"))

    async def open(self) -> None:
        """Shows the stored conversation and follows a running turn."""
        try:
            await self._load(restart=False)
        except SecretaryError as error:
            self._panel.toast_error(error)

    def close(self) -> None:
        """Stops updating the page. A running turn continues in the office."""
        self._closed = True

    @property
    def _is_closed(self) -> bool:
        return self._closed or self._thread.is_deleted

    async def _load(self, *, restart: bool) -> None:
        async with self._loading:
            services, caller = self._panel.services, self._panel.session.identity
            load = services.conversations.restart if restart else services.conversations.open
            self._session_id = (await load(SOURCE, caller.username)).session_id
            turn = await services.dialogue.running_turn(caller, self._session_id)
            messages = await services.chats.newest_messages(caller, self._session_id, _NEWEST_MESSAGES)
            self._draw(_without_answer_of(turn, messages))
            if turn is not None:
                self._resume(turn)

    def _draw(self, messages: tuple[StoredMessage, ...]) -> None:
        t = self._panel.t
        self._empty = not messages
        self._thread.clear()
        with self._thread:
            for message in messages:
                if message.role == "user":
                    question_bubble(message.content, t)
                else:
                    stored_answer_bubble(message, t)
            if self._empty:
                draw_empty_state("forum", t("chat.empty"), t("chat.empty_hint"))

    async def _restart(self) -> None:
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
            await self._stop()
            await self._load(restart=True)
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def _ask(self, text: str) -> None:
        async with self._loading:
            pass  # a question that is sent while the conversation loads follows it
        if self._empty:
            self._thread.clear()
        self._empty = False
        self._stop_speech()
        with self._thread:
            question_bubble(text, self._panel.t)
        bubble = self._add_answer_bubble()
        self._speech_id = uuid.uuid4().hex
        background_tasks.create(self._answer(text, self._speech_id, bubble), name="chat turn")

    def _add_answer_bubble(self) -> AnswerBubble:
        self._answering = True
        self._composer.set_state(ComposerState.ANSWERING)
        with self._thread:
            return AnswerBubble(self._panel.t)

    def _resume(self, turn: RunningTurn) -> None:
        bubble = self._add_answer_bubble()
        background_tasks.create(self._follow(turn, PanelAnswer(), bubble), name="running chat turn")

    async def _answer(self, text: str, speech_id: str, bubble: AnswerBubble) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        on_speech = partial(self._play_speech, speech_id) if self._speak.value else None
        answer = PanelAnswer()
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
            turn = await services.dialogue.ask(
                services.assistant, caller, self._session_id, text, Overrides(), on_speech
            )
        except Exception as error:
            answer.failure = _failure(error)
            self._finish_answer(answer, bubble)
        else:
            await self._follow(turn, answer, bubble)

    async def _follow(self, turn: RunningTurn, answer: PanelAnswer, bubble: AnswerBubble) -> None:
        async for update in turn.watch():
            if self._is_closed:
                return
            if not isinstance(update, StoredMessage):
                answer.apply(update)
                bubble.draw(answer)
        answer.stopped = answer.finished is None and answer.failure is None
        self._finish_answer(answer, bubble)

    def _finish_answer(self, answer: PanelAnswer, bubble: AnswerBubble) -> None:
        self._answering = False
        if self._is_closed:
            return
        bubble.close(answer)
        if self._speaking:
            self._composer.set_state(ComposerState.SPEAKING)
            self._player.finish(self._speech_id)
        else:
            self._composer.set_state(ComposerState.IDLE)

    async def _stop(self) -> None:
        """Stops the speech and the running turn."""
        self._stop_speech()
        if not self._answering:
            self._composer.set_state(ComposerState.IDLE)
            return
        try:
            await self._panel.services.dialogue.stop(self._panel.session.identity, self._session_id)
        except SecretaryError as error:
            self._panel.toast_error(error)

    def _play_speech(self, speech_id: str, speech: SpeechReady) -> None:
        if self._is_closed or speech_id != self._speech_id:
            return
        try:
            self._player.enqueue(speech_id, speech.chunk)
            self._speaking = True
        except SecretaryError as error:
            self._stop_speech()
            self._panel.toast_error(error)

    def _stop_speech(self) -> None:
        if self._speaking:
            self._player.stop(self._speech_id)
        self._speaking = False
        self._speech_id = ""

    def _on_played(self, speech_id: str) -> None:
        if speech_id == self._speech_id:
            self._speaking = False
            self._composer.set_state(ComposerState.IDLE)


def _without_answer_of(turn: RunningTurn | None, messages: tuple[StoredMessage, ...]) -> tuple[StoredMessage, ...]:
    """``messages`` without the answer of the running ``turn``, which is drawn from its events."""
    if turn is None:
        return messages
    question_id = next(update.id for update in turn.updates if isinstance(update, StoredMessage))
    return tuple(message for message in messages if message.parent_id != question_id)


def _failure(error: Exception) -> TurnFailed:
    """The failure to show when a turn could not start. A Conflict means that a turn is running in another window. An
    exception that is no SecretaryError is logged, and its text is not shown."""
    if not isinstance(error, SecretaryError):
        log.error("a chat turn could not start", exc_info=error)
        return TurnFailed("internal_error", "", retryable=False, status=500)
    code = "answer_under_way" if isinstance(error, Conflict) else error.code
    return TurnFailed(code, error.message, error.retryable, error.status)
