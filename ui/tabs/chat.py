"""The chat: a question goes to the secretary as any door would send it, the answer is read and heard as it comes."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator

from nicegui import background_tasks, html, ui

from deployments.contracts.chat import ChatMessage, ChatTurn, Source, SourceKind
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import SpeechReady, TurnEvent, TurnFailed
from deployments.contracts.sessions import Conversation
from ui.context import Panel, until_left
from ui.parts.answer import Answer
from ui.parts.bubbles import AnswerBubble, question_bubble, stored_bubble
from ui.parts.composer import Composer, Pace
from ui.parts.section import empty
from ui.parts.speech_player import SpeechPlayer

log = logging.getLogger(__name__)

SOURCE = Source(SourceKind.ADMIN)


async def show(panel: Panel) -> None:
    chat = Chat(panel)
    try:
        await chat.open()
        async with until_left():
            pass
    finally:
        chat.leave()


class Chat:
    """One person's running conversation. At most one answer is under way."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._conversation: Conversation | None = None
        self._messages: list[ChatMessage] = []
        self._answering: asyncio.Task[None] | None = None
        self._turn_id = ""
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
        """Shows the stored conversation."""
        try:
            await self._load(restart=False)
        except SecretaryError as error:
            self._panel.toast_error(error)

    def leave(self) -> None:
        """The person is gone: nobody reads the rest of the answer."""
        if self._answering is not None:
            self._answering.cancel()

    async def _load(self, *, restart: bool) -> None:
        conversations = self._panel.services.conversations
        load = conversations.restart if restart else conversations.open
        self._conversation = await load(SOURCE, self._panel.session.username)
        self._messages = [m for m in self._conversation.messages if m.role != "system"]
        self._thread.clear()
        with self._thread:
            for message in self._messages:
                (question_bubble if message.role == "user" else stored_bubble)(message.content, self._panel.t)
            if not self._messages:
                empty("forum", self._panel.t("chat.empty"), self._panel.t("chat.empty_hint"))

    async def _restart(self) -> None:
        self._stop()
        try:
            await self._load(restart=True)
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def _ask(self, text: str) -> None:
        if not self._messages:
            self._thread.clear()
        self._silence()
        self._messages.append(ChatMessage("user", text))
        with self._thread:
            question_bubble(text, self._panel.t)
            bubble = AnswerBubble(self._panel.t)
        self._turn_id = uuid.uuid4().hex
        self._composer.show(Pace.ANSWERING)
        self._answering = background_tasks.create(self._answer(self._turn(), bubble), name="answer in the panel")

    def _turn(self) -> ChatTurn:
        return ChatTurn(
            turn_id=self._turn_id,
            source=SOURCE,
            messages=tuple(self._messages),
            session_id=self._conversation.session_id if self._conversation else None,
            speak=bool(self._speak.value),
            overrides=(self._conversation.overrides,) if self._conversation else (),
        )

    async def _answer(self, turn: ChatTurn, bubble: AnswerBubble) -> None:
        answer = Answer()
        try:
            await self._follow(turn, answer, bubble)
        except asyncio.CancelledError:
            answer.stopped = True
        except SecretaryError as error:
            answer.failure = TurnFailed(error.code, error.message, error.retryable, error.status)
        except Exception:
            log.exception("turn %s broke", turn.turn_id)
            answer.failure = TurnFailed("internal_error", "", retryable=False, status=500)
        finally:
            self._settle(turn, answer, bubble)

    async def _follow(self, turn: ChatTurn, answer: Answer, bubble: AnswerBubble) -> None:
        stream = self._panel.services.assistant.reply(turn)
        try:
            async for event in stream:
                answer.take(event)
                if isinstance(event, SpeechReady):
                    self._speaking = True
                    self._player.enqueue(turn.turn_id, event.chunk)
                else:
                    bubble.draw(answer)
        finally:
            await _close(stream)

    def _settle(self, turn: ChatTurn, answer: Answer, bubble: AnswerBubble) -> None:
        if answer.text:
            self._messages.append(ChatMessage("assistant", answer.text))
        if self._thread.is_deleted:
            return
        bubble.close(answer)
        if self._speaking and not answer.stopped:
            self._composer.show(Pace.SPEAKING)
            self._player.finish(turn.turn_id)
        else:
            self._composer.show(Pace.IDLE)

    def _stop(self) -> None:
        """Stops the text, then the voice; a second press is not needed for either."""
        self._silence()
        if self._answering is not None and not self._answering.done():
            self._answering.cancel()
        else:
            self._composer.show(Pace.IDLE)

    def _silence(self) -> None:
        if self._speaking:
            self._speaking = False
            self._player.silence(self._turn_id)

    def _heard(self, turn_id: str) -> None:
        if turn_id == self._turn_id:
            self._speaking = False
            self._composer.show(Pace.IDLE)


async def _close(stream: AsyncIterator[TurnEvent]) -> None:
    """Closing a stream early stops the work behind it."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
