"""An office in daily use: bots, a widget, a key, a provider, a user and today's conversations. Removed afterwards."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from deployments.administration.bots.service import BotDraft
from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.widgets.service import WidgetDraft
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport
from tests.ui.panel_server import PanelServer

BY = "admin"
_TALKS = (
    ("Мария Кузнецова", "До скольки вы работаете?", "Мы открыты с девяти до восемнадцати часов.", "faq:1"),
    ("Павел", "Сколько стоит доставка за город?", "Доставка за город стоит от пятисот рублей.", "local"),
    ("Ольга Викторовна", "Есть ли у вас парковка для автобуса?", "Я передам ваш вопрос администратору.", "fallback"),
    ("John Smith", "Do you speak English?", "Yes, we do. How can I help you?", "cloud:gemini"),
)

_BOTS = (
    ("Ресепшен", "123456789:AAExampleExampleExampleExample", True),
    ("Бот отдела доставки с длинным названием", "987654321:BBExampleExampleExampleExample", False),
)
_DOMAINS = ("example.com", "shop.example.com")
_GEMINI = ProviderDraft(
    name="Gemini",
    provider_type="gemini",
    model_name="gemini-2.5-flash",
    api_key=SecretStr("example"),
    enabled=False,
)


@asynccontextmanager
async def filled_office(server: PanelServer) -> AsyncIterator[None]:
    """The office of ``server`` with the things above."""
    office = server.office
    async with AsyncExitStack() as undo:
        for name, token, enabled in _BOTS:
            draft = BotDraft(name=name, token=SecretStr(token), access="everyone", enabled=enabled)
            bot = await office.bots.create(draft, BY)
            undo.push_async_callback(office.bots.delete, bot.id, BY)
            if enabled:
                sessions = await _talk(server, TurnSource(SourceKind.TELEGRAM, bot.id))
                undo.push_async_callback(_forget, server, sessions)
        widget = await office.widgets.create(WidgetDraft(name="Главный сайт", allowed_domains=_DOMAINS), BY)
        undo.push_async_callback(office.widgets.delete, widget.id, BY)
        key, _ = await office.keys.create("АТС Asterisk", by=BY)
        undo.push_async_callback(office.keys.revoke, key.id, BY)
        provider = await office.providers.create(_GEMINI, BY)
        undo.push_async_callback(office.providers.delete, provider.id, BY)
        await office.users.create("olga.nikolaeva", Role.OPERATOR, "a password of olga", BY)
        undo.push_async_callback(office.users.delete, "olga.nikolaeva", BY)
        yield


async def _forget(server: PanelServer, sessions: tuple[str, ...]) -> None:
    async with server.office.database.unit_of_work() as work:
        await delete_sessions(work, sessions)


async def _talk(server: PanelServer, source: TurnSource) -> tuple[str, ...]:
    """Stores one conversation for each person. Returns the ids of their sessions."""
    sessions: list[str] = []
    for number, (person, question, answer, route) in enumerate(_TALKS):
        session = (await server.office.conversations.open(source, str(1_000 + number), person)).session_id
        exchange = Exchange(
            turn_id=f"{session}-1",
            session_id=session,
            source_kind=source.kind.value,
            source_id=source.instance_id,
            question=question,
            answer=answer,
            route=route,
            model="SmolLM2-135M-Instruct" if route == "local" else "",
            total_ms=640,
            created_at=datetime.now(UTC) - timedelta(minutes=30 * number + 5),
        )
        report = DoorReport(door="telegram#1", sequence=number, revision=1, exchanges=(exchange,), run=session)
        await server.reports.accept(report)
        sessions.append(session)
    return tuple(sessions)
