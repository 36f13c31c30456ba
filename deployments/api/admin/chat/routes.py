"""Stored conversations: list, read, change, delete, and talk in them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from deployments.administration.chats import Chats, SessionFilter, Thread
from deployments.administration.dialogue import Dialogue
from deployments.administration.turns import RunningTurn
from deployments.api.admin.chat.schemas import (
    BranchList,
    BranchReply,
    Deleted,
    Done,
    Exchanged,
    Leaf,
    MessageReply,
    NewSession,
    Question,
    SessionChange,
    SessionDetail,
    SessionIds,
    SessionList,
    SessionReply,
    SessionSummary,
    SourceName,
    Wishes,
)
from deployments.api.admin.chat.stream import event_stream
from deployments.api.admin.chat.transcripts import transcript
from deployments.api.admin.identity import Caller
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.revisions import IfMatch, expected, tag
from deployments.contracts.chat import Overrides, Source, SourceKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import NotFound
from deployments.contracts.sessions import StoredSession

_LARGEST_ID = 2**31 - 1

Search = Annotated[str, Query(max_length=200, description="Words of the title")]


def chat_router(chats: Chats, dialogue: Dialogue, assistant: Assistant) -> APIRouter:
    router = APIRouter(prefix="/chat", tags=["chat"])
    _add_sessions(router, chats)
    _add_branches(router, chats)
    _add_talk(router, dialogue, assistant)
    return router


def _add_sessions(router: APIRouter, chats: Chats) -> None:
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
        summaries = [SessionSummary.of(session) for session in found]
        sessions = _grouped(summaries) if group_by else summaries
        return SessionList(sessions=sessions, grouped=group_by is not None, total=total, limit=limit, offset=offset)

    @router.post("/sessions")
    async def create(caller: Caller, response: Response, body: NewSession | None = None) -> SessionReply:
        """Begins a conversation; the body may be left out."""
        wanted = body or NewSession()
        source = Source(SourceKind(wanted.source), wanted.source_id)
        created = await chats.create(caller, source, wanted.title or "", wanted.apply(Overrides()))
        return _reply(response, Thread(created, (), {}))

    @router.post("/sessions/bulk-delete")
    async def delete_many(body: SessionIds, caller: Caller) -> Deleted:
        """Deletes those that exist for the caller."""
        return Deleted(deleted=await chats.remove(caller, tuple(body.session_ids)))

    @router.get("/sessions/{session_id}")
    async def read(session_id: str, caller: Caller, response: Response) -> SessionReply:
        """The conversation with the branch in view."""
        return _reply(response, await chats.thread(caller, session_id))

    @router.put("/sessions/{session_id}")
    async def change(
        session_id: str, body: SessionChange, caller: Caller, response: Response, version: IfMatch
    ) -> SessionReply:
        """Changes the fields that are given; null clears one."""
        title = (body.title or "") if "title" in body.model_fields_set else None
        await chats.change(caller, session_id, expected(version, body.version), title=title, edit=body.apply)
        return _reply(response, await chats.thread(caller, session_id))

    @router.delete("/sessions/{session_id}")
    async def delete(session_id: str, caller: Caller) -> Done:
        """With messages, recordings and their files."""
        if not await chats.remove(caller, (session_id,)):
            raise NotFound("there is no such conversation")
        return Done()

    @router.get("/sessions/{session_id}/export")
    async def export(
        session_id: str,
        caller: Caller,
        format_: Annotated[Literal["json", "txt", "md"], Query(alias="format")] = "json",
    ) -> Response:
        """The branch in view as a file."""
        return transcript(await chats.thread(caller, session_id), format_)


def _add_branches(router: APIRouter, chats: Chats) -> None:
    @router.get("/sessions/{session_id}/branches")
    async def branches(session_id: str, caller: Caller) -> BranchList:
        """Every way through the conversation, the newest first."""
        return BranchList(branches=[BranchReply.of(branch) for branch in await chats.branches(caller, session_id)])

    @router.put("/sessions/{session_id}/branch")
    async def view(session_id: str, body: Leaf, caller: Caller, response: Response) -> SessionReply:
        """Brings another branch into view: the newest one through the named message."""
        return _reply(response, await chats.view(caller, session_id, _number(body.leaf)))

    @router.delete("/sessions/{session_id}/messages/{message_id}")
    async def delete_message(session_id: str, message_id: str, caller: Caller) -> Deleted:
        """The message and everything after it on its branch."""
        return Deleted(deleted=await chats.remove_message(caller, session_id, _number(message_id)))


def _add_talk(router: APIRouter, dialogue: Dialogue, assistant: Assistant) -> None:
    @router.post("/sessions/{session_id}/messages")
    async def ask(session_id: str, body: Question, caller: Caller) -> Exchanged:
        """Asks and waits for the whole answer."""
        return await _exchanged(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stream", response_class=StreamingResponse)
    async def stream(session_id: str, body: Question, caller: Caller) -> StreamingResponse:
        """Asks; the answer comes as server-sent events. It is stored whether or not the client stays."""
        return event_stream(await dialogue.ask(assistant, caller, session_id, body.content, body.overrides()))

    @router.post("/sessions/{session_id}/stop")
    async def stop(session_id: str, caller: Caller) -> dict[str, bool]:
        """Ends the answer under way; what was said so far is kept."""
        return {"stopped": await dialogue.stop(caller, session_id)}

    @router.put("/sessions/{session_id}/messages/{message_id}", response_model=Exchanged)
    async def edit(
        session_id: str, message_id: str, body: Question, caller: Caller, stream: bool = False
    ) -> Exchanged | StreamingResponse:
        """Asks a question in other words, on a branch of its own, and answers it."""
        number = _number(message_id)
        turn = await dialogue.edit(assistant, caller, session_id, number, body.content, body.overrides())
        return event_stream(turn) if stream else await _exchanged(turn)

    @router.post("/sessions/{session_id}/messages/{message_id}/regenerate", response_model=Exchanged)
    async def regenerate(
        session_id: str, message_id: str, caller: Caller, body: Wishes | None = None, stream: bool = False
    ) -> Exchanged | StreamingResponse:
        """Answers a question again, beside the answers there are."""
        request = (body or Wishes()).overrides()
        turn = await dialogue.regenerate(assistant, caller, session_id, _number(message_id), request)
        return event_stream(turn) if stream else await _exchanged(turn)

    @router.post("/sessions/{session_id}/title")
    async def suggest_title(session_id: str, caller: Caller, response: Response) -> dict[str, str]:
        """Lets the model name the conversation."""
        session: StoredSession = await dialogue.suggest_title(assistant, caller, session_id)
        tag(response, session.version)
        return {"title": session.title}


async def _exchanged(turn: RunningTurn) -> Exchanged:
    question, answer = await turn.finished()
    return Exchanged(message=MessageReply.of(question), response=MessageReply.of(answer))


def _reply(response: Response, thread: Thread) -> SessionReply:
    tag(response, thread.session.version)
    return SessionReply(session=SessionDetail.whole(thread.session, thread.messages, thread.versions))


def _grouped(sessions: list[SessionSummary]) -> dict[str, list[SessionSummary]]:
    groups: dict[str, list[SessionSummary]] = {name: [] for name in (*SourceKind, "unknown")}
    for session in sessions:
        groups[session.source].append(session)
    return groups


def _number(message_id: str) -> int:
    digits = message_id.removeprefix("msg_")
    if not digits.isdecimal() or len(digits) > 15 or int(digits) > _LARGEST_ID:
        raise NotFound("there is no such message in this conversation")
    return int(digits)
