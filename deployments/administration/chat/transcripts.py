"""A conversation as a text."""

from collections.abc import Callable

from deployments.administration.chat.sessions import ChatThread


def transcript_text(thread: ChatThread, format_: str) -> str:
    """The current branch as plain text ("txt") or Markdown ("md")."""
    return _FORMATS[format_](thread)


def _plain(thread: ChatThread) -> str:
    messages = (f"[{m.created_at:%Y-%m-%d %H:%M:%S} UTC] {m.role}: {m.content}" for m in thread.messages)
    return "\n\n".join((thread.session.title or thread.session.id, *messages)) + "\n"


def _markdown(thread: ChatThread) -> str:
    messages = (f"## {m.role}, {m.created_at:%Y-%m-%d %H:%M:%S} UTC\n\n{m.content}" for m in thread.messages)
    return "\n\n".join((f"# {thread.session.title or thread.session.id}", *messages)) + "\n"


_FORMATS: dict[str, Callable[[ChatThread], str]] = {"txt": _plain, "md": _markdown}
