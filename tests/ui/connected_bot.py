"""A bot of the filled office that runs against a Bot API server and has answered."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from deployments import names
from deployments.contracts.identity import Role
from tests.bots.bot_api_json import BOT_NAME, TOKEN, user
from tests.bots.telegram_server import TelegramServer
from tests.ui.log_lines import write_log
from tests.ui.panel_server import PanelServer

BY = "admin"
_MESSAGES = ((1_000, "Мария Кузнецова", "Спасибо! А завтра вы открыты?"), (1_004, "Игорь", "Добрый день! Вы открыты?"))
_LOG = (
    f"2026-11-30 09:00:00,000 INFO 91 bots.telegram.bot @{BOT_NAME} is connected.\n"
    "2026-11-30 09:04:12,000 INFO 91 bots.telegram.turns turn=0c1f source=telegram route=faq:1 total_ms=38\n"
    "2026-11-30 09:31:40,000 INFO 91 bots.telegram.turns turn=77ab source=telegram route=local total_ms=1480\n"
)


@asynccontextmanager
async def connected_bot(server: PanelServer) -> AsyncIterator[str]:
    """The id of the first bot that is enabled; yields when it has answered."""
    office = server.office
    async with TelegramServer() as telegram:
        hosts = {"allowed_hosts": [urlsplit(telegram.url).netloc]}
        await office.settings.update_fields(hosts, BY, group="outbound", role=Role.ADMIN)
        bot = next(each for each in await office.bots.list() if each.enabled)
        await office.bots.change(bot.id, {"api_url": telegram.url, "token": TOKEN}, BY)
        log = write_log(server, f"{names.bot_process(bot.id)}.91.log", _LOG)
        os.utime(log, (0, 0))  # the page of logs opens the newest
        async with server.bots.run(office, server.assistant):
            for person, name, text in _MESSAGES:
                await telegram.push(text=text, sender=user(person, name))
            await telegram.wait_for_messages(len(_MESSAGES))
            yield bot.id
        log.unlink()
