"""Stored conversations: list, read, change, delete, and talk in them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from deployments.administration.chat.dialogue import Dialogue
from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.chat.sessions import ChatSessions, ChatThread, SessionFilter
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
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_identity import Caller
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import NotFound
from deployments.contracts.sessions import StoredSession

_LARGEST_ID = 2**31 - 1

Search = Annotated[str, Query(max_length=200, description="Words of the title")]


def chat_router(chats: ChatSessions, dialogue: Dialogue, assistant: Assistant) -> APIRouter:
    router = APIRouter(prefix="/chat", tags=["chat"])
    _add_sessions(router, chats)
    _add_branches(router, chats)
    _add_talk(router, dialogue, assistant)
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
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> SessionList:
        """The last used first."""
        wanted = SessionFilter(source, source_id, owner, search)
        found, total = await chats.page(caller, wanted, limit, offset)
        summaries = [SessionSummaryReply.of(session) for session in found]
        sessions = _grouped(summaries) if group_by else summaries
        return SessionList(sessions=sessions, grouped=group_by is not None, total=total, limit=limit, offset=offset)

    @router.post("/sessions")
    async def create(caller: Caller, response: Response, body: NewSessionBody | None = None) -> SessionReply:
        """Begins a conversation; the body may be left out."""
        wanted = body or NewSessionBody()
        source = TurnSource(SourceKind(wanted.source), wanted.source_id)
        created = await chats.create(caller, source, wanted.title or "", wanted.apply(Overrides()))
        return _reply(response, ChatThread(created, (), {}))

    @router.post("/sessions/bulk-delete")
    async def delete_many(body: SessionIdsBody, caller: Caller) -> DeletedCountReply:
        """Deletes those that exist for the caller."""
        return DeletedCountReply(deleted=await chats.remove(caller, tuple(body.session_ids)))

    @router.get("/sessions/{session_id}")
    async def read(session_id: str, caller: Caller, response: Response) -> SessionReply:
        """The conversation with the branch in view."""
        return _reply(response, await chats.thread(caller, session_id))

    @router.put("/sessions/{session_id}")
    async def change(
        session_id: str, body: SessionChangeBody, caller: Caller, response: Response, version: IfMatch
    ) -> SessionReply:
        """Changes the fields that are given; null clears one."""
        title = (body.title or "") if "title" in body.model_fields_set else None
        await chats.change(caller, session_id, required_version(version, body.version), title=title, edit=body.apply)
        return _reply(response, await chats.thread(caller, session_id))

    @router.delete("/sessions/{session_id}")
    async def delete(session_id: str, caller: Caller) -> SessionDeletedReply:
        """With messages, recordings and their files."""
        if not await chats.remove(caller, (session_id,)):
            raise NotFound("there is no such conversation")
        return SessionDeletedReply()

    @router.get("/sessions/{session_id}/export")
    async def export(
        session_id: str,
        caller: Caller,
        format_: Annotated[Literal["json", "txt", "md"], Query(alias="format")] = "json",
    ) -> Response:
        """The branch in view as a file."""
        return transcript_response(await chats.thread(caller, session_id), format_)


def _add_branches(router: APIRouter, chats: ChatSessions) -> None:
    @router.get("/sessions/{session_id}/branches")
    async def branches(session_id: str, caller: Caller) -> BranchList:
        """Every way through the conversation, the newest first."""
        return BranchList(branches=[BranchReply.of(branch) for branch in await chats.branches(caller, session_id)])

    @router.put("/sessions/{session_id}/branch")
    async def view(session_id: str, body: BranchChoiceBody, caller: Caller, response: Response) -> SessionReply:
        """Brings another branch into view: the newest one through the named message."""
        return _reply(response, await chats.switch_branch(caller, session_id, _number(body.leaf)))

    @router.delete("/sessions/{session_id}/messages/{message_id}")
    async def delete_message(session_id: str, message_id: str, caller: Caller) -> DeletedCountReply:
        """The message and everything after it on its branch."""
        return DeletedCountReply(deleted=await chats.remove_message(caller, session_id, _number(message_id)))


def _add_talk(router: APIRouter, dialogue: Dialogue, assistant: Assistant) -> None:
    @router.post("/sessions/{session_id}/messages")
    async def ask(session_id: str, body: QuestionBody, caller: Caller) -> ExchangeReply:
        """Asks and waits for the whole answer."""
        return await _exchanged(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stream", response_class=StreamingResponse)
    async def stream(session_id: str, body: QuestionBody, caller: Caller) -> StreamingResponse:
        """Asks; the answer comes as server-sent events. It is stored whether or not the client stays."""
        return event_stream(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stop")
    async def stop(session_id: str, caller: Caller) -> dict[str, bool]:
        """Ends the answer under way; what was said so far is kept."""
        return {"stopped": await dialogue.stop(caller, session_id)}

    @router.put("/sessions/{session_id}/messages/{message_id}", response_model=ExchangeReply)
    async def edit(
        session_id: str, message_id: str, body: QuestionBody, caller: Caller, stream: bool = False
    ) -> ExchangeReply | StreamingResponse:
        """Asks a question in other words, on a branch of its own, and answers it."""
        number = _number(message_id)
        turn = await dialogue.edit(assistant, caller, session_id, number, body.content, body.overrides())
        return event_stream(turn) if stream else await _exchanged(turn)

    @router.post("/sessions/{session_id}/messages/{message_id}/regenerate", response_model=ExchangeReply)
    async def regenerate(
        session_id: str, message_id: str, caller: Caller, body: AnswerOptionsBody | None = None, stream: bool = False
    ) -> ExchangeReply | StreamingResponse:
        """Answers a question again, beside the answers there are."""
        request = (body or AnswerOptionsBody()).overrides()
        turn = await dialogue.regenerate(assistant, caller, session_id, _number(message_id), request)
        return event_stream(turn) if stream else await _exchanged(turn)

    @router.post("/sessions/{session_id}/title")
    async def suggest_title(session_id: str, caller: Caller, response: Response) -> dict[str, str]:
        """Lets the model name the conversation."""
        session: StoredSession = await dialogue.suggest_title(assistant, caller, session_id)
        set_etag(response, session.version)
        return {"title": session.title}


async def _exchanged(turn: RunningTurn) -> ExchangeReply:
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


def _number(message_id: str) -> int:
    digits = message_id.removeprefix("msg_")
    if not digits.isdecimal() or len(digits) > 15 or int(digits) > _LARGEST_ID:
        raise NotFound("there is no such message in this conversation")
    return int(digits)
