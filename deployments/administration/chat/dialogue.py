"""Chat turns in stored conversations: ask, edit a question, regenerate an answer.

The question is stored before the turn is returned, the answer when it is complete. ``contracts.sessions`` documents
what is stored of an incomplete turn.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

from deployments.administration.chat.running_turns import RunningTurn, RunningTurns, turn_error
from deployments.administration.chat.sessions import chat_audit_event, get_unchanged_session, get_visible_session
from deployments.administration.chat.titles import build_title_turn, read_title, title_from_question
from deployments.administration.office.text_bounds import require_text
from deployments.contracts.chat import ChatMessage, ChatTurn, Overrides, SourceKind, TurnSource
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineFailed, InvalidRequest, NotFound, Unavailable
from deployments.contracts.events import AnswerMatched, SpeechReady, TextDelta, TurnEvent, TurnFailed, TurnFinished
from deployments.contracts.identity import Identity
from deployments.contracts.sessions import STOPPED_ROUTE, StoredMessage, StoredSession
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.streams import Closing
from storage.database import Database
from storage.unit_of_work import UnitOfWork

MAX_QUESTION_LENGTH = 100_000
"""Characters of one question."""
MAX_PROMPT_LENGTH = 50_000
_SOURCE = TurnSource(SourceKind.ADMIN)
_HISTORY = 200
"""How many messages before a question are read; the prompt limits them further by ``llm.history_tokens``."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The question of a turn: ``message`` if it is stored already, else ``content`` to be stored after
    ``parent_id``."""

    content: str
    parent_id: int | None
    message: StoredMessage | None = None
    edited: bool = False


SpeechCallback = Callable[[SpeechReady], None]
_Find = Callable[[UnitOfWork, StoredSession], Awaitable[_Question]]


class Dialogue:
    """Starts turns. Each method returns the running turn once its question is stored. Raises NotFound, InvalidRequest,
    ModelNotFound, Unavailable; Conflict while the conversation has a running turn; RateLimited, Overloaded."""

    def __init__(self, database: Database, running_turns: RunningTurns, snapshot: Callable[[], Snapshot]) -> None:
        self._database = database
        self._running = running_turns
        self._snapshot = snapshot

    async def ask(
        self,
        assistant: Assistant,
        caller: Identity,
        session_id: str,
        content: str,
        request: Overrides,
        on_speech: SpeechCallback | None = None,
    ) -> RunningTurn:
        """Asks a new question at the end of the current branch. With ``on_speech`` the answer is also synthesized and
        the callback receives the audio; it must not raise."""

        _require_question(content)

        async def find(work: UnitOfWork, session: StoredSession) -> _Question:
            return _Question(content, session.leaf_id)

        return await self._begin(assistant, caller, session_id, find, request, on_speech)

    async def edit(
        self,
        assistant: Assistant,
        caller: Identity,
        session_id: str,
        message_id: int,
        content: str,
        request: Overrides,
        on_speech: SpeechCallback | None = None,
    ) -> RunningTurn:
        """Asks an edited version of the question ``message_id`` on a new branch. Raises InvalidRequest for an
        answer."""

        _require_question(content)

        async def find(work: UnitOfWork, session: StoredSession) -> _Question:
            message = await _get_message(work, session_id, message_id)
            if message.role != "user":
                raise InvalidRequest("only a question can be edited; an answer can be regenerated", param="message_id")
            return _Question(content, message.parent_id, edited=True)

        return await self._begin(assistant, caller, session_id, find, request, on_speech)

    async def regenerate(
        self,
        assistant: Assistant,
        caller: Identity,
        session_id: str,
        message_id: int,
        request: Overrides,
        on_speech: SpeechCallback | None = None,
    ) -> RunningTurn:
        """Answers a question again on a new branch; ``message_id`` is the question or an answer to it."""

        async def find(work: UnitOfWork, session: StoredSession) -> _Question:
            message = await _get_message(work, session_id, message_id)
            if message.role != "user":
                parent_id = message.parent_id
                if parent_id is not None:
                    message = await _get_message(work, session_id, parent_id)
            if message.role != "user":
                raise InvalidRequest("this message answers no question", param="message_id")
            return _Question(message.content, message.parent_id, message)

        return await self._begin(assistant, caller, session_id, find, request, on_speech)

    async def running_turn(self, caller: Identity, session_id: str) -> RunningTurn | None:
        """The running turn whose question is stored, or None. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
        turn = self._running.get(session_id)
        return turn if turn is not None and turn.updates else None

    async def stop(self, caller: Identity, session_id: str) -> bool:
        """Stops the running turn and keeps its partial answer. Returns whether there was one. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
        return bool(await self._running.stop((session_id,), keep_partial=True))

    async def suggest_title(self, assistant: Assistant, caller: Identity, session_id: str) -> StoredSession:
        """Asks the model for a title and stores it. The old title stays when this raises: InvalidRequest for an empty
        conversation, Unavailable when it was stopped, Conflict when the conversation was changed meanwhile, and the
        errors of the model."""
        async with self._database.unit_of_work() as work:
            session = await get_visible_session(work, caller, session_id)
            messages = await work.messages.branch(session.leaf_id, 6)
        if not messages:
            raise InvalidRequest("this conversation has no messages yet")
        title = ""

        async def read(turn: RunningTurn) -> None:
            nonlocal title
            title = await read_title(assistant.reply(build_title_turn(session, messages)))

        await self._running.start(session_id, caller.username, read).wait_ended()
        if not title:
            raise Unavailable("the title was stopped before it was complete")
        async with self._database.unit_of_work() as work:
            session = await get_unchanged_session(work, caller, session_id, session.version)
            titled = await work.sessions.change(session_id, title, session.overrides)
            await work.audit.add(chat_audit_event(caller, "update", session_id))
            return titled

    async def _begin(
        self,
        assistant: Assistant,
        caller: Identity,
        session_id: str,
        find: _Find,
        request: Overrides,
        on_speech: SpeechCallback | None = None,
    ) -> RunningTurn:
        require_text(request.system_prompt or "", MAX_PROMPT_LENGTH, "system_prompt")
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)

        async def run_turn(running: RunningTurn) -> None:
            async with self._database.unit_of_work() as work:
                session = await get_visible_session(work, caller, session_id)
                question = await find(work, session)
                history = await work.messages.branch(question.parent_id, _HISTORY)
            turn = self._turn(session, history, question.content, request, speak=on_speech is not None)
            async with aclosing(_forward_speech(assistant.reply(turn), on_speech)) as events:
                message = question.message or await self._store_question(turn, question)
                running.add_update(message)
                await self._answer(running, turn, message, events)

        running = self._running.start(session_id, caller.username, run_turn)
        await running.wait_started()
        return running

    def _turn(
        self,
        session: StoredSession,
        history: tuple[StoredMessage, ...],
        content: str,
        request: Overrides,
        *,
        speak: bool,
    ) -> ChatTurn:
        earlier = tuple(ChatMessage(message.role, message.content) for message in history)
        return ChatTurn(
            turn_id=uuid4().hex,
            source=_SOURCE,
            messages=(*earlier, ChatMessage("user", content)),
            session_id=session.id,
            speak=speak,
            route=request.route,
            options=request.options,
            system_prompt=request.system_prompt,
            overrides=(session.overrides, *instance_overrides(self._snapshot(), session)),
        )

    async def _answer(
        self, running: RunningTurn, turn: ChatTurn, question: StoredMessage, events: AsyncIterator[TurnEvent]
    ) -> None:
        text: list[str] = []
        finished: TurnFinished | None = None
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    text.append(event.text)
                if isinstance(event, TextDelta | AnswerMatched):
                    running.add_update(event)
                elif isinstance(event, TurnFailed):
                    raise turn_error(event)
                elif isinstance(event, TurnFinished):
                    finished = event
        except asyncio.CancelledError:
            if running.keep_partial and "".join(text).strip():
                await self._store_answer(running, turn, question, "".join(text), None)
            raise
        if finished is None or not "".join(text).strip():
            raise EngineFailed("the answer ended before it was complete")
        await _run_to_end(self._store_answer(running, turn, question, "".join(text), finished))

    async def _store_answer(
        self, running: RunningTurn, turn: ChatTurn, question: StoredMessage, text: str, finished: TurnFinished | None
    ) -> None:
        """Stores the answer; without ``finished`` it is the partial answer of a stopped turn."""
        route = finished.route if finished else STOPPED_ROUTE
        async with self._database.unit_of_work() as work:
            await _require_session(work, question.session_id)
            stored = await work.messages.add(
                question.session_id, "assistant", text, parent_id=question.id, turn_id=turn.turn_id, route=route
            )
        running.add_update(stored)
        if finished:
            running.add_update(finished)

    async def _store_question(self, turn: ChatTurn, question: _Question) -> StoredMessage:
        session_id = turn.session_id or ""
        async with self._database.unit_of_work() as work:
            await _require_session(work, session_id)
            stored = await work.messages.add(
                session_id,
                "user",
                question.content,
                parent_id=question.parent_id,
                turn_id=turn.turn_id,
                edited=question.edited,
            )
            await work.sessions.set_title_if_empty(session_id, title_from_question(question.content))
            return stored


def instance_overrides(snapshot: Snapshot, session: StoredSession) -> tuple[Overrides, ...]:
    """The overrides of the bot or widget that the conversation belongs to, in its current mode."""
    kind, instance_id = session.source.kind, session.source.instance_id
    if kind is SourceKind.TELEGRAM:
        return next((bot.overrides(session.mode) for bot in snapshot.bots if bot.id == instance_id), ())
    if kind is SourceKind.WIDGET:
        return tuple(widget.own_overrides for widget in snapshot.widgets if widget.id == instance_id)
    return ()


def _require_question(content: str) -> None:
    require_text(content, MAX_QUESTION_LENGTH, "content")
    if not content.strip():
        raise InvalidRequest("the question is empty", param="content")


async def _forward_speech(
    events: AsyncIterator[TurnEvent], on_speech: SpeechCallback | None
) -> AsyncGenerator[TurnEvent]:
    """Yields ``events`` without audio, which goes to ``on_speech``."""
    async with Closing(events) as opened:
        async for event in opened:
            if not isinstance(event, SpeechReady):
                yield event
            elif on_speech is not None:
                on_speech(event)


async def _run_to_end(work: Coroutine[None, None, None]) -> None:
    """Awaits ``work`` to its end even when the calling task is cancelled, so that an answer is stored once."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def _require_session(work: UnitOfWork, session_id: str) -> None:
    if await work.sessions.get(session_id) is None:
        raise NotFound("the conversation was deleted")


async def _get_message(work: UnitOfWork, session_id: str, message_id: int) -> StoredMessage:
    message = await work.messages.get(session_id, message_id)
    if message is None:
        raise NotFound("there is no such message in this conversation")
    return message
