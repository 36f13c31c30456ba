"""Routers, one per topic. Each bot builds its own: a router belongs to one dispatcher."""

from aiogram import Router

from bots.telegram.handlers import commands, other, text, voice


def routers() -> tuple[Router, ...]:
    """In order of precedence: commands, text, voice, everything else."""
    return commands.router(), text.router(), voice.router(), other.router()
