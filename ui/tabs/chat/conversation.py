"""The open conversation: its messages, and the turn that is running.

The office runs and stores the turns (``Dialogue``). The page only follows a running turn: the turn continues when the
user leaves the page, and a page that is opened during a turn shows the rest of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import background_tasks

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.running_turns import RunningTurn
from deployments.contracts.chat import Overrides, SourceKind
from deployments.contracts.errors import SecretaryError
from deployments.contracts.sessions import StoredMessage, StoredSession
from deployments.contracts.speech import SpeechRequest
from ui.components.bubbles import AnswerBubble
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.panel_answer import PanelAnswer
from ui.components.quick_answer import QuickAnswer
from ui.components.spoken_text import SpokenText
from ui.context import PanelContext
from ui.tabs.chat.messages import MessageActions, MessageView, ThreadItem, thread_items, without_answer_of
from ui.tabs.chat.thread import Thread
from ui.tabs.chat.turn_speech import TurnSpeech, turn_failure

_STOP_AGAIN_S = 0.2
"""A turn that was stopped before it began is stopped again."""
_NEWEST_MESSAGES, _MORE_MESSAGES, _MOST_MESSAGES = 60, 200, 1_000
StartTurn = Callable[[], Awaitable[RunningTurn]]


class Conversation:
    """At most one answer is streaming. ``on_changed`` is awaited after the conversation was read; ``on_refused`` gets
    the text of a question that could not be asked."""

    def __init__(
        self,
        panel: PanelContext,
        speech: TurnSpeech,
        spoken: SpokenText,
        on_changed: Callable[[], Awaitable[None]],
        on_refused: Callable[[str], None],
    ) -> None:
        self._panel = panel
        self._speech = speech
        self._on_changed = on_changed
        self._on_refused = on_refused
        self.session: StoredSession | None = None
        self.answering = False
        self._closed = False
        self._bubble: AnswerBubble | None = None
        """The answer that is followed."""
        self._following: asyncio.Task[None] | None = None
        self._limit = _NEWEST_MESSAGES
        self._items: tuple[ThreadItem, ...] = ()
        self._live_answers: dict[int, PanelAnswer] = {}
        self._loading = asyncio.Lock()
        make = QuickAnswer(panel).open if panel.faq.can_change else None
        actions = MessageActions(self._edit, self._regenerate, self._delete, self._show_version, self._request, make)
        self._thread = Thread(panel, MessageView(panel, actions, spoken).draw, self._show_earlier)

    @property
    def can_write(self) -> bool:
        """A conversation of a bot or a widget is only read here: an answer would not reach the person."""
        return self.session is not None and self.session.source.kind is SourceKind.ADMIN

    def close(self) -> None:
        """Stops updating the page. A running turn continues in the office."""
        self._closed = True

    async def open(self, session_id: str, failed: PanelAnswer | None = None) -> None:
        """Shows a stored conversation and follows its running turn. ``failed`` is an answer that is not stored, and is
        shown at the end. Raises NotFound."""
        async with self._loading:
            if self.session is None or self.session.id != session_id:
                self._limit, self._live_answers = _NEWEST_MESSAGES, {}
            await self._read(session_id, failed)

    async def refresh(self) -> None:
        """Shows what was changed elsewhere."""
        if self.session is None or self.answering or self._loading.locked():
            return
        services, caller, before = self._panel.services, self._panel.session.identity, self.session
        now = await services.chats.get(caller, before.id)
        running = await services.dialogue.running_turn(caller, before.id)
        if (now != before or running) and not self.answering and self.session is before:
            await self.open(before.id)

    async def ask(self, text: str) -> None:
        """Asks a question at the end."""
        async with self._loading:
            pass  # a question that is sent while the conversation loads follows it
        services, caller, session_id = self._panel.services, self._panel.session.identity, self._require_session().id
        await self._run(
            text,
            self._items,
            lambda: services.dialogue.ask(
                *(services.assistant, caller, session_id, text, Overrides()), self._speech.begin()
            ),
        )

    async def stop(self) -> None:
        """Stops the running turn; its partial answer stays. Afterwards the next question can be asked, and is not
        stopped."""
        following = self._following
        while self.answering and self.session is not None and self._following is following:
            await self._panel.services.dialogue.stop(self._panel.session.identity, self.session.id)
            if following is None or following.done():
                return
            await asyncio.wait({following}, timeout=_STOP_AGAIN_S)

    def _require_session(self) -> StoredSession:
        assert self.session is not None, "open() comes first"
        return self.session

    async def _read(self, session_id: str, failed: PanelAnswer | None) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        turn = await services.dialogue.running_turn(caller, session_id)
        thread = await services.chats.thread(caller, session_id, self._limit)
        turns = await services.chats.turns(caller, session_id)
        if self._closed:
            return
        self.session = thread.session
        can_change = self.can_write and self._panel.can_change(AdminResource.CONVERSATIONS)
        items = thread_items(thread, turns, self._live_answers, self._panel.t, can_change=can_change)
        self._items = without_answer_of(turn, items)
        self._thread.show(self._items, has_earlier=len(thread.messages) >= self._limit)
        self._bubble = None
        if failed is not None:
            self._thread.begin_answer().close(failed)
        if turn is not None:
            self._bubble = bubble = self._thread.begin_answer()
            self._following = background_tasks.create(
                self._follow(turn, PanelAnswer(), bubble), name="running chat turn"
            )
        self._set_answering(turn is not None)
        await self._on_changed()

    async def _run(self, question: str, before: tuple[ThreadItem, ...], start: StartTurn) -> None:
        """Starts a turn after the messages ``before``. ``question`` is shown, unless it is the last of them."""
        if self.answering:
            return
        self._set_answering(True)
        self._thread.show(before, has_earlier=False)
        self._bubble = bubble = self._thread.begin_answer(question)
        self._following = background_tasks.create(self._answer(question, start, bubble), name="chat turn")

    async def _answer(self, question: str, start: StartTurn, bubble: AnswerBubble) -> None:
        answer = PanelAnswer()
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
            turn = await start()
        except Exception as error:
            answer.failure = turn_failure(error)
            if self._follows(bubble):
                self._set_answering(False)
                bubble.close(answer)
                self._on_refused(question)
        else:
            await self._follow(turn, answer, bubble)

    async def _follow(self, turn: RunningTurn, answer: PanelAnswer, bubble: AnswerBubble) -> None:
        stored: StoredMessage | None = None
        async for update in turn.watch():
            if not self._follows(bubble):
                return
            if isinstance(update, StoredMessage):
                stored = update
            else:
                answer.apply(update)
                bubble.draw(answer)
        if not self._follows(bubble):
            return
        answer.stopped = answer.finished is None and answer.failure is None
        if stored is not None and stored.role == "assistant":
            self._live_answers[stored.id] = answer
        self._set_answering(False)
        bubble.close(answer)
        self._speech.text_is_complete()
        await self._reload(answer if answer.failure else None)

    def _follows(self, bubble: AnswerBubble) -> bool:
        return bubble is self._bubble and not self._closed and not self._thread.is_deleted

    def _set_answering(self, answering: bool) -> None:
        self.answering = answering
        self._speech.show_state(answering)

    async def _reload(self, failed: PanelAnswer | None = None) -> None:
        try:
            await self.open(self._require_session().id, failed)
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def _edit(self, message: StoredMessage, text: str) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        await self._run(
            text,
            self._before(message.id),
            lambda: services.dialogue.edit(
                *(services.assistant, caller, message.session_id, message.id, text, Overrides()), self._speech.begin()
            ),
        )

    async def _regenerate(self, message: StoredMessage) -> None:
        services, caller = self._panel.services, self._panel.session.identity
        before = self._before(message.id) if message.role != "user" else self._items
        await self._run(
            "",
            before,
            lambda: services.dialogue.regenerate(
                *(services.assistant, caller, message.session_id, message.id, Overrides()), self._speech.begin()
            ),
        )

    async def _delete(self, message: StoredMessage) -> None:
        t = self._panel.t
        title, text = t("chat.delete_from_here"), t("chat.delete_from_here_text")
        if not await ask_confirmation(self._panel.client, title, text, t("common.delete"), t("common.cancel")):
            return
        await self._attempt(partial(self._panel.services.chats.remove_message, message_id=message.id))

    async def _show_version(self, message_id: int) -> None:
        await self._attempt(partial(self._panel.services.chats.switch_branch, message_id=message_id))

    async def _attempt(self, change: Callable[..., Awaitable[object]]) -> None:
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
            await change(self._panel.session.identity, self._require_session().id)
        except SecretaryError as error:
            self._panel.toast_error(error)
        await self._reload()

    async def _show_earlier(self) -> None:
        self._limit = min(self._limit + _MORE_MESSAGES, _MOST_MESSAGES)
        await self._reload()

    def _before(self, message_id: int) -> tuple[ThreadItem, ...]:
        index = next((n for n, item in enumerate(self._items) if item.message.id == message_id), len(self._items))
        return self._items[:index]

    def _request(self, message: StoredMessage) -> SpeechRequest:
        voice = self.session.overrides.voice_id if self.session else None
        return SpeechRequest(message.content, voice)
