"""Conversations of the panel's chat, one in each language, as they are stored after they have been held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from deployments.administration.chat.sessions import delete_sessions
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from storage.unit_of_work import UnitOfWork
from tests.ui.panel_server import USERNAME, PanelServer

MODEL = "qwen3-4b-instruct-2507"
SOURCE = TurnSource(SourceKind.ADMIN)


class Told(NamedTuple):
    question: str
    answer: str
    faq_wording: str = ""


CHATS = {
    "ru": (
        Told("До скольки вы работаете?", "Мы открыты с девяти до восемнадцати часов.", "часы работы"),
        Told(
            "А парковка у вас есть?",
            "Да, во дворе есть бесплатная парковка для посетителей. Въезд со стороны Садовой улицы.",
        ),
    ),
    "en": (
        Told("How late are you open?", "We are open from nine to six, Monday to Friday.", "opening hours"),
        Told(
            "And can I park at your place?",
            "Yes, there is free parking for visitors in the yard. The entrance is from Garden Street.",
        ),
    ),
}


@asynccontextmanager
async def stored_chats(server: PanelServer) -> AsyncIterator[dict[str, str]]:
    """The ids of CHATS, by language. They belong to the administrator."""
    database, sessions = server.office.database, dict[str, str]()
    for language, told in CHATS.items():
        session_id = (await server.office.conversations.restart(SOURCE, USERNAME)).session_id
        sessions[language] = session_id
        exchanges = [_exchange(session_id, language, number, each) for number, each in enumerate(told)]
        async with database.unit_of_work() as work:
            await work.sessions.set_title_if_empty(session_id, told[0].question)
            await _add_messages(work, session_id, exchanges)
            await work.exchanges.add_new(exchanges)
    yield sessions
    async with database.unit_of_work() as work:
        await delete_sessions(work, tuple(sessions.values()))


async def _add_messages(work: UnitOfWork, session_id: str, exchanges: list[Exchange]) -> None:
    last: int | None = None
    for each in exchanges:
        question = await work.messages.add(
            session_id, "user", each.question, parent_id=last, turn_id=each.turn_id, at=each.created_at
        )
        answer = await work.messages.add(
            *(session_id, "assistant", each.answer),
            parent_id=question.id,
            turn_id=each.turn_id,
            route=each.route,
            at=each.created_at,
        )
        last = answer.id


def _exchange(session_id: str, language: str, number: int, told: Told) -> Exchange:
    from_faq = bool(told.faq_wording)
    return Exchange(
        turn_id=f"{session_id}-{number}",
        session_id=session_id,
        source_kind=SOURCE.kind.value,
        question=told.question,
        answer=told.answer,
        language=language,
        route="faq:1" if from_faq else "local",
        model="" if from_faq else MODEL,
        faq_entry_id=1 if from_faq else None,
        faq_rule="exact" if from_faq else "",
        faq_score=100 if from_faq else 0,
        faq_ms=0.4,
        first_token_ms=None if from_faq else 184,
        first_audio_ms=38 if from_faq else 412,
        total_ms=96 if from_faq else 1_240,
        created_at=datetime.now(UTC) - timedelta(minutes=10 - 2 * number),
    )
