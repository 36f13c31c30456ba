"""Bots and widgets as they are declared: each is a door of its own that says how to answer there."""

from typing import Literal

from pydantic import Field

from deployments.contracts.chat import Overrides, Route
from deployments.contracts.frozen import Frozen, Language, Slug


class BotSpec(Frozen):
    """A Telegram bot as declared in storage. ``sealed_token`` is opened only inside the bot's own process."""

    id: Slug
    name: str
    enabled: bool = True
    sealed_token: str = Field(default="", repr=False)
    api_url: str = "https://api.telegram.org"
    allowed_users: tuple[int, ...] = Field(default=(), description="Telegram user ids; empty means everyone")
    welcome_message: str = ""
    unauthorized_message: str = ""
    error_message: str = ""
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    voice_id: str = ""
    answer_voice_with_voice: bool = True
    version: int = 1

    @property
    def overrides(self) -> Overrides:
        """What this bot says of how to answer. Raises ModelNotFound for a route of another version."""
        return Overrides(persona_id=self.persona_id or None, route=Route.parse(self.route))


class WidgetSpec(Frozen):
    """A chat window on somebody's website. ``allowed_domains`` are exact host names, IDN in its ASCII form."""

    id: Slug
    name: str
    description: str = ""
    enabled: bool = True
    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    primary_color: str = "#6366f1"
    position: Literal["left", "right"] = "right"
    allowed_domains: tuple[str, ...] = ()
    tunnel_url: str = ""
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    system_prompt: str = ""
    voice_id: str = ""
    tts_preset: str = ""
    version: int = 1
