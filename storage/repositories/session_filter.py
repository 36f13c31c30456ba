"""Criteria for lists of conversations, as conditions of a query."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, false, literal, or_, select

from storage.comparison import comparison_key
from storage.models import ChatMessageRow, ChatSessionRow, ExchangeRow
from storage.repositories.answered_by import AnsweredBy, answered_by_condition


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Criteria for conversations. None matches any value. The title must contain every word of ``title``, and the title
    or a message every word of ``text``. ``since`` and ``before`` bound the time of the last change. ``language`` is
    that of a question, ``answered_by`` what answered one."""

    source: str | None = None
    source_id: str | None = None
    owner: str | None = None
    title: str = ""
    text: str = ""
    since: datetime | None = None
    before: datetime | None = None
    language: str | None = None
    answered_by: AnsweredBy | None = None


def matching_sessions(criteria: SessionFilter) -> Select[ChatSessionRow]:
    """Selects the conversations that meet every criterion."""
    found = select(ChatSessionRow)
    exact = (
        (ChatSessionRow.source, criteria.source),
        (ChatSessionRow.source_id, criteria.source_id),
        (ChatSessionRow.owner, criteria.owner),
    )
    for column, value in exact:
        if value is not None:
            found = found.where(column == value)
    for word in comparison_key(criteria.title).split():
        found = found.where(ChatSessionRow.title_key.contains(word, autoescape=True))
    for word in criteria.text.split():
        found = found.where(or_(_titled(word), _has_message_with(word)))
    if criteria.since is not None:
        found = found.where(ChatSessionRow.updated_at >= criteria.since)
    if criteria.before is not None:
        found = found.where(ChatSessionRow.updated_at < criteria.before)
    if criteria.language is not None:
        found = found.where(_has_exchange(ExchangeRow.language == criteria.language))
    if criteria.answered_by is not None:
        found = found.where(_has_exchange(answered_by_condition(criteria.answered_by)))
    return found


def _titled(word: str) -> ColumnElement[bool]:
    key = comparison_key(word)
    return ChatSessionRow.title_key.contains(key, autoescape=True) if key else false()


def _has_message_with(word: str) -> ColumnElement[bool]:
    """Compares the usual spellings of a word, because SQLite ignores the case of ASCII letters only."""
    spellings = dict.fromkeys((word, word.lower(), word.capitalize(), word.upper()))
    contained = or_(*(ChatMessageRow.content.contains(each, autoescape=True) for each in spellings))
    return exists(select(literal(1)).where(ChatMessageRow.session_id == ChatSessionRow.id, contained))


def _has_exchange(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(ExchangeRow.session_id == ChatSessionRow.id, condition))
