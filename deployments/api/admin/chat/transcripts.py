"""Export of a conversation as a file."""

import orjson
from starlette.responses import Response

from deployments.administration.chat.sessions import ChatThread
from deployments.administration.chat.transcripts import transcript_text
from deployments.api.admin.chat.schemas import SessionDetailReply

_TYPES = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}


def transcript_response(thread: ChatThread, format_: str) -> Response:
    """The current branch as a json, txt or md attachment named after the session id."""
    text = _json(thread) if format_ == "json" else transcript_text(thread, format_)
    disposition = f'attachment; filename="{thread.session.id}.{format_}"'
    return Response(text, media_type=_TYPES[format_], headers={"content-disposition": disposition})


def _json(thread: ChatThread) -> str:
    detail = SessionDetailReply.of_thread(thread.session, thread.messages, thread.versions)
    return orjson.dumps(detail.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode()
