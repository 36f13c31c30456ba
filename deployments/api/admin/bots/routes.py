"""Routes of Telegram bots. The supervisor of the bots follows a change in less than a second."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, status
from starlette.responses import Response

from deployments import names
from deployments.administration.bots.bot_sessions import BotSessions
from deployments.administration.bots.process_reports import BotReportReader
from deployments.administration.bots.proxy_rights import require_proxy_rights
from deployments.administration.bots.service import BotAdministration
from deployments.administration.bots.status_reader import BotStatusReader
from deployments.administration.bots.token_check import BotTokenCheck, BotTokenChecks
from deployments.administration.logs.log_files import LogFiles
from deployments.administration.proxies.drafts import parsed_links
from deployments.api.admin.bots.schemas import (
    BotInstanceReply,
    BotList,
    BotLogReply,
    BotReply,
    BotSessionPage,
    BotSessionReply,
    BotSessionsEndedReply,
    BotStatusReply,
    DefaultBotStatus,
    NewBot,
    TokenCheckBody,
    bot_fields,
)
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_bodies import FieldChanges, split_version
from deployments.api.admin.request_identity import Caller
from deployments.contracts.instances import BotSpec

_DEFAULT_ID = "default"


def bots_router(
    bots: BotAdministration,
    sessions: BotSessions,
    read_reports: BotReportReader,
    logs: LogFiles,
    checks: BotTokenChecks,
) -> APIRouter:
    router = APIRouter(prefix="/telegram", tags=["telegram"])
    replies = _BotReplies(bots, BotStatusReader(sessions, read_reports))
    _add_instances(router, replies)
    _add_check(router, checks)
    _add_process_control(router, replies, logs)
    _add_sessions(router, bots, sessions)
    _add_default(router, replies, sessions)
    return router


class _BotReplies:
    """Builds the replies of the instance routes and of the default bot routes."""

    def __init__(self, bots: BotAdministration, states: BotStatusReader) -> None:
        self.bots = bots
        self.states = states

    def bot_reply(self, spec: BotSpec, response: Response, running: bool | None = None) -> BotReply:
        set_etag(response, spec.version)
        return BotReply.of(spec, self.bots.token_hint(spec), running, self.bots.proxy_hosts(spec))

    def instance_reply(self, spec: BotSpec, response: Response, word: str = "ok") -> BotInstanceReply:
        return BotInstanceReply(status=word, instance_id=spec.id, instance=self.bot_reply(spec, response))

    async def switch(self, bot_id: str, on: bool, by: str, response: Response) -> BotInstanceReply:
        """Enables or disables a bot; the status says when it already was."""
        spec = await self.bots.get(bot_id)
        if spec.enabled == on:
            return self.instance_reply(spec, response, "already_running" if on else "already_stopped")
        spec = await self.bots.change(bot_id, {"enabled": on}, by)
        return self.instance_reply(spec, response, "started" if on else "stopped")


def _add_instances(router: APIRouter, replies: _BotReplies) -> None:
    @router.get("/instances")
    async def every(enabled_only: bool = False) -> BotList:
        found = [bot for bot in await replies.bots.list() if bot.enabled or not enabled_only]
        running = await replies.states.running_ids()
        return BotList(
            instances=[
                BotReply.of(
                    bot,
                    replies.bots.token_hint(bot),
                    None if running is None else bot.id in running,
                    replies.bots.proxy_hosts(bot),
                )
                for bot in found
            ]
        )

    @router.post("/instances", status_code=status.HTTP_201_CREATED)
    async def create(body: NewBot, caller: Caller, response: Response) -> BotInstanceReply:
        """Links of proxies and their policy are for administrators."""
        require_proxy_rights(caller.role, dict(body), None)
        return replies.instance_reply(await replies.bots.create(body.draft(), caller.username), response)

    @router.get("/instances/{bot_id}")
    async def one(bot_id: str, response: Response) -> BotReply:
        return replies.bot_reply(await replies.bots.get(bot_id), response)

    @router.put("/instances/{bot_id}")
    async def change(
        bot_id: str, body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> BotInstanceReply:
        """Changes the given fields. A token is accepted and never returned; without one the stored token stays. Links
        of proxies and their policy are for administrators."""
        changes, read = split_version(body)
        fields = bot_fields(changes)
        require_proxy_rights(caller.role, fields, await replies.bots.get(bot_id))
        spec = await replies.bots.change(bot_id, fields, caller.username, required_version(version, read))
        return replies.instance_reply(spec, response)

    @router.delete("/instances/{bot_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(bot_id: str, caller: Caller, version: IfMatch) -> None:
        await replies.bots.delete(bot_id, caller.username, version)


def _add_check(router: APIRouter, checks: BotTokenChecks) -> None:
    @router.post("/check")
    async def check_new(body: TokenCheckBody, caller: Caller) -> BotTokenCheck:
        """Asks Telegram whose token it is and whether another program uses it. Nothing is stored. Takes up to four
        seconds when all is well. Links of proxies are for administrators."""
        require_proxy_rights(caller.role, dict(body), None)
        links = parsed_links(body.vless_urls)
        return await checks.check_new(body.token, body.api_url, links, body.proxy_policy, caller.username)

    @router.post("/instances/{bot_id}/check")
    async def check_stored(bot_id: str, caller: Caller) -> BotTokenCheck:
        """The same for a stored bot, through its proxies."""
        return await checks.check_stored(bot_id, caller.username)


def _add_process_control(router: APIRouter, replies: _BotReplies, logs: LogFiles) -> None:
    @router.post("/instances/{bot_id}/start")
    async def start(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        return await replies.switch(bot_id, True, caller.username, response)

    @router.post("/instances/{bot_id}/stop")
    async def stop(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        return await replies.switch(bot_id, False, caller.username, response)

    @router.post("/instances/{bot_id}/restart")
    async def restart(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        """Restarts the process of the bot. 409 for a disabled bot."""
        return replies.instance_reply(await replies.bots.restart(bot_id, caller.username), response, "restarted")

    @router.get("/instances/{bot_id}/status")
    async def state(bot_id: str) -> BotStatusReply:
        return BotStatusReply(status=await replies.states.status_of(await replies.bots.get(bot_id)))

    @router.get("/instances/{bot_id}/logs")
    async def log(bot_id: str, lines: Annotated[int, Query(ge=1, le=5_000)] = 100) -> BotLogReply:
        """The last log lines of the bot, across restarts of its process."""
        await replies.bots.get(bot_id)
        return BotLogReply(logs="\n".join(await asyncio.to_thread(logs.tail, names.bot_process(bot_id), lines)))


def _add_sessions(router: APIRouter, bots: BotAdministration, sessions: BotSessions) -> None:
    @router.get("/instances/{bot_id}/sessions")
    async def every(bot_id: str, limit: Limit = 100, offset: Offset = 0) -> BotSessionPage:
        """Running conversations, the most recently used first."""
        await bots.get(bot_id)
        return await _page(sessions, bot_id, limit, offset)

    @router.delete("/instances/{bot_id}/sessions")
    async def end(
        bot_id: str, caller: Caller, user_id: str | None = Query(default=None, max_length=200)
    ) -> BotSessionsEndedReply:
        """Ends the running conversation of ``user_id``, or all of this bot. They stay in the history."""
        await bots.get(bot_id)
        return BotSessionsEndedReply(cleared=await sessions.end(bot_id, user_id, caller.username))


def _add_default(router: APIRouter, replies: _BotReplies, sessions: BotSessions) -> None:
    """Routes of older clients, which know a single bot."""

    @router.get("/config")
    async def config(response: Response) -> BotReply:
        return replies.bot_reply(await replies.bots.get(_DEFAULT_ID), response)

    @router.post("/config")
    async def configure(body: FieldChanges, caller: Caller, response: Response, version: IfMatch) -> BotReply:
        """Changes the bot ``default`` or creates it. The version is optional, for older clients."""
        changes, read = split_version(body)
        fields = bot_fields(changes)
        stored = {bot.id: bot for bot in await replies.bots.list()}
        require_proxy_rights(caller.role, fields, stored.get(_DEFAULT_ID))
        spec = await replies.bots.update_or_create(_DEFAULT_ID, fields, caller.username, given_version(version, read))
        return replies.bot_reply(spec, response)

    @router.get("/status")
    async def state() -> DefaultBotStatus:
        return DefaultBotStatus.of(await replies.states.status_of(await replies.bots.get(_DEFAULT_ID)))

    @router.post("/start")
    async def start(caller: Caller, response: Response) -> BotInstanceReply:
        return await replies.switch(_DEFAULT_ID, True, caller.username, response)

    @router.post("/stop")
    async def stop(caller: Caller, response: Response) -> BotInstanceReply:
        return await replies.switch(_DEFAULT_ID, False, caller.username, response)

    @router.post("/restart")
    async def restart(caller: Caller, response: Response) -> BotInstanceReply:
        return replies.instance_reply(await replies.bots.restart(_DEFAULT_ID, caller.username), response, "restarted")

    @router.get("/sessions")
    async def running(limit: Limit = 100, offset: Offset = 0) -> BotSessionPage:
        """Running conversations of the bot ``default``."""
        await replies.bots.get(_DEFAULT_ID)
        return await _page(sessions, _DEFAULT_ID, limit, offset)

    @router.delete("/sessions")
    async def end(caller: Caller) -> BotSessionsEndedReply:
        """Ends the running conversations of the bot ``default``."""
        return BotSessionsEndedReply(cleared=await sessions.end(_DEFAULT_ID, None, caller.username))


async def _page(sessions: BotSessions, bot_id: str, limit: int, offset: int) -> BotSessionPage:
    found, total = await sessions.list(bot_id, limit, offset)
    items = [
        BotSessionReply(
            user_id=each.person,
            chat_session_id=each.id,
            display_name=each.display_name,
            created_at=each.created_at,
            updated_at=each.updated_at,
        )
        for each in found
    ]
    return BotSessionPage(sessions=items, total=total, limit=limit, offset=offset)
