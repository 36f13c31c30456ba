"""Export of a conversation as a file."""

import orjson
from starlette.responses import Response

from deployments.administration.chat.sessions import ChatThread
from deployments.api.admin.chat.schemas import SessionDetailReply

_TYPES = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}


def transcript_response(thread: ChatThread, format_: str) -> Response:
    """The current branch as a json, txt or md attachment named after the session id."""
    text = {"json": _json, "txt": _plain, "md": _markdown}[format_](thread)
    disposition = f'attachment; filename="{thread.session.id}.{format_}"'
    return Response(text, media_type=_TYPES[format_], headers={"content-disposition": disposition})


def _json(thread: ChatThread) -> str:
    detail = SessionDetailReply.of_thread(thread.session, thread.messages, thread.versions)
    return orjson.dumps(detail.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode()


def _plain(thread: ChatThread) -> str:
    messages = (f"[{m.created_at:%Y-%m-%d %H:%M:%S} UTC] {m.role}: {m.content}" for m in thread.messages)
    return "\n\n".join((thread.session.title or thread.session.id, *messages)) + "\n"


def _markdown(thread: ChatThread) -> str:
    messages = (f"## {m.role}, {m.created_at:%Y-%m-%d %H:%M:%S} UTC\n\n{m.content}" for m in thread.messages)
    return "\n\n".join((f"# {thread.session.title or thread.session.id}", *messages)) + "\n"
