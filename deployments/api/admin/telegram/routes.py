"""Telegram bots: declared here, run elsewhere. What runs follows the rows in under a second."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, status
from starlette.responses import Response

from deployments import names
from deployments.administration.bot_sessions import BotSessions
from deployments.administration.bots import BotAdministration
from deployments.administration.logs import LogFiles
from deployments.api.admin.bodies import Changes, with_version
from deployments.api.admin.identity import Caller
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.revisions import IfMatch, expected, named, tag
from deployments.api.admin.telegram.schemas import (
    BotDone,
    BotList,
    BotLog,
    BotReply,
    BotReports,
    BotStateReply,
    DefaultBotState,
    Ended,
    NewBot,
    SessionItem,
    SessionPage,
    in_our_words,
)
from deployments.api.admin.telegram.states import BotStates
from deployments.contracts.instances import BotSpec

_DEFAULT = "default"


def telegram_router(bots: BotAdministration, sessions: BotSessions, reports: BotReports, logs: LogFiles) -> APIRouter:
    router = APIRouter(prefix="/telegram", tags=["telegram"])
    desk = _Desk(bots, BotStates(sessions, reports))
    _add_instances(router, desk)
    _add_life(router, desk, logs)
    _add_sessions(router, bots, sessions)
    _add_default(router, desk, sessions)
    return router


class _Desk:
    """What the routes of instances and those of the default bot share."""

    def __init__(self, bots: BotAdministration, states: BotStates) -> None:
        self.bots = bots
        self.states = states

    def reply(self, spec: BotSpec, response: Response, running: bool | None = None) -> BotReply:
        tag(response, spec.version)
        return BotReply.of(spec, self.bots.hint(spec), running)

    def done(self, spec: BotSpec, response: Response, word: str = "ok") -> BotDone:
        return BotDone(status=word, instance_id=spec.id, instance=self.reply(spec, response))

    async def switch(self, bot_id: str, on: bool, by: str, response: Response) -> BotDone:
        """Switches a bot on or off; says so when it was so before."""
        spec = await self.bots.get(bot_id)
        if spec.enabled == on:
            return self.done(spec, response, "already_running" if on else "already_stopped")
        spec = await self.bots.change(bot_id, {"enabled": on}, by)
        return self.done(spec, response, "started" if on else "stopped")


def _add_instances(router: APIRouter, desk: _Desk) -> None:
    @router.get("/instances")
    async def every(enabled_only: bool = False) -> BotList:
        found = [bot for bot in await desk.bots.list() if bot.enabled or not enabled_only]
        running = await desk.states.running()
        return BotList(
            instances=[
                BotReply.of(bot, desk.bots.hint(bot), None if running is None else bot.id in running) for bot in found
            ]
        )

    @router.post("/instances", status_code=status.HTTP_201_CREATED)
    async def create(body: NewBot, caller: Caller, response: Response) -> BotDone:
        return desk.done(await desk.bots.create(body.draft(), caller.username), response)

    @router.get("/instances/{bot_id}")
    async def one(bot_id: str, response: Response) -> BotReply:
        return desk.reply(await desk.bots.get(bot_id), response)

    @router.put("/instances/{bot_id}")
    async def change(bot_id: str, body: Changes, caller: Caller, response: Response, version: IfMatch) -> BotDone:
        """Changes what is given. A token is taken and never shown; without one the stored one stays."""
        changes, read = with_version(body)
        spec = await desk.bots.change(bot_id, in_our_words(changes), caller.username, expected(version, read))
        return desk.done(spec, response)

    @router.delete("/instances/{bot_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(bot_id: str, caller: Caller, version: IfMatch) -> None:
        await desk.bots.delete(bot_id, caller.username, version)


def _add_life(router: APIRouter, desk: _Desk, logs: LogFiles) -> None:
    @router.post("/instances/{bot_id}/start")
    async def start(bot_id: str, caller: Caller, response: Response) -> BotDone:
        return await desk.switch(bot_id, True, caller.username, response)

    @router.post("/instances/{bot_id}/stop")
    async def stop(bot_id: str, caller: Caller, response: Response) -> BotDone:
        return await desk.switch(bot_id, False, caller.username, response)

    @router.post("/instances/{bot_id}/restart")
    async def restart(bot_id: str, caller: Caller, response: Response) -> BotDone:
        """Ends the bot's process and starts another. 409 for a bot that is switched off."""
        return desk.done(await desk.bots.restart(bot_id, caller.username), response, "restarted")

    @router.get("/instances/{bot_id}/status")
    async def state(bot_id: str) -> BotStateReply:
        return BotStateReply(status=await desk.states.of(await desk.bots.get(bot_id)))

    @router.get("/instances/{bot_id}/logs")
    async def log(bot_id: str, lines: Annotated[int, Query(ge=1, le=5_000)] = 100) -> BotLog:
        """The newest lines that the bot's process wrote, also the one before the last restart."""
        await desk.bots.get(bot_id)
        return BotLog(logs="\n".join(await asyncio.to_thread(logs.newest, names.bot_process(bot_id), lines)))


def _add_sessions(router: APIRouter, bots: BotAdministration, sessions: BotSessions) -> None:
    @router.get("/instances/{bot_id}/sessions")
    async def every(bot_id: str, limit: Limit = 100, offset: Offset = 0) -> SessionPage:
        """Running conversations, the last touched first."""
        await bots.get(bot_id)
        return await _page(sessions, bot_id, limit, offset)

    @router.delete("/instances/{bot_id}/sessions")
    async def end(bot_id: str, caller: Caller, user_id: str | None = Query(default=None, max_length=200)) -> Ended:
        """Ends the conversation of ``user_id``, or all of this bot and of no other. They stay in the history."""
        await bots.get(bot_id)
        return Ended(cleared=await sessions.end(bot_id, user_id, caller.username))


def _add_default(router: APIRouter, desk: _Desk, sessions: BotSessions) -> None:
    """The addresses of a time when there was one bot."""

    @router.get("/config")
    async def config(response: Response) -> BotReply:
        return desk.reply(await desk.bots.get(_DEFAULT), response)

    @router.post("/config")
    async def configure(body: Changes, caller: Caller, response: Response, version: IfMatch) -> BotReply:
        """Changes the bot ``default``, or declares it when there is none yet. A version is heeded, not demanded: older
        clients send none."""
        changes, read = with_version(body)
        spec = await desk.bots.configure(_DEFAULT, in_our_words(changes), caller.username, named(version, read))
        return desk.reply(spec, response)

    @router.get("/status")
    async def state() -> DefaultBotState:
        return DefaultBotState.of(await desk.states.of(await desk.bots.get(_DEFAULT)))

    @router.post("/start")
    async def start(caller: Caller, response: Response) -> BotDone:
        return await desk.switch(_DEFAULT, True, caller.username, response)

    @router.post("/stop")
    async def stop(caller: Caller, response: Response) -> BotDone:
        return await desk.switch(_DEFAULT, False, caller.username, response)

    @router.post("/restart")
    async def restart(caller: Caller, response: Response) -> BotDone:
        return desk.done(await desk.bots.restart(_DEFAULT, caller.username), response, "restarted")

    @router.get("/sessions")
    async def running(limit: Limit = 100, offset: Offset = 0) -> SessionPage:
        """Running conversations of the bot ``default``."""
        await desk.bots.get(_DEFAULT)
        return await _page(sessions, _DEFAULT, limit, offset)

    @router.delete("/sessions")
    async def end(caller: Caller) -> Ended:
        """Ends the conversations of the bot ``default`` only."""
        return Ended(cleared=await sessions.end(_DEFAULT, None, caller.username))


async def _page(sessions: BotSessions, bot_id: str, limit: int, offset: int) -> SessionPage:
    found, total = await sessions.list(bot_id, limit, offset)
    items = [
        SessionItem(
            user_id=each.person,
            chat_session_id=each.id,
            display_name=each.display_name,
            created_at=each.created_at,
            updated_at=each.updated_at,
        )
        for each in found
    ]
    return SessionPage(sessions=items, total=total, limit=limit, offset=offset)
