"""Bot tokens appear in no log record and no error."""

import asyncio
import logging
import traceback

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramAPIError

from bots.telegram.token_redaction import RedactingSession, redact_tokens
from deployments.contracts.errors import Unavailable
from tests.bots.bot_api_json import TOKEN, Fault, voice
from tests.bots.harness import running_bot, unreachable_bot
from tests.bots.telegram_server import TelegramServer

SECRET = TOKEN.partition(":")[2]


async def test_token_appears_in_no_log_and_no_repr(server: TelegramServer, caplog: pytest.LogCaptureFixture) -> None:
    """HTTP libraries quote the URL in errors of downloads, timeouts and refused connections."""
    server.files["note1"] = b"OggS"
    server.fail("download", Fault(500), Fault(502))
    server.fail("getUpdates", Fault(cut=True), Fault(500, description=f"at /bot{TOKEN}/getUpdates"))
    with caplog.at_level(logging.DEBUG):
        async with running_bot(server) as running:
            await server.push(**voice("note1", 4))
            await server.push(**voice("note1", 4))
            await server.wait_for_messages(2)
            logging.getLogger("aiogram.event").error("https://api.telegram.org/bot%s/getMe", TOKEN)
            shown = repr(running.bot) + str(vars(running.bot)) + repr(running.bot.status())
        async with TelegramServer() as stopped_server:
            url = stopped_server.url
        bot = unreachable_bot(url)
        task = asyncio.create_task(bot.run())
        await stopped_server.wait_until(lambda: bot.status().error != "", 15)
        await bot.stop()
        await task
    assert running.bot.status().failures == 2
    written = caplog.text + shown + repr(bot.status())
    assert "[token]" in written
    assert SECRET not in written


@pytest.mark.parametrize("fault", [Fault(raw=f"<p>no route to /bot{TOKEN}/getMe</p>"), Fault(404, f"/bot{TOKEN}")])
async def test_session_errors_contain_no_token(server: TelegramServer, fault: Fault) -> None:
    bot = Bot(TOKEN, session=RedactingSession(api=TelegramAPIServer.from_base(server.url)))
    server.fail("getMe", fault)
    server.fail("download", Fault(500))
    errors = []
    for call in (bot.get_me(), bot.download_file("voice/x")):
        with pytest.raises((TelegramAPIError, ClientDecodeError, Unavailable)) as caught:
            await call
        errors.append("".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.args))
    await bot.session.close()
    assert "[token]" in errors[0]
    assert SECRET not in "".join(errors)


def test_redact_tokens_in_urls_but_not_in_times() -> None:
    assert redact_tokens(f"http://x/bot{TOKEN}/getMe") == "http://x/bot[token]/getMe"
    assert redact_tokens(f"http://x/bot{TOKEN.replace(':', '%3A')}/getMe") == "http://x/bot[token]/getMe"
    assert redact_tokens("at 12:34:56 on 127.0.0.1:8080") == "at 12:34:56 on 127.0.0.1:8080"
