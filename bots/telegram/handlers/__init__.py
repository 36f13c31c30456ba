"""Routers, one per topic. Each bot builds its own: a router belongs to one dispatcher."""

from aiogram import Router

from bots.telegram.handlers import commands, modes, status, text, voice
from bots.telegram.handlers import unsupported as other


def routers() -> tuple[Router, ...]:
    """In order of precedence: commands, buttons, text, voice, everything else."""
    return commands.router(), status.router(), modes.router(), text.router(), voice.router(), other.router()
