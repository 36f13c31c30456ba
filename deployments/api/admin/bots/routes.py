"""Telegram bots: declared here, run elsewhere. What runs follows the rows in under a second."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, status
from starlette.responses import Response

from deployments import names
from deployments.administration.bots.bot_sessions import BotSessions
from deployments.administration.bots.service import BotAdministration
from deployments.administration.logs.log_files import LogFiles
from deployments.api.admin.bots.schemas import (
    BotInstanceReply,
    BotList,
    BotLogReply,
    BotReply,
    BotReportReader,
    BotSessionPage,
    BotSessionReply,
    BotSessionsEndedReply,
    BotStatusReply,
    DefaultBotStatus,
    NewBot,
    bot_fields,
)
from deployments.api.admin.bots.status_reader import BotStatusReader
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_bodies import FieldChanges, split_version
from deployments.api.admin.request_identity import Caller
from deployments.contracts.instances import BotSpec

_DEFAULT = "default"


def bots_router(
    bots: BotAdministration, sessions: BotSessions, read_reports: BotReportReader, logs: LogFiles
) -> APIRouter:
    router = APIRouter(prefix="/telegram", tags=["telegram"])
    desk = _BotReplies(bots, BotStatusReader(sessions, read_reports))
    _add_instances(router, desk)
    _add_life(router, desk, logs)
    _add_sessions(router, bots, sessions)
    _add_default(router, desk, sessions)
    return router


class _BotReplies:
    """What the routes of instances and those of the default bot share."""

    def __init__(self, bots: BotAdministration, states: BotStatusReader) -> None:
        self.bots = bots
        self.states = states

    def reply(self, spec: BotSpec, response: Response, running: bool | None = None) -> BotReply:
        set_etag(response, spec.version)
        return BotReply.of(spec, self.bots.token_hint(spec), running)

    def done(self, spec: BotSpec, response: Response, word: str = "ok") -> BotInstanceReply:
        return BotInstanceReply(status=word, instance_id=spec.id, instance=self.reply(spec, response))

    async def switch(self, bot_id: str, on: bool, by: str, response: Response) -> BotInstanceReply:
        """Switches a bot on or off; says so when it was so before."""
        spec = await self.bots.get(bot_id)
        if spec.enabled == on:
            return self.done(spec, response, "already_running" if on else "already_stopped")
        spec = await self.bots.change(bot_id, {"enabled": on}, by)
        return self.done(spec, response, "started" if on else "stopped")


def _add_instances(router: APIRouter, desk: _BotReplies) -> None:
    @router.get("/instances")
    async def every(enabled_only: bool = False) -> BotList:
        found = [bot for bot in await desk.bots.list() if bot.enabled or not enabled_only]
        running = await desk.states.running_ids()
        return BotList(
            instances=[
                BotReply.of(bot, desk.bots.token_hint(bot), None if running is None else bot.id in running)
                for bot in found
            ]
        )

    @router.post("/instances", status_code=status.HTTP_201_CREATED)
    async def create(body: NewBot, caller: Caller, response: Response) -> BotInstanceReply:
        return desk.done(await desk.bots.create(body.draft(), caller.username), response)

    @router.get("/instances/{bot_id}")
    async def one(bot_id: str, response: Response) -> BotReply:
        return desk.reply(await desk.bots.get(bot_id), response)

    @router.put("/instances/{bot_id}")
    async def change(
        bot_id: str, body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> BotInstanceReply:
        """Changes what is given. A token is taken and never shown; without one the stored one stays."""
        changes, read = split_version(body)
        spec = await desk.bots.change(bot_id, bot_fields(changes), caller.username, required_version(version, read))
        return desk.done(spec, response)

    @router.delete("/instances/{bot_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(bot_id: str, caller: Caller, version: IfMatch) -> None:
        await desk.bots.delete(bot_id, caller.username, version)


def _add_life(router: APIRouter, desk: _BotReplies, logs: LogFiles) -> None:
    @router.post("/instances/{bot_id}/start")
    async def start(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        return await desk.switch(bot_id, True, caller.username, response)

    @router.post("/instances/{bot_id}/stop")
    async def stop(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        return await desk.switch(bot_id, False, caller.username, response)

    @router.post("/instances/{bot_id}/restart")
    async def restart(bot_id: str, caller: Caller, response: Response) -> BotInstanceReply:
        """Ends the bot's process and starts another. 409 for a bot that is switched off."""
        return desk.done(await desk.bots.restart(bot_id, caller.username), response, "restarted")

    @router.get("/instances/{bot_id}/status")
    async def state(bot_id: str) -> BotStatusReply:
        return BotStatusReply(status=await desk.states.status_of(await desk.bots.get(bot_id)))

    @router.get("/instances/{bot_id}/logs")
    async def log(bot_id: str, lines: Annotated[int, Query(ge=1, le=5_000)] = 100) -> BotLogReply:
        """The newest lines that the bot's process wrote, also the one before the last restart."""
        await desk.bots.get(bot_id)
        return BotLogReply(logs="\n".join(await asyncio.to_thread(logs.tail, names.bot_process(bot_id), lines)))


def _add_sessions(router: APIRouter, bots: BotAdministration, sessions: BotSessions) -> None:
    @router.get("/instances/{bot_id}/sessions")
    async def every(bot_id: str, limit: Limit = 100, offset: Offset = 0) -> BotSessionPage:
        """Running conversations, the last touched first."""
        await bots.get(bot_id)
        return await _page(sessions, bot_id, limit, offset)

    @router.delete("/instances/{bot_id}/sessions")
    async def end(
        bot_id: str, caller: Caller, user_id: str | None = Query(default=None, max_length=200)
    ) -> BotSessionsEndedReply:
        """Ends the conversation of ``user_id``, or all of this bot and of no other. They stay in the history."""
        await bots.get(bot_id)
        return BotSessionsEndedReply(cleared=await sessions.end(bot_id, user_id, caller.username))


def _add_default(router: APIRouter, desk: _BotReplies, sessions: BotSessions) -> None:
    """The addresses of a time when there was one bot."""

    @router.get("/config")
    async def config(response: Response) -> BotReply:
        return desk.reply(await desk.bots.get(_DEFAULT), response)

    @router.post("/config")
    async def configure(body: FieldChanges, caller: Caller, response: Response, version: IfMatch) -> BotReply:
        """Changes the bot ``default``, or declares it when there is none yet. A version is heeded, not demanded: older
        clients send none."""
        changes, read = split_version(body)
        spec = await desk.bots.update_or_create(
            _DEFAULT, bot_fields(changes), caller.username, given_version(version, read)
        )
        return desk.reply(spec, response)

    @router.get("/status")
    async def state() -> DefaultBotStatus:
        return DefaultBotStatus.of(await desk.states.status_of(await desk.bots.get(_DEFAULT)))

    @router.post("/start")
    async def start(caller: Caller, response: Response) -> BotInstanceReply:
        return await desk.switch(_DEFAULT, True, caller.username, response)

    @router.post("/stop")
    async def stop(caller: Caller, response: Response) -> BotInstanceReply:
        return await desk.switch(_DEFAULT, False, caller.username, response)

    @router.post("/restart")
    async def restart(caller: Caller, response: Response) -> BotInstanceReply:
        return desk.done(await desk.bots.restart(_DEFAULT, caller.username), response, "restarted")

    @router.get("/sessions")
    async def running(limit: Limit = 100, offset: Offset = 0) -> BotSessionPage:
        """Running conversations of the bot ``default``."""
        await desk.bots.get(_DEFAULT)
        return await _page(sessions, _DEFAULT, limit, offset)

    @router.delete("/sessions")
    async def end(caller: Caller) -> BotSessionsEndedReply:
        """Ends the conversations of the bot ``default`` only."""
        return BotSessionsEndedReply(cleared=await sessions.end(_DEFAULT, None, caller.username))


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
