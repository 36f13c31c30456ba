"""Routes of stored conversations: list, read, change and delete them, and chat in them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response, StreamingResponse

from deployments.administration.chat.dialogue import Dialogue
from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.chat.sessions import AnsweredBy, ChatSessions, ChatThread, SessionFilter
from deployments.api.admin.chat.event_stream import event_stream
from deployments.api.admin.chat.schemas import (
    AnswerOptionsBody,
    BranchChoiceBody,
    BranchList,
    BranchReply,
    DeletedCountReply,
    ExchangeReply,
    MessageReply,
    NewSessionBody,
    QuestionBody,
    SessionChangeBody,
    SessionDeletedReply,
    SessionDetailReply,
    SessionIdsBody,
    SessionList,
    SessionReply,
    SessionSummaryReply,
    SourceName,
)
from deployments.api.admin.chat.transcripts import transcript_response
from deployments.api.admin.chat.turn_schemas import TurnList, TurnReply
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_identity import Caller
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import NotFound
from deployments.contracts.sessions import StoredSession

_MAX_MESSAGE_ID = 2**31 - 1

Search = Annotated[str, Query(max_length=200, description="Words of the title")]


def chat_router(chats: ChatSessions, dialogue: Dialogue, assistant: Assistant) -> APIRouter:
    router = APIRouter(prefix="/chat", tags=["chat"])
    _add_sessions(router, chats)
    _add_branches(router, chats)
    _add_turns(router, dialogue, assistant)
    return router


def _add_sessions(router: APIRouter, chats: ChatSessions) -> None:
    @router.get("/sessions")
    async def list_sessions(
        caller: Caller,
        group_by: Literal["source"] | None = None,
        source: SourceName | None = None,
        source_id: str | None = None,
        owner: str | None = None,
        search: Search = "",
        text: Annotated[str, Query(max_length=200, description="Words of the title or of messages")] = "",
        since: AwareDatetime | None = None,
        before: AwareDatetime | None = None,
        language: Annotated[str | None, Query(max_length=35, description="Language of a question")] = None,
        answered_by: Annotated[AnsweredBy | None, Query(description="What answered a question")] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> SessionList:
        """One page, the most recently used first. ``since`` and ``before`` bound the time of the last change."""
        filters = SessionFilter(source, source_id, owner, search, text, since, before, language, answered_by)
        found, total = await chats.page(caller, filters, limit, offset)
        summaries = [SessionSummaryReply.of(session) for session in found]
        sessions = _grouped(summaries) if group_by else summaries
        return SessionList(sessions=sessions, grouped=group_by is not None, total=total, limit=limit, offset=offset)

    @router.post("/sessions")
    async def create(caller: Caller, response: Response, body: NewSessionBody | None = None) -> SessionReply:
        """Creates a conversation; the body is optional."""
        given = body or NewSessionBody()
        source = TurnSource(SourceKind(given.source), given.source_id)
        created = await chats.create(caller, source, given.title or "", given.apply(Overrides()))
        return _reply(response, ChatThread(created, (), {}))

    @router.post("/sessions/bulk-delete")
    async def delete_many(body: SessionIdsBody, caller: Caller) -> DeletedCountReply:
        """Deletes those of the conversations that the caller may see."""
        return DeletedCountReply(deleted=await chats.remove(caller, tuple(body.session_ids)))

    @router.get("/sessions/{session_id}")
    async def read(session_id: str, caller: Caller, response: Response) -> SessionReply:
        """The conversation with its current branch."""
        return _reply(response, await chats.thread(caller, session_id))

    @router.put("/sessions/{session_id}")
    async def change(
        session_id: str, body: SessionChangeBody, caller: Caller, response: Response, version: IfMatch
    ) -> SessionReply:
        """Changes the given fields; null clears a field."""
        title = (body.title or "") if "title" in body.model_fields_set else None
        await chats.change(caller, session_id, required_version(version, body.version), title=title, edit=body.apply)
        return _reply(response, await chats.thread(caller, session_id))

    @router.delete("/sessions/{session_id}")
    async def delete(session_id: str, caller: Caller) -> SessionDeletedReply:
        """Deletes the conversation with its messages and recordings."""
        if not await chats.remove(caller, (session_id,)):
            raise NotFound("there is no such conversation")
        return SessionDeletedReply()

    @router.get("/sessions/{session_id}/turns")
    async def turns(session_id: str, caller: Caller) -> TurnList:
        """What answered each turn of all branches, and when."""
        found = await chats.turns(caller, session_id)
        return TurnList(turns=[TurnReply.of(exchange) for exchange in found.values()])

    @router.get("/sessions/{session_id}/export")
    async def export(
        session_id: str,
        caller: Caller,
        format_: Annotated[Literal["json", "txt", "md"], Query(alias="format")] = "json",
    ) -> Response:
        """The current branch as a file."""
        return transcript_response(await chats.thread(caller, session_id), format_)


def _add_branches(router: APIRouter, chats: ChatSessions) -> None:
    @router.get("/sessions/{session_id}/branches")
    async def branches(session_id: str, caller: Caller) -> BranchList:
        """The branches of the conversation, newest first."""
        return BranchList(branches=[BranchReply.of(branch) for branch in await chats.branches(caller, session_id)])

    @router.put("/sessions/{session_id}/branch")
    async def view(session_id: str, body: BranchChoiceBody, caller: Caller, response: Response) -> SessionReply:
        """Makes the newest branch through the named message the current one."""
        return _reply(response, await chats.switch_branch(caller, session_id, _message_number(body.leaf)))

    @router.delete("/sessions/{session_id}/messages/{message_id}")
    async def delete_message(session_id: str, message_id: str, caller: Caller) -> DeletedCountReply:
        """Deletes the message and everything after it."""
        return DeletedCountReply(deleted=await chats.remove_message(caller, session_id, _message_number(message_id)))


def _add_turns(router: APIRouter, dialogue: Dialogue, assistant: Assistant) -> None:
    @router.post("/sessions/{session_id}/messages")
    async def ask(session_id: str, body: QuestionBody, caller: Caller) -> ExchangeReply:
        """Asks a question and returns the complete answer."""
        return await _exchange_reply(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stream", response_class=StreamingResponse)
    async def stream(session_id: str, body: QuestionBody, caller: Caller) -> StreamingResponse:
        """Asks a question and streams the answer as server-sent events. It is stored even if the client disconnects."""
        return event_stream(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stop")
    async def stop(session_id: str, caller: Caller) -> dict[str, bool]:
        """Stops the running turn and keeps its partial answer."""
        return {"stopped": await dialogue.stop(caller, session_id)}

    @router.put("/sessions/{session_id}/messages/{message_id}", response_model=ExchangeReply)
    async def edit(
        session_id: str, message_id: str, body: QuestionBody, caller: Caller, stream: bool = False
    ) -> ExchangeReply | StreamingResponse:
        """Asks an edited question on a new branch and answers it."""
        number = _message_number(message_id)
        turn = await dialogue.edit(assistant, caller, session_id, number, body.content, body.overrides())
        return event_stream(turn) if stream else await _exchange_reply(turn)

    @router.post("/sessions/{session_id}/messages/{message_id}/regenerate", response_model=ExchangeReply)
    async def regenerate(
        session_id: str, message_id: str, caller: Caller, body: AnswerOptionsBody | None = None, stream: bool = False
    ) -> ExchangeReply | StreamingResponse:
        """Answers a question again on a new branch."""
        request = (body or AnswerOptionsBody()).overrides()
        turn = await dialogue.regenerate(assistant, caller, session_id, _message_number(message_id), request)
        return event_stream(turn) if stream else await _exchange_reply(turn)

    @router.post("/sessions/{session_id}/title")
    async def suggest_title(session_id: str, caller: Caller, response: Response) -> dict[str, str]:
        """Stores a title that the model suggests."""
        session: StoredSession = await dialogue.suggest_title(assistant, caller, session_id)
        set_etag(response, session.version)
        return {"title": session.title}


async def _exchange_reply(turn: RunningTurn) -> ExchangeReply:
    question, answer = await turn.wait_stored()
    return ExchangeReply(message=MessageReply.of(question), response=MessageReply.of(answer))


def _reply(response: Response, thread: ChatThread) -> SessionReply:
    set_etag(response, thread.session.version)
    return SessionReply(session=SessionDetailReply.of_thread(thread.session, thread.messages, thread.versions))


def _grouped(sessions: list[SessionSummaryReply]) -> dict[str, list[SessionSummaryReply]]:
    groups: dict[str, list[SessionSummaryReply]] = {name: [] for name in (*SourceKind, "unknown")}
    for session in sessions:
        groups[session.source].append(session)
    return groups


def _message_number(message_id: str) -> int:
    digits = message_id.removeprefix("msg_")
    if not digits.isdecimal() or len(digits) > 15 or int(digits) > _MAX_MESSAGE_ID:
        raise NotFound("there is no such message in this conversation")
    return int(digits)
