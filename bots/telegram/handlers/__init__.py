"""One router for each topic. Each bot builds its own routers, because a router belongs to one dispatcher."""

from aiogram import Router

from bots.telegram.handlers import commands, modes, status, text, voice
from bots.telegram.handlers import unsupported as other


def routers() -> tuple[Router, ...]:
    """All routers in order of precedence."""
    return (
        commands.build_router(),
        status.build_router(),
        modes.build_router(),
        text.build_router(),
        voice.build_router(),
        other.build_router(),
    )
