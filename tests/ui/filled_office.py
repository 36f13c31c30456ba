"""An office in daily use: bots, a widget, a key, a provider, a user, a backup, conversations. Removed later."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from bots.bot_status import BotState, BotStatus
from deployments.administration.bots.service import BotDraft
from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.llm.chains import ChainDraft
from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.widgets.service import WidgetDraft
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport
from tests.ui.log_lines import write_log
from tests.ui.panel_replica import PanelReplica
from tests.ui.panel_server import PanelServer
from tests.ui.traffic import report_conversation
from tests.unit.administration.fake_replicas import FollowedReplica

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
_CHAIN = ChainDraft(routes=("local", "cloud:gemini"), description="Сначала своя модель, потом облако")
_LOG = "".join(
    f"2026-11-30 09:{minute:02d}:00,000 {level} 77 deployments.voice {text}\n"
    for minute, (level, text) in enumerate(
        (
            ("INFO", "The voice irina is loaded."),
            ("INFO", "turn=5f1c source=telegram route=faq:1 total_ms=12"),
            ("WARNING", "The answer of the provider gemini came after 4.1 s."),
            ("ERROR", "The provider gemini refused the request: quota exceeded."),
            ("INFO", "turn=77ab source=phone route=local total_ms=1480"),
        )
    )
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
        statuses: list[BotStatus] = []
        for name, token, enabled in _BOTS:
            draft = BotDraft(name=name, token=SecretStr(token), access="everyone", enabled=enabled)
            bot = await office.bots.create(draft, BY)
            state = BotState.RUNNING if enabled else BotState.STOPPED
            statuses.append(BotStatus(bot.id, bot.version, state, "reception_bot", updates=4))
            undo.push_async_callback(office.bots.delete, bot.id, BY)
            if enabled:
                sessions = await _talk(server, TurnSource(SourceKind.TELEGRAM, bot.id))
                undo.push_async_callback(_forget, server, sessions)
        server.bots.statuses = tuple(statuses)
        undo.callback(setattr, server.bots, "statuses", ())
        widget = await office.widgets.create(
            WidgetDraft(name="Главный сайт", allowed_domains=_DOMAINS, primary_color="#0b7a72"), BY
        )
        undo.push_async_callback(office.widgets.delete, widget.id, BY)
        provider = await office.providers.create(_GEMINI, BY)
        undo.push_async_callback(office.providers.delete, provider.id, BY)
        await office.chains.create("reliable", _CHAIN, BY)
        undo.push_async_callback(office.chains.delete, "reliable", BY)
        key, _ = await office.keys.create("АТС Asterisk", by=BY)
        undo.push_async_callback(office.keys.revoke, key.id, BY)
        undo.callback(write_log(server, "voice.77.log", _LOG).unlink)
        await office.users.create("olga.nikolaeva", Role.OPERATOR, "a password of olga", BY)
        undo.push_async_callback(office.users.delete, "olga.nikolaeva", BY)
        backups = server.services.operations.backups
        undo.push_async_callback(backups.delete, (await backups.create(BY)).name, BY)
        yield


@asynccontextmanager
async def busy_office(server: PanelServer) -> AsyncIterator[None]:
    """The office of ``filled_office`` whose services run, with questions of three weeks."""
    registry = server.services.operations.replica_registry
    async with AsyncExitStack() as running:
        sessions = await _ask_for_three_weeks(server)
        running.push_async_callback(_forget, server, sessions)
        await running.enter_async_context(filled_office(server))
        voice = await running.enter_async_context(FollowedReplica(registry, "voice", "1"))
        voice.model = "piper-ru-irina-medium"
        chat = await running.enter_async_context(PanelReplica(server.services.operations))
        chat.graph_model = "qwen3-4b-instruct-2507"
        task = asyncio.create_task(_keep_reporting(server))
        running.callback(task.cancel)
        yield


async def _keep_reporting(server: PanelServer) -> None:
    for report in itertools.count():
        await server.report_minute(-report)
        for door in ("bots#1", "panel"):
            await server.reports.accept(DoorReport(door=door, sequence=1_000 + report, revision=server.revision))
        await asyncio.sleep(5)


async def _ask_for_three_weeks(server: PanelServer) -> tuple[str, ...]:
    """Questions at the hours of an office. Returns the ids of their sessions."""
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    sessions: list[str] = []
    for day in range(1, 22):
        turns: tuple[dict[str, object], ...] = tuple(
            {"route": "faq:1" if number % 2 else "local", "created_at": today.replace(hour=hour) - timedelta(days=day)}
            for hour in range(6, 15)
            for number in range(1 + (day * hour) % 4 + (hour == 8))
        )
        sessions.append(await report_conversation(server, str(5_000 + day), f"Клиент {day}", *turns))
    return tuple(sessions)


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
        report = DoorReport(door="bots#1", sequence=number, revision=1, exchanges=(exchange,), run=session)
        await server.reports.accept(report)
        sessions.append(session)
    return tuple(sessions)
