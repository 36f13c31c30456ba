"""The chat: the signed-in person's running conversation with the secretary, read and heard as it comes.

The office asks, answers and stores (``Dialogue``); this page watches. Whoever leaves it finds the whole answer later,
and whoever comes back while it is being given goes on reading.
"""

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
            pass
    finally:
        chat.leave()


class ChatTab:
    """One page with the conversation. At most one answer is under way."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._session_id = ""
        self._empty = True
        self._answering = False
        self._left = False
        self._heard_id = ""
        """Names the answer whose sound may be heard now."""
        self._speaking = False
        t = panel.t
        html.h1(t("nav.chat")).classes("visually-hidden")
        with html.div().classes("chat"):
            with html.div().classes("chat-bar"):
                self._speak = ui.switch(t("chat.speak"), value=True).props("dense").classes("speak-switch")
                ui.button(t("chat.new"), icon="add_comment", on_click=self._restart).props("flat dense no-caps")
            with html.div().classes("thread-scroll"):
                self._thread: ui.element = html.div().classes("thread").props(f'role=log aria-label="{t("nav.chat")}"')
            self._composer = Composer(t, self._ask, self._stop)
            self._player = SpeechPlayer(self._heard, lambda: panel.toast(t("chat.blocked"), "info"))

    async def open(self) -> None:
        """Shows the stored conversation, and goes on with an answer that is being given."""
        try:
            await self._load(restart=False)
        except SecretaryError as error:
            self._panel.toast_error(error)

    def leave(self) -> None:
        """The person is gone: nobody hears or reads on here, the answer goes on without."""
        self._left = True

    @property
    def _gone(self) -> bool:
        return self._left or self._thread.is_deleted

    async def _load(self, *, restart: bool) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        load = services.conversations.restart if restart else services.conversations.open
        self._session_id = (await load(SOURCE, caller.username)).session_id
        turn = await services.dialogue.running_turn(caller, self._session_id)
        messages = await services.chats.newest_messages(caller, self._session_id, _NEWEST_MESSAGES)
        self._draw(_without_answer_of(turn, messages))
        if turn is not None:
            self._watch(turn)

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
        if self._empty:
            self._thread.clear()
        self._empty = False
        self._silence()
        with self._thread:
            question_bubble(text, self._panel.t)
        bubble = self._begin()
        self._heard_id = uuid.uuid4().hex
        background_tasks.create(self._answer(text, self._heard_id, bubble), name="answer in the panel")

    def _begin(self) -> AnswerBubble:
        self._answering = True
        self._composer.set_state(ComposerState.ANSWERING)
        with self._thread:
            return AnswerBubble(self._panel.t)

    def _watch(self, turn: RunningTurn) -> None:
        bubble = self._begin()
        background_tasks.create(self._follow(turn, PanelAnswer(), bubble), name="answer of an earlier visit")

    async def _answer(self, text: str, heard_id: str, bubble: AnswerBubble) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        hear = partial(self._hear, heard_id) if self._speak.value else None
        answer = PanelAnswer()
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
            turn = await services.dialogue.ask(services.assistant, caller, self._session_id, text, Overrides(), hear)
        except Exception as error:
            answer.failure = _refusal(error)
            self._settle(answer, bubble)
        else:
            await self._follow(turn, answer, bubble)

    async def _follow(self, turn: RunningTurn, answer: PanelAnswer, bubble: AnswerBubble) -> None:
        async for news in turn.watch():
            if self._gone:
                return
            if not isinstance(news, StoredMessage):
                answer.apply(news)
                bubble.draw(answer)
        answer.stopped = answer.finished is None and answer.failure is None
        self._settle(answer, bubble)

    def _settle(self, answer: PanelAnswer, bubble: AnswerBubble) -> None:
        self._answering = False
        if self._gone:
            return
        bubble.close(answer)
        if self._speaking:
            self._composer.set_state(ComposerState.SPEAKING)
            self._player.finish(self._heard_id)
        else:
            self._composer.set_state(ComposerState.IDLE)

    async def _stop(self) -> None:
        """Stops the text, then the voice; a second press is not needed for either."""
        self._silence()
        if not self._answering:
            self._composer.set_state(ComposerState.IDLE)
            return
        try:
            await self._panel.services.dialogue.stop(self._panel.session.identity, self._session_id)
        except SecretaryError as error:
            self._panel.toast_error(error)

    def _hear(self, heard_id: str, speech: SpeechReady) -> None:
        if self._gone or heard_id != self._heard_id:
            return
        try:
            self._player.enqueue(heard_id, speech.chunk)
            self._speaking = True
        except SecretaryError as error:
            self._silence()
            self._panel.toast_error(error)

    def _silence(self) -> None:
        if self._speaking:
            self._player.stop(self._heard_id)
        self._speaking = False
        self._heard_id = ""

    def _heard(self, heard_id: str) -> None:
        if heard_id == self._heard_id:
            self._speaking = False
            self._composer.set_state(ComposerState.IDLE)


def _without_answer_of(turn: RunningTurn | None, messages: tuple[StoredMessage, ...]) -> tuple[StoredMessage, ...]:
    """``messages`` up to the question of ``turn``: its answer is drawn as it comes."""
    if turn is None:
        return messages
    asked = next(news.id for news in turn.updates if isinstance(news, StoredMessage))
    return tuple(message for message in messages if message.parent_id != asked)


def _refusal(error: Exception) -> TurnFailed:
    """Why nothing was asked. The only conflict there is: an answer is under way, in another window. What is not of our
    tree stays general, its text is for the log."""
    if not isinstance(error, SecretaryError):
        log.error("a question in the panel broke", exc_info=error)
        return TurnFailed("internal_error", "", retryable=False, status=500)
    code = "answer_under_way" if isinstance(error, Conflict) else error.code
    return TurnFailed(code, error.message, error.retryable, error.status)
