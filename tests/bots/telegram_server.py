"""A Telegram Bot API server on the loopback interface with the methods that a bot uses, their limits and errors.

It follows https://core.telegram.org/bots/api. When two clients poll with one token, the older request gets status 409,
as at Telegram. ``poller_conflicts`` counts these cases. A request whose connection is closed does not count.
"""

import asyncio
import contextlib
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tests.bots.bot_api_json import TOKEN, Fault, Json, SentMessage, bot_user, failure, message, private_chat, user

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
TEXT_UNITS = 4096

_DISCONNECT_DELAY_S = 0.1


class BotApiError(Exception):
    def __init__(self, code: int, description: str) -> None:
        self.code, self.description = code, description


class TelegramServer:
    """Serves one bot as an async context manager. ``url`` is the argument for ``TelegramAPIServer.from_base``."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.url = ""
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.sent: list[SentMessage] = []
        self.files: dict[str, bytes] = {}
        self.poller_conflicts = 0
        self.webhook = False
        self.confirmed = 0
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._updates: list[Json] = []
        self._ids = 0
        self._updates_changed = asyncio.Condition()
        self._poller: asyncio.Future[None] | None = None

    async def __aenter__(self) -> "TelegramServer":
        app = web.Application(client_max_size=60 * 1024 * 1024)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._call)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # Called by tests

    async def push(self, kind: str = "message", **fields: Any) -> int:
        """Queues an update and returns the id of its message."""
        self._ids += 1
        fields.setdefault("message_id", self._ids)
        fields.setdefault("sender", user(111))
        fields.setdefault("chat", private_chat(fields["sender"]["id"]))
        body = message(**fields)
        await self.push_raw({"update_id": self._ids, kind: body})
        return int(body["message_id"])

    async def push_raw(self, update: Json) -> None:
        update.setdefault("update_id", self._ids)
        self._ids = max(self._ids, int(update["update_id"])) + 1
        async with self._updates_changed:
            self._updates.append(update)
            self._updates_changed.notify_all()

    def fail(self, method: str, *faults: Fault) -> None:
        self._faults[method].extend(faults)

    async def wait_for_messages(self, count: int, within_s: float = 15) -> list[SentMessage]:
        """The first ``count`` messages sent so far, waiting for them."""
        await self.wait_until(
            lambda: len(self.sent) >= count, within_s, lambda: f"{len(self.sent)} of {count} messages"
        )
        return self.sent[:count]

    async def wait_until(
        self, condition: Callable[[], bool], within_s: float = 15, what: Callable[[], str] = lambda: "condition"
    ) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what()}") from None

    def call_count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    @property
    def is_polled(self) -> bool:
        """Whether a getUpdates request is waiting."""
        return self._poller is not None

    # Called over HTTP

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fields, files = await _fields(request)
        if request.match_info["token"] != self.token:
            return _reply(failure(401, "Unauthorized"))
        self.calls.append((method, fields))
        fault = self._faults[method].popleft() if self._faults[method] else None
        if fault and not fault.after:
            return await self._inject_fault(request, fault)
        handler: Callable[..., Awaitable[Any]] | None = getattr(self, f"_on_{method.lower()}", None)
        if handler is None:
            return _reply(failure(404, "Not Found"))
        try:
            result = await handler(fields, files)
        except BotApiError as refused:
            return _reply(failure(refused.code, refused.description))
        return await self._inject_fault(request, fault) if fault else _reply({"ok": True, "result": result})

    async def _inject_fault(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(1)
        if fault.raw:
            return web.Response(text=fault.raw, status=fault.status, content_type="text/html")
        if fault.migrate_to:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            return _reply(failure(400, text, migrate_to_chat_id=fault.migrate_to))
        if fault.retry_after:
            text = f"Too Many Requests: retry after {fault.retry_after}"
            return _reply(failure(429, text, retry_after=fault.retry_after))
        return _reply(failure(fault.status, fault.description))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _reply(failure(401, "Unauthorized"))
        self.calls.append(("download", dict(request.match_info)))
        if self._faults["download"]:
            return await self._inject_fault(request, self._faults["download"].popleft())
        body = self.files.get(request.match_info["path"].rpartition("/")[2])
        return web.Response(body=body) if body is not None else _reply(failure(404, "Not Found"))

    async def _on_getme(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Json:
        return bot_user()

    async def _on_getwebhookinfo(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Json:
        url = "https://crm.example.org/hook" if self.webhook else ""
        return {"url": url, "has_custom_certificate": False, "pending_update_count": 0}

    async def _on_deletewebhook(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> bool:
        self.webhook = False
        return True

    async def _on_setmycommands(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> bool:
        json.loads(fields["commands"])
        return True

    async def _on_sendchataction(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> bool:
        return True

    async def _on_getupdates(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> list[Json]:
        if self.webhook:
            raise BotApiError(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = int(fields.get("offset", 0))
        self.confirmed = max(self.confirmed, offset - 1)
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        mine = await self._replace_poller()
        try:
            waiting = asyncio.ensure_future(self._wait(float(fields.get("timeout", 0))))
            await asyncio.wait({waiting, mine}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if mine.done():
                raise BotApiError(409, CONFLICT)
        finally:
            waiting.cancel()
            if self._poller is mine:
                self._poller = None
        kinds = json.loads(fields.get("allowed_updates", "[]"))
        found = [update for update in self._updates if not kinds or any(kind in update for kind in kinds)]
        return found[: int(fields.get("limit", 100))]

    async def _replace_poller(self) -> asyncio.Future[None]:
        """Ends the waiting getUpdates request. Waits a moment first, because its connection may be closing."""
        if self._poller is not None:
            await asyncio.sleep(_DISCONNECT_DELAY_S)
        if self._poller is not None:
            self.poller_conflicts += 1
            self._poller.set_result(None)
        self._poller = asyncio.get_running_loop().create_future()
        return self._poller

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._updates_changed:
                await self._updates_changed.wait_for(lambda: bool(self._updates))

    async def _on_sendmessage(self, fields: dict[str, str], files: Mapping[str, bytes]) -> Json:
        text = fields.get("text", "").strip()
        if not text:
            raise BotApiError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > TEXT_UNITS:
            raise BotApiError(400, "Bad Request: message is too long")
        if "reply_markup" in fields:
            _check_markup(json.loads(fields["reply_markup"]))
        return self._deliver(SentMessage("sendMessage", int(fields["chat_id"]), 0, text, fields=fields), {"text": text})

    async def _on_sendvoice(self, fields: dict[str, str], files: Mapping[str, bytes]) -> Json:
        name = fields.get("voice", "").removeprefix("attach://")
        if name not in files:
            raise BotApiError(400, "Bad Request: there is no voice in the request")
        shape = {"voice": {"file_id": "v", "file_unique_id": "v", "duration": int(fields.get("duration", 0))}}
        return self._deliver(
            SentMessage("sendVoice", int(fields["chat_id"]), 0, voice=files[name], fields=fields), shape
        )

    def _deliver(self, sent: SentMessage, shape: Json) -> Json:
        self._ids += 1
        sent.message_id = self._ids
        self.sent.append(sent)
        return message(private_chat(sent.chat_id), bot_user(), sent.message_id, **shape)

    async def _on_getfile(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Json:
        file_id = fields["file_id"]
        if file_id not in self.files:
            raise BotApiError(400, "Bad Request: file is too big")
        size = len(self.files[file_id])
        return {"file_id": file_id, "file_unique_id": file_id, "file_size": size, "file_path": f"voice/{file_id}"}


def _check_markup(markup: Json) -> None:
    """Validates a keyboard: rows of buttons with texts, or ``remove_keyboard``."""
    if markup.get("remove_keyboard") is True:
        return
    rows = markup.get("keyboard")
    sound = isinstance(rows, list) and all(isinstance(row, list) and row for row in rows)
    if not sound or not all(str(button.get("text", "")).strip() for row in rows for button in row):
        raise BotApiError(400, "Bad Request: object expected as reply markup")


async def _fields(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """The parameters of the query and of a urlencoded or multipart form."""
    values, files = dict(request.query), {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = value.file.read()
        else:
            values[name] = str(value)
    return values, files


def _reply(body: Json) -> web.Response:
    return web.json_response(body, status=body.get("error_code", 200))
